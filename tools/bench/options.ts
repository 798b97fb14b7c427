/** The options of `npm run bench -- …`. */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { type Case, cases } from './cases.ts';

export interface BenchOptions {
  readonly help: boolean;
  /** Measured time of each run. */
  readonly seconds: number;
  /** Before the first measured run of each case and contender. */
  readonly warmUpSeconds: number;
  /** Runs of each case and contender. */
  readonly pairs: number;
  readonly cases: readonly Case[];
  readonly keys: number;
  /** From which port on a free one is looked for. */
  readonly port: number;
  /** Folder for CPU profiles, absolute; null: none are made. */
  readonly cpuProf: string | null;
  readonly output: 'md' | 'json';
  /** Another checkout to compare with, absolute. */
  readonly against: string | null;
}

export class UsageError extends Error {}

/** With all cases and pairs, seven minutes on two processors. */
const DEFAULT_SECONDS = 1;
/** The first runs of a case compile it, which four processes on two cores take this long for. */
const DEFAULT_WARM_UP_SECONDS = 8;
/** Fewer pairs are no ground for a ratio. */
const DEFAULT_PAIRS = 5;
const DEFAULT_KEYS = 100_000;
const KEYS_MAX = 10_000_000;
/** Away from the port of a cluster that may be running, and below the ports that systems hand out. */
const DEFAULT_PORT = 26_234;
const PORT_MAX = 65_535;

export const usage: string = `npm run bench -- [options]

  --seconds N     measured time of each run (default ${DEFAULT_SECONDS})
  --warm-up N     seconds before the first run of a case (default ${DEFAULT_WARM_UP_SECONDS}); later runs take a fifth of --seconds
  --pairs N       runs of each case, interleaved with those of the echo (default ${DEFAULT_PAIRS})
  --cases A,B     only these: ${cases.map(({ name }) => name).join(', ')}
  --keys N        keys stored before (default ${DEFAULT_KEYS})
  --port N        port of the nodes; the next free one is taken (default ${DEFAULT_PORT})
  --against DIR   another checkout, with its dependencies: measured in turn with this one, nodes and client
  --cpu-prof DIR  CPU profiles of the client and of one node; costs time, so the ratios do not count
  --output FORM   md or json (default md); raw runs go to .bench/ either way
  --help          this text`;

/** @throws UsageError naming the option that is wrong */
export function parseBenchOptions(args: readonly string[]): BenchOptions {
  const values = parse(args);
  return {
    help: values.help,
    seconds: positive('--seconds', values.seconds) ?? DEFAULT_SECONDS,
    warmUpSeconds: positive('--warm-up', values['warm-up']) ?? DEFAULT_WARM_UP_SECONDS,
    pairs: whole('--pairs', values.pairs, Number.MAX_SAFE_INTEGER) ?? DEFAULT_PAIRS,
    cases: values.cases === undefined ? cases : values.cases.split(',').map(caseNamed),
    keys: whole('--keys', values.keys, KEYS_MAX) ?? DEFAULT_KEYS,
    port: whole('--port', values.port, PORT_MAX) ?? DEFAULT_PORT,
    cpuProf: values['cpu-prof'] === undefined ? null : resolve(values['cpu-prof']),
    output: outputOf(values.output),
    against: values.against === undefined ? null : resolve(values.against),
  };
}

interface Values {
  help: boolean;
  output: string;
  seconds?: string | undefined;
  'warm-up'?: string | undefined;
  pairs?: string | undefined;
  cases?: string | undefined;
  keys?: string | undefined;
  port?: string | undefined;
  against?: string | undefined;
  'cpu-prof'?: string | undefined;
}

function parse(args: readonly string[]): Values {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        help: { type: 'boolean', default: false },
        output: { type: 'string', default: 'md' },
        seconds: { type: 'string' },
        'warm-up': { type: 'string' },
        pairs: { type: 'string' },
        cases: { type: 'string' },
        keys: { type: 'string' },
        port: { type: 'string' },
        against: { type: 'string' },
        'cpu-prof': { type: 'string' },
      },
    });
    return values;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function caseNamed(name: string): Case {
  const found = cases.find((one) => one.name === name);
  if (found !== undefined) return found;
  throw new UsageError(`--cases: there is no case "${name}"; there are ${cases.map((one) => one.name).join(', ')}.`);
}

function outputOf(text: string): 'md' | 'json' {
  if (text === 'md' || text === 'json') return text;
  throw new UsageError(`--output takes md or json, not "${text}".`);
}

function positive(name: string, text: string | undefined): number | null {
  if (text === undefined) return null;
  const value = Number(text);
  if (text !== '' && value > 0 && Number.isFinite(value)) return value;
  throw new UsageError(`${name} takes a number above 0, not "${text}".`);
}

function whole(name: string, text: string | undefined, max: number): number | null {
  if (text === undefined) return null;
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= 1 && value <= max) return value;
  throw new UsageError(`${name} takes a whole number from 1 to ${max}, not "${text}".`);
}
