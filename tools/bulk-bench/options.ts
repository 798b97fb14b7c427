/** The options of `npm run bulk-bench -- …`. */
import { parseArgs } from 'node:util';

export interface BulkBenchOptions {
  readonly help: boolean;
  readonly json: boolean;
  readonly rows: number;
  readonly valueBytes: number;
  readonly chunkBytes: number;
  readonly inFlight: number;
  readonly rowsPerSecond: number;
  /** Small gets and puts. */
  readonly perSecond: number;
  readonly idleSeconds: number;
  readonly rounds: number;
  /** Threads of a node when the pool is on; null: what a node takes by itself. */
  readonly threads: number | null;
  readonly port: number;
}

export class UsageError extends Error {}

const standards = {
  rows: '400000',
  'value-bytes': '64',
  'chunk-bytes': '524288',
  'in-flight': '6',
  'rows-per-second': '0',
  'per-second': '500',
  'idle-seconds': '3',
  rounds: '3',
  port: '26830',
} as const;

export const usage: string = `npm run bulk-bench -- [options]

  --rows N              rows of an import (default ${standards.rows})
  --value-bytes N       bytes of a value (default ${standards['value-bytes']})
  --chunk-bytes N       bytes of a chunk (default ${standards['chunk-bytes']}, at most 1048576)
  --in-flight N         chunks under way at a time (default ${standards['in-flight']})
  --rows-per-second N   rate of the import; 0: as fast as it goes (default ${standards['rows-per-second']})
  --per-second N        small gets and puts a second beside it (default ${standards['per-second']})
  --idle-seconds N      how long these are measured alone (default ${standards['idle-seconds']})
  --rounds N            rounds; in each, one import with worker threads and one without (default ${standards.rounds})
  --threads N           worker threads of a node when they are on (default: what a node takes by itself)
  --port N              port of the nodes, on 127.0.0.1, .2 and .3 (default ${standards.port})
  --json                the figures as JSON instead of a table
  --help                this text`;

/** @throws UsageError naming the option that is wrong */
export function parseBulkBenchOptions(args: readonly string[]): BulkBenchOptions {
  const values = parse(args);
  const whole = (name: keyof typeof standards, least: number, most: number): number =>
    wholeNumber(name, values[name] ?? standards[name], least, most);
  return {
    help: values.help === true,
    json: values.json === true,
    rows: whole('rows', 1, 100_000_000),
    valueBytes: whole('value-bytes', 0, 65_536),
    chunkBytes: whole('chunk-bytes', 100, 1_048_576),
    inFlight: whole('in-flight', 1, 12),
    rowsPerSecond: whole('rows-per-second', 0, 10_000_000),
    perSecond: whole('per-second', 1, 100_000),
    idleSeconds: whole('idle-seconds', 1, 600),
    rounds: whole('rounds', 1, 100),
    threads: values.threads === undefined ? null : wholeNumber('threads', values.threads, 1, 64),
    port: whole('port', 1024, 65_000),
  };
}

type Values = { readonly help?: boolean; readonly json?: boolean; readonly threads?: string } & {
  readonly [K in keyof typeof standards]?: string;
};

function parse(args: readonly string[]): Values {
  const texts = Object.keys(standards).map((name) => [name, { type: 'string' }] as const);
  const flags = { help: { type: 'boolean' }, json: { type: 'boolean' }, threads: { type: 'string' } } as const;
  try {
    return parseArgs({ args: [...args], options: { ...Object.fromEntries(texts), ...flags } }).values as Values;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function wholeNumber(name: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least && value <= most) return value;
  throw new UsageError(`--${name} takes a whole number from ${least} to ${most}, not "${text}".`);
}
