/** The options of `npm run loadgen -- …`: what there is, what is allowed, and the errors that say so. */
import {
  commandLine,
  explainMistake,
  flag,
  type OptionTable,
  splitAtDashes,
  valued,
} from '../../src/cli/shared/command-line.ts';
import { type RawValues, usage, Values } from '../../src/cli/shared/values.ts';
import { parseEndpoints } from '../../src/client/options.ts';
import { readSecretFile } from '../../src/io/files.ts';
import { VALUE_BYTES_MAX } from '../../src/protocol/limits.ts';
import { type MixWeights, parseMix } from './mix.ts';
import { UNIQUE_VALUE_BYTES } from './values.ts';

/** What a run needs to know; plain data, so that it can be sent to threads. */
export interface LoadOptions {
  /** `host:port`, at least one. */
  readonly endpoints: readonly string[];
  readonly cluster: string;
  readonly secret: Uint8Array | null;
  readonly threads: number;
  /** Loops of each thread; each has one operation under way. */
  readonly loops: number;
  /** Infinity: until it is stopped. */
  readonly seconds: number;
  /** Operations of all threads together; Infinity: as many as the time allows. */
  readonly ops: number;
  readonly keys: number;
  readonly valueBytes: number;
  readonly mix: MixWeights;
  /** Exponent of Zipf's law; 0: every key as often as any other. */
  readonly zipf: number;
  /** Operations a second of all threads together; Infinity: as fast as the answers come. */
  readonly rate: number;
  readonly seed: number;
  readonly verify: boolean;
  readonly history: string | null;
}

export const outputs = ['table', 'json'] as const;

export interface CommandLine extends LoadOptions {
  readonly output: (typeof outputs)[number];
}

const NAME = 'loadgen';
const DEFAULT_ENDPOINTS = '127.0.0.1:6234';
const DEFAULT_CLUSTER = 'keyval';
const DEFAULT_MIX = 'get=80,put=15,lock=5';
const DEFAULT_SECONDS = 10;
const DEFAULT_LOOPS = 64;
const DEFAULT_KEYS = 10_000;
const DEFAULT_VALUE_BYTES = 64;

const SECONDS_MAX = 2_000_000; // 23 days: a timer holds no more milliseconds than 2^31
const THREADS_MAX = 64;
const LOOPS_MAX = 10_000;
const KEYS_MAX = 10_000_000;
const ZIPF_MAX = 10;
const RATE_MAX = 10_000_000;
const SEED_MAX: number = 2 ** 32 - 1;

const options: OptionTable = {
  endpoints: valued('nodes, with commas: host, host:port, [v6]:port; one is enough', DEFAULT_ENDPOINTS),
  cluster: valued('name of the cluster', DEFAULT_CLUSTER),
  'secret-file': valued('file with the secret of the cluster'),
  threads: valued('worker threads, each with a client of its own', '1'),
  loops: valued('concurrent loops of each thread', `${DEFAULT_LOOPS}`),
  seconds: valued('how long; Infinity: until it is stopped', `${DEFAULT_SECONDS}, without --ops`),
  ops: valued('how many operations, all threads together', 'no limit'),
  keys: valued('how many keys', `${DEFAULT_KEYS}`),
  'value-bytes': valued('size of each value, or 64K, 1M', `${DEFAULT_VALUE_BYTES}`),
  mix: valued('weights of get, put, cas, delete, incr, lock, trylock', DEFAULT_MIX),
  zipf: valued("exponent of Zipf's law: how much more often the first keys are used", '0: all alike'),
  rate: valued('operations a second, all threads together; late ones count from when they were due', 'no limit'),
  seed: valued('decides which keys and operations come', 'random'),
  verify: flag('also increment counters, and count lost updates'),
  history: valued('file for a history that `npm run judge` reads'),
  output: valued(outputs.join(', '), 'table'),
};

const EPILOGUE = `Examples:
  npm run loadgen                                 ten seconds of the usual mix
  npm run loadgen -- --rate 20000 --zipf 0.99     a given rate, hot keys
  npm run loadgen -- --verify --history FILE      then: npm run judge -- FILE
  npm run loadgen -- --mix get=1 --ops 1000000    a million gets

Ctrl-C and SIGTERM end a run early, with its result.
Exit codes: 0 done; 1 updates were lost, or nothing succeeded; 2 wrong options.`;

/**
 * Null when help or the version was asked for, and printed.
 * @throws KeyvalError KV_USAGE naming the option
 */
export async function parseCommandLine(argv: readonly string[]): Promise<CommandLine | null> {
  const { args, rest } = splitAtDashes(argv);
  const raw = await parse(args);
  const surplus = [...raw._, ...(rest ?? [])][0];
  if (surplus !== undefined) throw usage(`unexpected argument '${surplus}'; see npm run ${NAME} -- --help`);
  if (raw.help === true || raw.version === true) return null;
  return checked(await read(new Values(raw)));
}

async function parse(args: readonly string[]): Promise<RawValues> {
  try {
    const parser = commandLine(NAME, args)
      .usage(
        `Usage: npm run ${NAME} -- [options]\n\nLoad on a cluster: random operations, then a table of what they took.`,
      )
      .options(options)
      .epilogue(EPILOGUE);
    return (await parser.parseAsync()) as RawValues;
  } catch (error) {
    throw explainMistake(NAME, args, [...Object.keys(options), 'help', 'version'], error);
  }
}

async function read(values: Values): Promise<CommandLine> {
  const secretFile = values.text('secret-file');
  const ops = values.whole('ops', 1);
  return {
    endpoints: parseEndpoints(values.text('endpoints') ?? DEFAULT_ENDPOINTS),
    cluster: values.text('cluster') ?? DEFAULT_CLUSTER,
    secret: secretFile === undefined ? null : await readSecretFile(secretFile),
    threads: values.whole('threads', 1, THREADS_MAX) ?? 1,
    loops: values.whole('loops', 1, LOOPS_MAX) ?? DEFAULT_LOOPS,
    seconds: secondsOf(values) ?? (ops === undefined ? DEFAULT_SECONDS : Number.POSITIVE_INFINITY),
    ops: ops ?? Number.POSITIVE_INFINITY,
    keys: values.whole('keys', 1, KEYS_MAX) ?? DEFAULT_KEYS,
    valueBytes: values.byteSize('value-bytes') ?? DEFAULT_VALUE_BYTES,
    mix: parseMix(values.text('mix') ?? DEFAULT_MIX),
    zipf: decimal(values, 'zipf', 0, ZIPF_MAX) ?? 0,
    rate: positive(values, 'rate', RATE_MAX) ?? Number.POSITIVE_INFINITY,
    seed: values.whole('seed', 0, SEED_MAX) ?? Math.floor(Math.random() * SEED_MAX),
    verify: values.flag('verify'),
    history: values.text('history') ?? null,
    output: values.oneOf('output', outputs) ?? 'table',
  };
}

function checked(line: CommandLine): CommandLine {
  const { valueBytes, history } = line;
  if (valueBytes < 1 || valueBytes > VALUE_BYTES_MAX) {
    throw usage(`--value-bytes is from 1 to ${VALUE_BYTES_MAX}, not ${valueBytes}`);
  }
  if (history !== null && valueBytes < UNIQUE_VALUE_BYTES) {
    throw usage(`--history needs values that differ: --value-bytes of at least ${UNIQUE_VALUE_BYTES}`);
  }
  return line;
}

function secondsOf(values: Values): number | undefined {
  return values.text('seconds') === 'Infinity' ? Number.POSITIVE_INFINITY : positive(values, 'seconds', SECONDS_MAX);
}

function positive(values: Values, name: string, most: number): number | undefined {
  const number = decimal(values, name, 0, most);
  if (number === 0) throw usage(`--${name} is a number above 0`);
  return number;
}

function decimal(values: Values, name: string, least: number, most: number): number | undefined {
  const text = values.text(name);
  if (text === undefined) return undefined;
  const number = /^\d+(?:\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (number >= least && number <= most) return number;
  throw usage(`--${name} is a number from ${least} to ${most}, not '${text}'`);
}
