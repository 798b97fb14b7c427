/**
 * Reads the fields of a JSON array front to back, each checked for its type and range. What is not as it should be gives
 * a value of the right type and is remembered in `isBad`: who reads a whole record asks once, at its end.
 */
export class JsonFields {
  readonly #items: readonly unknown[];
  #at = 0;
  /** Something was missing, or not what it has to be. */
  isBad: boolean;

  constructor(value: unknown) {
    this.isBad = !Array.isArray(value);
    this.#items = Array.isArray(value) ? value : [];
  }

  /** Everything was as it should be, and nothing is left over. */
  get isComplete(): boolean {
    return !this.isBad && this.#at === this.#items.length;
  }

  /** A whole number in a range. */
  whole(max: number = Number.MAX_SAFE_INTEGER, min = 0): number {
    const value = this.any();
    return this.#check(isWhole(value, min, max), value, min);
  }

  wholes(max: number, lengthMax: number): number[] {
    return this.list(lengthMax, (item) => (isWhole(item, 0, max) ? item : null));
  }

  text(pattern: RegExp): string {
    const value = this.any();
    return this.#check(typeof value === 'string' && pattern.test(value), value, '');
  }

  choice<T extends string>(choices: readonly [T, ...T[]]): T {
    const value = this.any();
    return this.#check(choices.includes(value as T), value, choices[0]);
  }

  /** A list of anything; `read` tells with null that an item is bad. */
  list<T>(lengthMax: number, read: (item: unknown, at: number) => T | null): T[] {
    const value = this.any();
    const items = this.#check<readonly unknown[]>(Array.isArray(value) && value.length <= lengthMax, value, []);
    const good: T[] = [];
    for (const [at, item] of items.entries()) {
      const one = read(item, at);
      if (one === null) this.isBad = true;
      else good.push(one);
    }
    return good;
  }

  any(): unknown {
    if (this.#at === this.#items.length) this.isBad = true;
    return this.#items[this.#at++];
  }

  #check<T>(isGood: boolean, value: unknown, instead: T): T {
    if (isGood) return value as T;
    this.isBad = true;
    return instead;
  }
}

function isWhole(value: unknown, min: number, max: number): value is number {
  return Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export function bytesOfJson(value: unknown): Uint8Array {
  return encoder.encode(JSON.stringify(value));
}

/** Undefined, which no JSON is, for bytes that are none. */
export function jsonOfBytes(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(decoder.decode(bytes));
  } catch {
    return undefined;
  }
}
