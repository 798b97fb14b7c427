/** The options of `npm run native-free-bench -- …`. */
import { parseArgs } from 'node:util';

export interface NativeFreeOptions {
  readonly help: boolean;
  readonly sizes: readonly number[];
  readonly keys: number;
  readonly seconds: number;
  readonly rounds: number;
  readonly json: boolean;
  /** Run the tests without add-ons instead; these files, none: all. */
  readonly suite: boolean;
  readonly files: readonly string[];
}

export class UsageError extends Error {}

const KIB = 1024;
const DEFAULT_SIZES = [16, 64, 256, KIB, 4 * KIB, 16 * KIB, 64 * KIB, 256 * KIB, KIB * KIB].join(',');
const SIZE_MAX: number = 64 * KIB * KIB;
const DEFAULT_KEYS = '100000';
const DEFAULT_SECONDS = '0.15';
const DEFAULT_ROUNDS = '5';
const MAX = 1_000_000;

export const usage: string = `npm run native-free-bench -- [options]

  --sizes A,B     bytes of payload of a WebSocket frame (default 16 to 1 MiB)
  --keys N        keys in the tables of keyval's own paths (default ${DEFAULT_KEYS})
  --seconds N     measured time of each path, size and round (default ${DEFAULT_SECONDS})
  --rounds N      processes of each mode, in turn (default ${DEFAULT_ROUNDS})
  --json          the figures as JSON instead of tables
  --suite [FILE]  no measurement: runs all tests, or those of the files, with --no-addons in every process and thread
  --help          this text

Fails when a mode is not what it says: bufferutil not loaded in the first, loaded in the second, any add-on in the third.`;

/** @throws UsageError naming the option that is wrong */
export function parseNativeFreeOptions(args: readonly string[]): NativeFreeOptions {
  const { values, files } = parse(args);
  if (files.length > 0 && !values.suite) throw new UsageError(`"${files[0]}": files go with --suite.`);
  return {
    help: values.help,
    sizes: values.sizes.split(',').map((size) => whole('--sizes', size, SIZE_MAX)),
    keys: whole('--keys', values.keys, MAX),
    seconds: positive('--seconds', values.seconds),
    rounds: whole('--rounds', values.rounds, MAX),
    json: values.json,
    suite: values.suite,
    files,
  };
}

interface Values {
  readonly help: boolean;
  readonly json: boolean;
  readonly suite: boolean;
  readonly sizes: string;
  readonly keys: string;
  readonly seconds: string;
  readonly rounds: string;
}

function parse(args: readonly string[]): { values: Values; files: readonly string[] } {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        help: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        suite: { type: 'boolean', default: false },
        sizes: { type: 'string', default: DEFAULT_SIZES },
        keys: { type: 'string', default: DEFAULT_KEYS },
        seconds: { type: 'string', default: DEFAULT_SECONDS },
        rounds: { type: 'string', default: DEFAULT_ROUNDS },
      },
    });
    return { values, files: positionals };
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (text !== '' && value > 0 && value <= MAX) return value;
  throw new UsageError(`${name} takes a number above 0, not "${text}".`);
}

function whole(name: string, text: string, max: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= 1 && value <= max) return value;
  throw new UsageError(`${name} takes a whole number from 1 to ${max}, not "${text}".`);
}
