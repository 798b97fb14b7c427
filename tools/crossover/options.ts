/** The options of `npm run crossover -- …`. */
import { parseArgs } from 'node:util';
import { type Subject, subjects } from './subjects.ts';

export interface CrossoverOptions {
  readonly help: boolean;
  readonly subjects: readonly Subject[];
  readonly sizes: readonly number[];
  /** Measured time of a cell of the table, for each of the two measures. */
  readonly milliseconds: number;
  readonly json: boolean;
}

export class UsageError extends Error {}

const DEFAULT_SIZES: readonly number[] = [16, 64, 256, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576];
const SIZE_MAX = 64 * 1024 * 1024;
const MILLISECONDS_MAX = 60_000;

export const usage: string = `npm run crossover -- [options]

  --only A,B          only these tasks: ${subjects.map(({ name }) => name).join(', ')}
  --sizes A,B         bytes of the input (default ${DEFAULT_SIZES.join(',')})
  --milliseconds N    measured time of each size and way, for each of the two measures (default 150)
  --json              the figures as JSON instead of tables
  --help              this text`;

/** @throws UsageError naming the option that is wrong */
export function parseCrossoverOptions(args: readonly string[]): CrossoverOptions {
  const values = parse(args);
  return {
    help: values.help,
    subjects: values.only === undefined ? subjects : values.only.split(',').map(named),
    sizes:
      values.sizes === undefined
        ? DEFAULT_SIZES
        : values.sizes.split(',').map((size) => whole('--sizes', size, SIZE_MAX)),
    milliseconds: whole('--milliseconds', values.milliseconds, MILLISECONDS_MAX),
    json: values.json,
  };
}

interface Values {
  readonly help: boolean;
  readonly json: boolean;
  readonly only?: string | undefined;
  readonly sizes?: string | undefined;
  readonly milliseconds: string;
}

function parse(args: readonly string[]): Values {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        help: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        only: { type: 'string' },
        sizes: { type: 'string' },
        milliseconds: { type: 'string', default: '150' },
      },
    });
    return values;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function named(name: string): Subject {
  const found = subjects.find((subject) => subject.name === name);
  if (found !== undefined) return found;
  throw new UsageError(
    `--only: there is no "${name}"; there are ${subjects.map((subject) => subject.name).join(', ')}.`,
  );
}

function whole(name: string, text: string, max: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= 1 && value <= max) return value;
  throw new UsageError(`${name} takes a whole number from 1 to ${max}, not "${text}".`);
}
