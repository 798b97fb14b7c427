/** `keyval` and its commands: finds the command, reads its options, runs it. */
import type { Argv } from 'yargs';
import { ExitCode, type KeyvalError } from '../errors.ts';
import { cas } from './commands/cas.ts';
import { del } from './commands/del.ts';
import { get } from './commands/get.ts';
import { incr } from './commands/incr.ts';
import { lock } from './commands/lock.ts';
import { ping } from './commands/ping.ts';
import { put } from './commands/put.ts';
import { scan } from './commands/scan.ts';
import { status } from './commands/status.ts';
import { type Command, invocationOf, synopsis } from './shared/command.ts';
import { commandLine, explainMistake, splitAtDashes } from './shared/command-line.ts';
import { connectionOptions } from './shared/connection.ts';
import { environmentNames } from './shared/environment.ts';
import { nearest } from './shared/nearest.ts';
import { outputOptions } from './shared/output.ts';
import { table } from './shared/table.ts';
import { type RawValues, usage, Values } from './shared/values.ts';

const NAME = 'keyval';

export const commands: readonly Command[] = [get, put, del, cas, incr, scan, lock, status, ping];

const commandNames: readonly string[] = commands.map(({ name }) => name);

const sharedOptions = { ...connectionOptions, ...outputOptions };

const EPILOGUE = `Exit codes: 0 ok, 1 error, 2 usage, 3 not found, 4 conflict, 5 no quorum, 6 lock busy or lost.
A failure is one line on standard error: keyval: KV_CODE: message.
Environment: ${environmentNames.join(', ')}; options come first.
Keys live in memory: stopping all nodes loses them. keyval-node starts a node.`;

/** Runs one command line; gives the exit code. @throws KeyvalError, Failure, ReaderGone: see failure.ts */
export async function program(argv: readonly string[]): Promise<number> {
  const { args, rest } = splitAtDashes(argv);
  const chosen = await choose(args);
  if (chosen === null) return ExitCode.ok;
  const { command, operands, values } = chosen;
  return command.run(invocationOf(command, operands, rest, new Values(values)));
}

interface Choice {
  readonly command: Command;
  readonly operands: readonly string[];
  readonly values: RawValues;
}

/** The command and its options; null when help or the version was asked for, and printed. @throws KeyvalError KV_USAGE */
async function choose(args: readonly string[]): Promise<Choice | null> {
  let chosen: Choice | null = null;
  const choice = (command: Command, values: RawValues): void => {
    chosen = { command, operands: values._.slice(1), values };
  };
  const values = await parse(args, choice);
  if (chosen !== null || values.help === true || values.version === true) return chosen;
  throw unknownCommand(values._[0] ?? '');
}

async function parse(
  args: readonly string[],
  choose: (command: Command, values: RawValues) => void,
): Promise<RawValues> {
  try {
    return (await parserOf(args, choose).parseAsync()) as RawValues;
  } catch (error) {
    throw explainMistake(NAME, args, optionNames(args), error);
  }
}

function unknownCommand(name: string): KeyvalError {
  const near = nearest(name, commandNames);
  return usage(
    `unknown command '${name}'; ${near === null ? `there are ${commandNames.join(', ')}` : `did you mean ${near}?`}`,
  );
}

function parserOf(args: readonly string[], choose: (command: Command, values: RawValues) => void): Argv {
  const parser = commandLine(NAME, args)
    .usage(`Usage: ${NAME} COMMAND [options]\n\n${table(commands.map((one) => [`  ${synopsis(one)}`, one.summary]))}`)
    .options(sharedOptions)
    .demandCommand(1, `name a command: ${commandNames.join(', ')}`)
    .epilogue(EPILOGUE);
  for (const command of commands) {
    parser.command(
      command.name,
      false,
      (own) => withExamples(own.usage(usageOf(command)).options(command.options), command.examples),
      (values) => choose(command, values as RawValues),
    );
  }
  return parser;
}

function usageOf(command: Command): string {
  const details = command.details === undefined ? '' : `\n\n${command.details}`;
  return `Usage: ${NAME} ${synopsis(command, '[options]')}\n\n${command.summary}${details}`;
}

function withExamples(parser: Argv, examples: Command['examples']): Argv {
  return parser.example(examples.map(([line, what]) => [line, what]));
}

/** Those of the command that the line names, or of all. */
function optionNames(args: readonly string[]): string[] {
  const named = commands.filter(({ name }) => args.includes(name));
  const known = (named.length === 0 ? commands : named).map(({ options }) => options);
  return [...Object.keys(sharedOptions), ...known.flatMap((options) => Object.keys(options)), 'help', 'version'];
}
