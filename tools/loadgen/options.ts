/** The options of `npm run loadgen -- …`: what there is, what is allowed, and the errors that say so. */
import yargs from 'yargs';
import { parseEndpoints } from '../../src/client/options.ts';
import { KeyvalError } from '../../src/errors.ts';
import { VALUE_BYTES_MAX } from '../../src/protocol/limits.ts';
import { type MixWeights, parseMix } from './mix.ts';
import { UNIQUE_VALUE_BYTES } from './values.ts';

/** What a run needs to know; plain data, so that it can be sent to threads. */
export interface LoadOptions {
  /** `host:port`, at least one. */
  readonly endpoints: readonly string[];
  readonly cluster: string;
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

export interface CommandLine extends LoadOptions {
  readonly output: 'table' | 'json';
}

const epilog = `Examples:
  npm run loadgen                                 ten seconds of the usual mix
  npm run loadgen -- --rate 20000 --zipf 0.99     a given rate, hot keys
  npm run loadgen -- --verify --history FILE      then: npm run judge -- FILE
  npm run loadgen -- --mix get=1 --ops 1e6        a million gets

Exit codes: 0 done; 1 updates were lost, or no node answers; 2 wrong options.`;

const DEFAULT_SECONDS = 10;
const SECONDS_MAX = 2_000_000;
const THREADS_MAX = 64;
const LOOPS_MAX = 10_000;
const KEYS_MAX = 10_000_000;
const OPS_MAX = 1e12;
const ZIPF_MAX = 10;
const RATE_MAX = 1e7;
const SEED_MAX: number = 2 ** 32 - 1;

/**
 * Null when help was asked for, and printed.
 * @throws KeyvalError KV_USAGE naming the option
 */
export async function parseCommandLine(args: readonly string[]): Promise<CommandLine | null> {
  const parsed = await parserOf(args).parseAsync();
  if (parsed.help === true) return null;
  for (const [name, value] of Object.entries(parsed)) {
    if (name !== '_' && Array.isArray(value)) throw usage(`--${name} is given more than once`);
  }
  const hasOps = parsed.ops !== undefined;
  return checked({
    endpoints: parseEndpoints(parsed.endpoints),
    cluster: parsed.cluster,
    threads: integer('threads', parsed.threads, 1, THREADS_MAX),
    loops: integer('loops', parsed.loops, 1, LOOPS_MAX),
    seconds: secondsOf(parsed.seconds ?? (hasOps ? Number.POSITIVE_INFINITY : DEFAULT_SECONDS)),
    ops: hasOps ? integer('ops', parsed.ops, 1, OPS_MAX) : Number.POSITIVE_INFINITY,
    keys: integer('keys', parsed.keys, 1, KEYS_MAX),
    valueBytes: integer('value-bytes', parsed.valueBytes, 1, VALUE_BYTES_MAX),
    mix: parseMix(parsed.mix),
    zipf: between('zipf', parsed.zipf, 0, ZIPF_MAX),
    rate: parsed.rate === undefined ? Number.POSITIVE_INFINITY : rateOf(parsed.rate),
    seed: integer('seed', parsed.seed ?? Math.floor(Math.random() * SEED_MAX), 0, SEED_MAX),
    verify: parsed.verify,
    history: parsed.history ?? null,
    output: parsed.output,
  });
}

function parserOf(args: readonly string[]) {
  return yargs([...args])
    .scriptName('npm run loadgen --')
    .usage('$0 [options]\n\nLoad on a cluster: threads of random operations, then a table of what they took.')
    .options({
      endpoints: text('127.0.0.1:6234', 'nodes, separated by commas: host, host:port or [v6]:port; one is enough'),
      cluster: text('keyval', 'name of the cluster'),
      threads: number('worker threads, each with a client of its own', 1),
      loops: number('concurrent loops of each thread', 64),
      seconds: number('how long; Infinity: until it is stopped', undefined, `${DEFAULT_SECONDS}, without --ops`),
      ops: number('how many operations, of all threads together'),
      keys: number('how many keys', 10_000),
      'value-bytes': number('size of each value', 64),
      mix: text('get=80,put=15,lock=5', 'weights of get, put, cas, delete, incr, lock, trylock'),
      zipf: number("exponent of Zipf's law: how much more often the first keys are used; 0: not at all", 0),
      rate: number('operations a second, all together; late ones count from when they were due', undefined, 'no limit'),
      seed: number('decides which keys and operations come', undefined, 'random'),
      verify: { type: 'boolean', default: false, describe: 'also increment counters, and count lost updates' },
      history: { type: 'string', requiresArg: true, describe: 'file for a history that `npm run judge` reads' },
      output: { choices: ['table', 'json'] as const, default: 'table' as const, describe: 'form of the result' },
    })
    .epilog(epilog)
    .strict()
    .version(false)
    .exitProcess(false)
    .fail((message, error) => {
      throw usage((message ?? error.message).replaceAll(/\s+/g, ' '));
    });
}

function text<T extends string>(value: T, describe: string) {
  return { type: 'string', default: value as string, requiresArg: true, describe } as const;
}

function number<D extends number | undefined = undefined>(describe: string, value?: D, shown?: string) {
  const options = { type: 'number', requiresArg: true, describe } as const;
  return { ...options, default: value as D, ...(shown === undefined ? {} : { defaultDescription: shown }) } as const;
}

/** What two options together forbid. */
function checked(options: CommandLine): CommandLine {
  if (options.history !== null && options.valueBytes < UNIQUE_VALUE_BYTES) {
    throw usage(`--history needs values that differ: --value-bytes of at least ${UNIQUE_VALUE_BYTES}`);
  }
  return options;
}

function secondsOf(seconds: number): number {
  return seconds === Number.POSITIVE_INFINITY ? seconds : positive('seconds', seconds, SECONDS_MAX, ', or Infinity');
}

function rateOf(rate: number): number {
  return positive('rate', rate, RATE_MAX, '');
}

function positive(name: string, value: number, max: number, rest: string): number {
  if (value > 0 && value <= max) return value;
  throw usage(`--${name} takes a number above 0 and at most ${max}${rest}`);
}

function integer(name: string, value: number | undefined, min: number, max: number): number {
  if (value !== undefined && Number.isInteger(value) && value >= min && value <= max) return value;
  throw usage(`--${name} takes a whole number from ${min} to ${max}`);
}

function between(name: string, value: number, min: number, max: number): number {
  if (value >= min && value <= max) return value;
  throw usage(`--${name} takes a number from ${min} to ${max}`);
}

function usage(message: string): KeyvalError {
  return new KeyvalError('KV_USAGE', message);
}
