/**
 * The values of options, read from text. yargs keeps them as text, so that a mistake gets a sentence that names the
 * option and what it takes.
 */
import { KeyvalError } from '../../errors.ts';

/** What yargs made of a command line: operands, and options as text, true, or a list when given more than once. */
export interface RawValues {
  readonly _: readonly string[];
  readonly [name: string]: unknown;
}

const UNIT_MS: Readonly<Record<string, number>> = { '': 1, ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
const UNIT_BYTES: Readonly<Record<string, number>> = { '': 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30 };

export class Values {
  readonly #raw: RawValues;
  readonly #elsewhere: Readonly<Record<string, unknown>>;

  /** `elsewhere`: what the environment and a file say, for options that the command line does not give. */
  constructor(raw: RawValues, elsewhere: Readonly<Record<string, unknown>> = {}) {
    this.#raw = raw;
    this.#elsewhere = elsewhere;
  }

  /** Whether the command line itself gives it. */
  isGiven(name: string): boolean {
    return this.#raw[name] !== undefined;
  }

  flag(name: string): boolean {
    return this.#last(name) === true;
  }

  /** The text of an option; the last one counts when it was given more than once. */
  text(name: string): string | undefined {
    const value = this.#last(name);
    return typeof value === 'string' ? value : undefined;
  }

  /** The entries of a list with commas; several lists are one. */
  list(name: string): string[] | undefined {
    const value = this.#raw[name] ?? this.#elsewhere[name];
    if (value === undefined) return undefined;
    return String(value).split(',');
  }

  oneOf<T extends string>(name: string, choices: readonly T[]): T | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const choice = choices.find((one) => one === text);
    if (choice === undefined) throw usage(`--${name} is ${choices.join(', ')}, not '${text}'`);
    return choice;
  }

  /** A whole number from `least` to `most`. */
  whole(name: string, least = 0, most: number = Number.MAX_SAFE_INTEGER): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const number = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (number >= least && number <= most) return number;
    const range = most === Number.MAX_SAFE_INTEGER ? `, ${least} or more` : ` from ${least} to ${most}`;
    throw usage(`--${name} is a whole number${range}, not '${text}'`);
  }

  /** A 64-bit integer with an optional sign. */
  integer(name: string): bigint | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    if (/^[+-]?\d+$/.test(text)) return BigInt(text.replace('+', ''));
    throw usage(`--${name} is a whole number, not '${text}'`);
  }

  /** A revision: decimal digits. */
  revision(name: string): bigint | undefined {
    const text = this.text(name);
    return text === undefined ? undefined : revisionOf(`--${name}`, text);
  }

  /** Milliseconds, from `250`, `250ms`, `1.5s`, `10m`, `1h`; at least `least`, at most `most`. */
  durationMs(name: string, least = 1, most: number = Number.MAX_SAFE_INTEGER): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const found = durationMsOf(text);
    if (found !== null && found >= least && found <= most) return found;
    const range = most === Number.MAX_SAFE_INTEGER ? `${least} or more` : `${least} to ${most}`;
    throw usage(`--${name} is a time in milliseconds (or 1.5s, 10m, 1h), ${range}, not '${text}'`);
  }

  /** Bytes, from `1048576`, `1024K`, `1M`, `1.5G`: multiples of 1024. */
  byteSize(name: string): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const found = bytesOf(text);
    if (found !== null) return found;
    throw usage(`--${name} is a number of bytes (or 512K, 64M, 1.5G), not '${text}'`);
  }

  #last(name: string): unknown {
    const value = this.#raw[name] ?? this.#elsewhere[name];
    return Array.isArray(value) ? value.at(-1) : value;
  }
}

/** Milliseconds in `250`, `250ms`, `1.5s`, `10m`, `1h`; null when it is none of these. */
export function durationMsOf(text: string): number | null {
  return quantity(text, /^(\d+(?:\.\d+)?)(|ms|s|m|h)$/, UNIT_MS);
}

/** Bytes in `1048576`, `1024K`, `1M`, `1.5G`; null when it is none of these. */
export function bytesOf(text: string): number | null {
  return quantity(text.toUpperCase(), /^(\d+(?:\.\d+)?)(|K|M|G)$/, UNIT_BYTES);
}

function quantity(text: string, form: RegExp, units: Readonly<Record<string, number>>): number | null {
  const match = form.exec(text);
  if (match === null) return null;
  const size = Math.round(Number(match[1]) * (units[match[2] as string] as number));
  return Number.isSafeInteger(size) ? size : null;
}

/** A revision as it is printed; `what` names it in the error. */
export function revisionOf(what: string, text: string): bigint {
  if (/^\d{1,20}$/.test(text)) return BigInt(text);
  throw usage(
    `${what} is a revision, digits as \`get --output json\` prints them, or 0 for an absent key, not '${text}'`,
  );
}

export function usage(message: string): KeyvalError {
  return new KeyvalError('KV_USAGE', message);
}
