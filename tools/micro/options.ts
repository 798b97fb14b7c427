/** The options of `npm run micro -- …`. */
import { parseArgs } from 'node:util';
import { type Subject, subjects } from './memory/figures.ts';
import { type PathGroup, pathGroups } from './paths/groups.ts';

export interface MicroOptions {
  readonly help: boolean;
  readonly groups: readonly PathGroup[];
  readonly subjects: readonly Subject[];
  /** Keys held, for each subject. */
  readonly sizes: readonly number[];
  /** Keys in the tables of the paths. */
  readonly keys: number;
  /** Measured time of a path, and of a mix. */
  readonly seconds: number;
  readonly rounds: number;
  readonly json: boolean;
}

export class UsageError extends Error {}

const DEFAULT_SIZES = '10000,1000000,5000000';
const SIZE_MAX = 50_000_000;
const DEFAULT_KEYS = '1000000';
const DEFAULT_SECONDS = '0.5';
const DEFAULT_ROUNDS = '5';
const SECONDS_MAX = 600;
const ROUNDS_MAX = 1000;

export const usage: string = `npm run micro -- [options]

  --only A,B     only these; paths: ${pathGroups.join(', ')}
                 memory and pauses: ${subjects.join(', ')}
  --sizes A,B    keys held when memory and pauses are measured (default ${DEFAULT_SIZES})
  --keys N       keys in the tables whose gets and puts are timed (default ${DEFAULT_KEYS})
  --seconds N    measured time of each path and round; four times that for each mix (default ${DEFAULT_SECONDS})
  --rounds N     rounds of all paths, each in new processes (default ${DEFAULT_ROUNDS})
  --json         the figures as JSON instead of tables
  --help         this text

redis is measured where redis-server is on the PATH.`;

/** Long enough for a few collections of the whole heap. */
export const MIX_PER_PATH = 4;

/** @throws UsageError naming the option that is wrong */
export function parseMicroOptions(args: readonly string[]): MicroOptions {
  const values = parse(args);
  const only = values.only?.split(',').map(partNamed) ?? parts;
  return {
    help: values.help,
    groups: pathGroups.filter((group) => only.includes(group)),
    subjects: subjects.filter((subject) => only.includes(subject)),
    sizes: values.sizes.split(',').map((size) => whole('--sizes', size, SIZE_MAX)),
    keys: whole('--keys', values.keys, SIZE_MAX),
    seconds: positive('--seconds', values.seconds, SECONDS_MAX),
    rounds: whole('--rounds', values.rounds, ROUNDS_MAX),
    json: values.json,
  };
}

type Part = PathGroup | Subject;

const parts: readonly Part[] = [...pathGroups, ...subjects];

interface Values {
  readonly help: boolean;
  readonly json: boolean;
  readonly only?: string | undefined;
  readonly sizes: string;
  readonly keys: string;
  readonly seconds: string;
  readonly rounds: string;
}

function parse(args: readonly string[]): Values {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        help: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        only: { type: 'string' },
        sizes: { type: 'string', default: DEFAULT_SIZES },
        keys: { type: 'string', default: DEFAULT_KEYS },
        seconds: { type: 'string', default: DEFAULT_SECONDS },
        rounds: { type: 'string', default: DEFAULT_ROUNDS },
      },
    });
    return values;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function partNamed(name: string): Part {
  const found = parts.find((part) => part === name);
  if (found !== undefined) return found;
  throw new UsageError(`--only: there is no "${name}"; there are ${[...new Set(parts)].join(', ')}.`);
}

function positive(name: string, text: string, max: number): number {
  const value = Number(text);
  if (text !== '' && value > 0 && value <= max) return value;
  throw new UsageError(`${name} takes a number above 0 and up to ${max}, not "${text}".`);
}

function whole(name: string, text: string, max: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= 1 && value <= max) return value;
  throw new UsageError(`${name} takes a whole number from 1 to ${max}, not "${text}".`);
}
