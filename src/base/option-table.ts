/**
 * What an object of options may hold: names, and for each the kind of its value. A name that nobody knows is a slip of the pen
 * that would change what is done without a word (`fenc` for `fence`), so it is a fault. Undefined counts as absent.
 */
import { nearest } from './nearest.ts';

/** Of a value. */
export interface Kind {
  /** What it is: 'a number'. */
  readonly words: string;
  readonly fits: (value: unknown) => boolean;
}

/** Every option of `T`, no more and no less. */
export type Kinds<T> = { readonly [K in keyof T]-?: Kind };

/** A value that whoever uses it looks at itself. */
export const anything: Kind = { words: 'anything', fits: () => true };
export const number: Kind = { words: 'a number', fits: (value) => typeof value === 'number' };
export const flag: Kind = { words: 'true or false', fits: (value) => typeof value === 'boolean' };
export const text: Kind = { words: 'a string', fits: (value) => typeof value === 'string' };
export const bigint: Kind = { words: 'a bigint', fits: (value) => typeof value === 'bigint' };
export const bytes: Kind = {
  words: 'a string or a Uint8Array',
  fits: (value) => typeof value === 'string' || value instanceof Uint8Array,
};
export const texts: Kind = {
  words: 'a list of strings',
  fits: (value) => Array.isArray(value) && value.every((one) => typeof one === 'string'),
};
/** Told by what is called of it: it may come from another realm. */
export const signal: Kind = {
  words: 'an AbortSignal',
  fits: (value) => {
    const { aborted, addEventListener } = (value ?? {}) as Partial<AbortSignal>;
    return typeof aborted === 'boolean' && typeof addEventListener === 'function';
  },
};

export class OptionTable<T extends object> {
  readonly #method: string;
  readonly #kinds: ReadonlyMap<string, Kind>;

  /** `method`: what is called with these options. */
  constructor(method: string, kinds: Kinds<NoInfer<T>>) {
    this.#method = method;
    this.#kinds = new Map(Object.entries<Kind>(kinds));
  }

  /** What is wrong, in words; null: nothing. */
  fault(options: T): string | null {
    if (typeof options !== 'object' || options === null) return this.#noOptions(options);
    let isEmpty = true;
    for (const name in options) {
      isEmpty = false;
      const value = options[name];
      if (value === undefined) continue;
      const kind = this.#kinds.get(name);
      if (kind === undefined) return this.#unknown(name);
      if (!kind.fits(value)) return `${this.#method}: ${name} is ${kind.words}, not ${shown(value)}`;
    }
    // A lock or a list, put where the options go, shows no names, and would go unnoticed.
    return isEmpty && classOf(options) !== undefined ? this.#noOptions(options) : null;
  }

  #noOptions(value: unknown): string {
    return `${this.#method}: options are an object, not ${shown(value)}`;
  }

  #unknown(name: string): string {
    const names = [...this.#kinds.keys()];
    const near = nearest(name, names) ?? nearest(`${name}Ms`, names); // the unit is forgotten most easily
    const hint = near === null ? `it takes ${names.join(', ')}` : `did you mean ${near}?`;
    return `${this.#method}: unknown option '${name}'; ${hint}`;
  }
}

/** The name of its class; undefined: it is an object as braces make it, in whatever realm. */
function classOf(value: object): string | undefined {
  if (Array.isArray(value)) return 'Array';
  const name = value.constructor?.name;
  return name === 'Object' ? undefined : name;
}

/** Characters of a string in a message. */
const SHOWN_MAX = 64;

/** A value as a message names it. */
export function shown(value: unknown): string {
  if (typeof value === 'string') return `'${value.length > SHOWN_MAX ? `${value.slice(0, SHOWN_MAX)}…` : value}'`;
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'function') return 'a function';
  if (typeof value !== 'object' || value === null) return String(value);
  const name = classOf(value);
  if (name === undefined) return 'an object';
  return name === 'Array' ? 'a list' : `${/^[AEIOU]/.test(name) ? 'an' : 'a'} ${name}`;
}
