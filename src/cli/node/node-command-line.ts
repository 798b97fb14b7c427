/** What `keyval-node` is told: by its command line, by the variables of its table, by a file. */
import { DEFAULT_PORT } from '../../base/address.ts';
import { ExitCode } from '../../errors.ts';
import type { NodeOptions } from '../../index.ts';
import { printedConfiguration } from '../config/configuration.ts';
import { variablesOf } from '../config/option.ts';
import { jsonSchemaOf } from '../config/schema.ts';
import { commandLine, examplesText, explainMistake, splitAtDashes } from '../shared/command-line.ts';
import { reportFailure } from '../shared/failure.ts';
import { print } from '../shared/streams.ts';
import { type RawValues, usage, Values } from '../shared/values.ts';
import { type NodeConfiguration, nodeConfiguration } from './node-configuration.ts';
import { NODE_FILE_VARIABLE, NODE_PROGRAM, nodeCommandOptions, nodeOptionTable } from './node-option-table.ts';

const EPILOGUE = `Options come before the environment, the environment before the file.
Environment: ${[...variablesOf(nodeOptionTable), NODE_FILE_VARIABLE].join(', ')}.
The log goes to standard output, one JSON object a line. GET /livez and /readyz on the port tell how the node is.
SIGTERM and SIGINT hand over what the node is primary of, finish what is in flight and stop it; a second signal
ends it at once.
Exit codes: 0 stopped, 1 error (the address is in use, the state directory is damaged), 2 usage (the directory is
held by another process, or cannot be written), 70 uncaught error, 128 + n ended at once by signal n.
Keys live in memory: stopping all nodes loses them.`;

/**
 * The options to start a node with; an exit code when the command line asked for something else, and got it.
 * @throws KeyvalError KV_USAGE
 */
export async function nodeCommandLine(
  argv: readonly string[],
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Promise<NodeOptions | number> {
  const { args, rest } = splitAtDashes(argv);
  const raw = await parse(args);
  const surplus = [...raw._, ...(rest ?? [])][0];
  if (surplus !== undefined) throw usage(`unexpected argument '${surplus}'; see ${NODE_PROGRAM} --help`);
  if (raw.help === true || raw.version === true) return ExitCode.ok;
  const values = new Values(raw);
  if (values.flag('config-schema')) return printed(jsonText(jsonSchemaOf(NODE_PROGRAM, nodeOptionTable)));
  const isCheck = values.flag('check-config');
  const configuration = await nodeConfiguration(raw, environment, { tryAddress: isCheck });
  if (isCheck) return checked(configuration);
  const { problems, options } = configuration;
  if (problems.length > 0) throw usage(withCount(problems));
  return values.flag('print-config') ? printed(printedConfiguration(configuration.found)) : options;
}

const EXAMPLES: readonly (readonly [line: string, what: string])[] = [
  [NODE_PROGRAM, `a cluster of one on 127.0.0.1:${DEFAULT_PORT}`],
  [`${NODE_PROGRAM} --peers 10.0.0.1,10.0.0.2,10.0.0.3 --secret-file secret`, 'the same line on three machines'],
  [`${NODE_PROGRAM} --peers 127.0.0.1,127.0.0.2 --listen 127.0.0.2`, 'one of two nodes on one machine'],
  [`${NODE_PROGRAM} --port 7000 --data none`, 'for a test: nothing is written'],
  [`${NODE_PROGRAM} --config /etc/keyval/node.json --check-config`, 'is the file in order?'],
];

async function parse(args: readonly string[]): Promise<RawValues> {
  try {
    const parser = commandLine(NODE_PROGRAM, args)
      .usage(`Usage: ${NODE_PROGRAM} [options]\n\nStarts one node of a keyval cluster.`)
      .options(nodeCommandOptions)
      .epilogue(`${examplesText(EXAMPLES)}\n\n${EPILOGUE}`);
    return (await parser.parseAsync()) as RawValues;
  } catch (error) {
    throw explainMistake(NODE_PROGRAM, args, [...Object.keys(nodeCommandOptions), 'help', 'version'], error);
  }
}

async function printed(text: string): Promise<number> {
  await print(text);
  return ExitCode.ok;
}

function jsonText(document: unknown): string {
  return `${JSON.stringify(document, null, 2)}\n`;
}

/** One line on standard output, or each problem on one of standard error. */
function checked({ problems, summary }: NodeConfiguration): Promise<number> {
  if (problems.length === 0) return printed(`the configuration is in order: ${summary}\n`);
  for (const problem of problems) reportFailure(NODE_PROGRAM, usage(problem));
  return Promise.resolve(ExitCode.usage);
}

function withCount([first = '', ...more]: readonly string[]): string {
  if (more.length === 0) return first;
  return `${first} (and ${more.length} more ${more.length === 1 ? 'mistake' : 'mistakes'}; --check-config lists all)`;
}
