/** What a command of `keyval` is: its words, its options and what it does. */

import type { OptionTable } from './command-line.ts';
import { usage, type Values } from './values.ts';

export interface Command {
  readonly name: string;
  /** Names of what it takes: `KEY`, `VALUE`. */
  readonly operands: readonly string[];
  /** How many of them, the last ones, may be left out; default 0. */
  readonly optionalOperands?: number;
  /** Words that an operand is one of, for completion. One that is named FILE is completed with names of files. */
  readonly choices?: Readonly<Record<string, readonly string[]>>;
  /** One line for the list of commands. */
  readonly summary: string;
  /** More for its own help. */
  readonly details?: string;
  readonly options: OptionTable;
  /** Command lines and what they do. */
  readonly examples: readonly (readonly [string, string])[];
  /** True when what follows `--` is a command line of its own, not operands. */
  readonly takesCommand?: boolean;
  /** Does it; gives the exit code. */
  run(invocation: Invocation): Promise<number>;
}

export interface Invocation {
  /** As many as the command has operands, less those left out. */
  readonly operands: readonly string[];
  /** What follows `--`, for a command that runs another. */
  readonly command: readonly string[];
  readonly values: Values;
}

/** As its usage line has it: `put [options] KEY VALUE`, `lock [options] KEY -- COMMAND…`. */
export function synopsis(command: Command, options = ''): string {
  const { name, operands, takesCommand } = command;
  const words = operands.map((operand, at) => (at < requiredOperands(command) ? operand : `[${operand}]`));
  return [name, ...(options === '' ? [] : [options]), ...words, ...(takesCommand ? ['-- COMMAND…'] : [])].join(' ');
}

function requiredOperands({ operands, optionalOperands = 0 }: Command): number {
  return operands.length - optionalOperands;
}

/**
 * `found` stands before `--`, `rest` behind it.
 * @throws KeyvalError KV_USAGE when operands are missing or too many
 */
export function invocationOf(
  command: Command,
  found: readonly string[],
  rest: readonly string[] | null,
  values: Values,
): Invocation {
  const operands = command.takesCommand ? found : [...found, ...(rest ?? [])];
  const missing = command.operands.slice(operands.length, requiredOperands(command));
  if (missing.length > 0) throw usage(`${missing.join(' and ')} missing; write: keyval ${synopsis(command)}`);
  const surplus = operands[command.operands.length];
  if (surplus !== undefined) throw usage(`unexpected argument '${surplus}'; write: keyval ${synopsis(command)}`);
  return { operands, command: command.takesCommand ? (rest ?? []) : [], values };
}
