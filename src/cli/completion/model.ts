/** What completion knows of a command line, whatever the shell. */
import type { Command } from '../shared/command.ts';
import type { Completes, OptionTable } from '../shared/command-line.ts';

export interface CompletedOption {
  readonly name: string;
  readonly describe: string;
  readonly takesValue: boolean;
  /** What to offer as its value. */
  readonly completes: Completes;
}

export interface CompletedCommand {
  readonly name: string;
  readonly summary: string;
  /** Its own, not those that all share. */
  readonly options: readonly CompletedOption[];
  /** What to offer for each operand in turn. */
  readonly operands: readonly Completes[];
  /** Whether a command line of its own follows `--`. */
  readonly takesCommand: boolean;
}

export interface CompletedProgram {
  readonly name: string;
  readonly options: readonly CompletedOption[];
  /** None for a program that has options only. */
  readonly commands: readonly CompletedCommand[];
}

const everywhere: OptionTable = {
  help: { type: 'boolean', describe: 'show help' },
  version: { type: 'boolean', describe: 'show the version' },
};

export function completedProgram(
  name: string,
  options: OptionTable,
  commands: readonly Command[] = [],
): CompletedProgram {
  return { name, options: completedOptions({ ...options, ...everywhere }), commands: commands.map(completedCommand) };
}

function completedCommand({ name, summary, options, operands, choices = {}, takesCommand }: Command): CompletedCommand {
  return {
    name,
    summary,
    options: completedOptions(options),
    operands: operands.map((operand) => choices[operand] ?? (operand.includes('FILE') ? 'files' : 'nothing')),
    takesCommand: takesCommand === true,
  };
}

function completedOptions(options: OptionTable): CompletedOption[] {
  return Object.entries(options).map(([name, { type, describe, completes }]) => ({
    name,
    describe: typeof describe === 'string' ? describe : '',
    takesValue: type !== 'boolean',
    completes: completes ?? 'nothing',
  }));
}
