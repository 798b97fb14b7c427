/** Small numbers for the values of one key, so that comparing two values is comparing two integers. */

import type { Value } from '../history/operation.ts';

/** The number of absence. */
export const ABSENT = 0;

/** The number of all values that nobody names. */
export const NAMELESS = 1;

/** Stands for a value nobody has told yet; the first that finds it tells. */
export const UNTOLD = -2;

const INTEGER = /^-?[0-9]{1,20}$/;

export class ValueTable {
  readonly #ids = new Map<Value, number>([[null, ABSENT]]);
  readonly #values: Value[] = [null, null];

  /** The number of a value, given out at first sight. */
  intern(value: Value): number {
    const known = this.#ids.get(value);
    if (known !== undefined) return known;
    const id = this.#values.push(value) - 1;
    this.#ids.set(value, id);
    return id;
  }

  valueOf(id: number): Value {
    return this.#values[id] ?? null;
  }

  /** The value as a number to add to; absence counts as 0; null when it is not a whole number. */
  integerOf(id: number): bigint | null {
    const value = this.valueOf(id);
    if (value === null) return 0n;
    return INTEGER.test(value) ? BigInt(value) : null;
  }

  get size(): number {
    return this.#values.length;
  }
}
