/** `keyval` and its commands: finds the command, reads its options, runs it. */
import type { Argv } from 'yargs';
import { nearest } from '../base/nearest.ts';
import { ExitCode, type KeyvalError } from '../errors.ts';
import { cas } from './commands/cas.ts';
import { check } from './commands/check.ts';
import { cluster } from './commands/cluster.ts';
import { completion } from './commands/completion.ts';
import { connections } from './commands/connections.ts';
import { del } from './commands/del.ts';
import { digest } from './commands/digest.ts';
import { exportCommand } from './commands/export.ts';
import { get } from './commands/get.ts';
import { importCommand } from './commands/import.ts';
import { incr } from './commands/incr.ts';
import { lock } from './commands/lock.ts';
import { locks } from './commands/locks.ts';
import { ping } from './commands/ping.ts';
import { put } from './commands/put.ts';
import { scan } from './commands/scan.ts';
import { status } from './commands/status.ts';
import { variablesOf } from './config/option.ts';
import { clientConfiguration, sharedOptions } from './shared/client-configuration.ts';
import { CLIENT_FILE_VARIABLE, clientOptionTable } from './shared/client-option-table.ts';
import { type Command, invocationOf, synopsis } from './shared/command.ts';
import { commandLine, examplesText, explainMistake, splitAtDashes } from './shared/command-line.ts';
import { print } from './shared/streams.ts';
import { table } from './shared/table.ts';
import { type RawValues, usage } from './shared/values.ts';

const NAME = 'keyval';

export const commands: readonly Command[] = [
  get,
  put,
  del,
  cas,
  incr,
  scan,
  importCommand,
  exportCommand,
  digest,
  check,
  lock,
  locks,
  status,
  connections,
  cluster,
  ping,
  completion(() => commands),
];

const commandNames: readonly string[] = commands.map(({ name }) => name);

const EPILOGUE = `Exit codes: 0 ok, 1 error, 2 usage, 3 not found, 4 conflict, 5 no quorum, 6 lock busy or lost, 70 a bug.
A failure is one line on standard error: keyval: KV_CODE: message.
Environment: ${[...variablesOf(clientOptionTable), CLIENT_FILE_VARIABLE].join(', ')}; options come before it, a file behind it.
Keys live in memory: stopping all nodes loses them. keyval-node starts a node.`;

/** Runs one command line; gives the exit code. @throws KeyvalError, Failure, ReaderGone: see failure.ts */
export async function program(argv: readonly string[]): Promise<number> {
  const { args, rest } = splitAtDashes(argv);
  const chosen = await choose(args);
  if (chosen === null) return ExitCode.ok;
  const { command, operands, raw } = chosen;
  const { values, printed } = await clientConfiguration(raw);
  if (!values.flag('print-config') && command !== null)
    return command.run(invocationOf(command, operands, rest, values));
  await print(printed);
  return ExitCode.ok;
}

interface Choice {
  /** Null with --print-config, which needs none. */
  readonly command: Command | null;
  readonly operands: readonly string[];
  readonly raw: RawValues;
}

/** The command and its options; null when help or the version was asked for, and printed. @throws KeyvalError KV_USAGE */
async function choose(args: readonly string[]): Promise<Choice | null> {
  let chosen: Choice | null = null;
  const choice = (command: Command, raw: RawValues): void => {
    chosen = { command, operands: raw._.slice(1), raw };
  };
  const raw = await parse(args, choice);
  if (chosen !== null || raw.help === true || raw.version === true) return chosen;
  const [word] = raw._;
  if (word === undefined && raw['print-config'] === true) return { command: null, operands: [], raw };
  throw unknownCommand(word ?? '');
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
    .demandCommand(args.includes('--print-config') ? 0 : 1, `name a command: ${commandNames.join(', ')}`)
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
  const details = command.details === undefined ? '' : `\n\n${paragraphs(command.details)}`;
  return `Usage: ${NAME} ${synopsis(command, '[options]')}\n\n${command.summary}${details}`;
}

/** Lines are broken where they are shown, not where they were written. */
function paragraphs(text: string): string {
  return text.replaceAll(/(?<!\n)\n(?!\n)/g, ' ');
}

function withExamples(parser: Argv, examples: Command['examples']): Argv {
  return parser.epilogue(examplesText(examples));
}

/** Those of the command that the line names, or of all. */
function optionNames(args: readonly string[]): string[] {
  const named = commands.filter(({ name }) => args.includes(name));
  const known = (named.length === 0 ? commands : named).map(({ options }) => options);
  return [...Object.keys(sharedOptions), ...known.flatMap((options) => Object.keys(options)), 'help', 'version'];
}
