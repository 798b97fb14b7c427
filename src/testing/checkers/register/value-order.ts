/**
 * What is known beforehand about the order in which the values of a key followed each other, to guide the search and cut
 * it short.
 *
 * Where a value was written once, all operations that saw it stand together in any order, so each value has a *zone*
 * between the first answer and the last call among them; Gibbons and Korach ("Testing Shared Memories", 1997) show that
 * for reads and writes alone the order of the zones' beginnings is the order of the values.
 */

import type { RegisterHistory } from './register-history.ts';
import { NONE, type RegisterOperation } from './register-operation.ts';
import { ABSENT } from './value-table.ts';

export class ValueOrder {
  /** By value: pending operations that certainly found it. */
  readonly #observers: Int32Array;
  /** By value: pending operations that can write it. */
  readonly #writers: Int32Array;
  /** By operation: what to try first. */
  readonly #priorities: Float64Array;
  readonly #history: RegisterHistory;

  constructor(history: RegisterHistory) {
    this.#history = history;
    this.#observers = new Int32Array(history.values.size);
    this.#writers = new Int32Array(history.values.size);
    for (const operation of history.operations) this.#count(operation, 1);
    this.#priorities = this.#prioritize();
  }

  take(operation: RegisterOperation): void {
    this.#count(operation, -1);
  }

  putBack(operation: RegisterOperation): void {
    this.#count(operation, 1);
  }

  /** True when a pending operation must still find this value, and none can write it any more. */
  isNeededLast(value: number): boolean {
    if (this.#history.dynamic || (value === ABSENT && this.#history.expires)) return false;
    return (this.#observers[value] as number) > 0 && this.#writers[value] === 0;
  }

  /** Less is earlier. */
  priorityOf(operation: RegisterOperation): number {
    return this.#priorities[operation.index] as number;
  }

  #count({ certain, needs, makes }: RegisterOperation, by: number): void {
    if (certain && needs !== NONE) this.#observers[needs] = (this.#observers[needs] as number) + by;
    if (makes !== NONE) this.#writers[makes] = (this.#writers[makes] as number) + by;
  }

  /** Observers first, then writers by the beginning of their value's zone. */
  #prioritize(): Float64Array {
    const { operations, values } = this.#history;
    const leastRet = new Float64Array(values.size).fill(Number.POSITIVE_INFINITY);
    const greatestCall = new Float64Array(values.size).fill(Number.NEGATIVE_INFINITY);
    for (const { certain, call, ret, needs, makes } of operations) {
      for (const value of certain ? [needs, makes] : [makes]) {
        if (value === NONE) continue;
        leastRet[value] = Math.min(leastRet[value] as number, ret);
        greatestCall[value] = Math.max(greatestCall[value] as number, call);
      }
    }
    return Float64Array.from(operations, ({ changes, makes, call }) => {
      if (!changes) return Number.NEGATIVE_INFINITY;
      if (makes === NONE || this.#writers[makes] !== 1) return call;
      return Math.min(leastRet[makes] as number, greatestCall[makes] as number);
    });
  }
}
