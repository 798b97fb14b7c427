/**
 * What is known beforehand about the order in which the values of a key followed each other: it guides the search to the
 * right order, and cuts short what leads nowhere. A wrong guess here costs time, never truth.
 *
 * The guess: nothing before it is urgent, and the most urgent first. A write is urgent when one of the operations that
 * saw its value is about to be answered; so it serves as many of them as it can. Where that moment lies in the zone of
 * another value (zones.ts), the beginning of that zone is the latest that will do:
 *
 *     zone of "a"         ├────────────┤
 *     get → absent    ├──────────┤          the delete goes before "a", not to the end of the get
 *
 * For reads, and writes of values written once, this is a right order if there is one (Gibbons and Korach 1997). Beyond
 * those, an urgent operation that needs absence makes the deletes as urgent as itself, and one that needs a value, where
 * there is none, the writes.
 */

import { order, PrefixBest } from '../prefix-best.ts';
import type { RegisterHistory } from './register-history.ts';
import { NONE, type RegisterOperation } from './register-operation.ts';
import { ABSENT } from './value-table.ts';

interface Zone {
  readonly from: number;
  readonly until: number;
}

/** How soon the most urgent of several operations must be put in order. */
interface Needs {
  /** By value: of those that need it. */
  readonly ofValue: ReadonlyMap<number, number>;
  /** Of those that need any value to be there. */
  readonly ofPresence: number;
}

export class ValueOrder {
  readonly #history: RegisterHistory;
  /** By value: pending operations that certainly found it. */
  readonly #observers: Int32Array;
  /** By value: pending operations that can write it. */
  readonly #writers: Int32Array;
  /** By value: the first answer and the last call among the operations that saw it. */
  readonly #leastRet: Float64Array;
  readonly #greatestCall: Float64Array;
  /** By operation: 1 where its value is written once. */
  readonly #once: Uint8Array;
  /** By operation: when it becomes urgent. */
  readonly #deadlines: Float64Array;
  /** By operation, valid since the latest `rate`: what to try first. */
  readonly #priorities: Float64Array;
  /** What `rate` found of the expiry of the present value. */
  expiryPriority = 0;

  constructor(history: RegisterHistory) {
    this.#history = history;
    const { size } = history.values;
    this.#observers = new Int32Array(size);
    this.#writers = new Int32Array(size);
    for (const operation of history.operations) this.#count(operation, 1);
    this.#leastRet = new Float64Array(size).fill(Number.POSITIVE_INFINITY);
    this.#greatestCall = new Float64Array(size).fill(Number.NEGATIVE_INFINITY);
    for (const operation of history.operations) this.#measure(operation);
    this.#once = Uint8Array.from(history.operations, ({ changes, makes }) =>
      changes && makes !== NONE && makes !== ABSENT && this.#writers[makes] === 1 ? 1 : 0,
    );
    this.#deadlines = this.#findDeadlines();
    this.#priorities = new Float64Array(history.operations.length);
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

  /** Rates the operations that can come next, for `compare`. @param value the present one */
  rate(enabled: readonly RegisterOperation[], value: number, barrier: number): void {
    const needs = this.#findNeeds(enabled);
    for (const operation of enabled) {
      this.#priorities[operation.index] = this.#rateOne(operation, needs, value, barrier);
    }
    this.expiryPriority = needs.ofValue.get(ABSENT) ?? Number.POSITIVE_INFINITY;
  }

  /** As for `sort`; null is the expiry of the present value. */
  compare(a: RegisterOperation | null, b: RegisterOperation | null): number {
    return (
      order(this.#priorityOf(a), this.#priorityOf(b)) ||
      Number(this.#hasZone(a)) - Number(this.#hasZone(b)) ||
      order(this.#deadlineOf(a), this.#deadlineOf(b))
    );
  }

  #priorityOf(operation: RegisterOperation | null): number {
    return operation === null ? this.expiryPriority : (this.#priorities[operation.index] as number);
  }

  #deadlineOf(operation: RegisterOperation | null): number {
    return operation === null ? Number.POSITIVE_INFINITY : (this.#deadlines[operation.index] as number);
  }

  /** What it writes must stay for a while. */
  #hasZone(operation: RegisterOperation | null): boolean {
    if (operation === null || this.#once[operation.index] === 0) return false;
    return (this.#leastRet[operation.makes] as number) < (this.#greatestCall[operation.makes] as number);
  }

  #findNeeds(enabled: readonly RegisterOperation[]): Needs {
    const ofValue = new Map<number, number>();
    let ofPresence = Number.POSITIVE_INFINITY;
    for (const { index, certain, needs, needsPresence } of enabled) {
      if (!certain) continue;
      const deadline = this.#deadlines[index] as number;
      if (needsPresence) ofPresence = Math.min(ofPresence, deadline);
      if (needs !== NONE) ofValue.set(needs, Math.min(ofValue.get(needs) ?? Number.POSITIVE_INFINITY, deadline));
    }
    return { ofValue, ofPresence };
  }

  #rateOne(
    { index, changes, makes, needs: found }: RegisterOperation,
    needs: Needs,
    value: number,
    barrier: number,
  ): number {
    if (!changes) return Number.NEGATIVE_INFINITY;
    const deadline = this.#deadlines[index] as number;
    const once = this.#once[index] === 1;
    const wanted = once ? deadline : Math.min(deadline, needs.ofValue.get(makes) ?? Number.POSITIVE_INFINITY);
    if (value !== ABSENT || makes === ABSENT) return wanted;
    // Not a value that must stay, since some who saw it cannot come yet.
    const ready = !once || (this.#greatestCall[makes] as number) <= barrier;
    if (!ready) return wanted;
    // Something is about to end the absence: best one that needs it.
    return found === ABSENT ? Number.NEGATIVE_INFINITY : Math.min(wanted, needs.ofPresence);
  }

  #count({ certain, needs, makes }: RegisterOperation, by: number): void {
    if (certain && needs !== NONE) this.#observers[needs] = (this.#observers[needs] as number) + by;
    if (makes !== NONE) this.#writers[makes] = (this.#writers[makes] as number) + by;
  }

  #measure({ certain, call, ret, needs, makes }: RegisterOperation): void {
    for (const value of certain ? [needs, makes] : [makes]) {
      if (value === NONE) continue;
      this.#leastRet[value] = Math.min(this.#leastRet[value] as number, ret);
      this.#greatestCall[value] = Math.max(this.#greatestCall[value] as number, call);
    }
  }

  #findDeadlines(): Float64Array {
    const zones = new PrefixBest(
      this.#zones(),
      ({ from }) => from,
      (a, b) => order(a.until, b.until),
    );
    return Float64Array.from(this.#history.operations, ({ ret, makes, index }) => {
      const end = this.#once[index] === 1 ? Math.min(ret, this.#leastRet[makes] as number) : ret;
      const zone = zones.before(end);
      return zone !== undefined && zone.until > end ? zone.from : end;
    });
  }

  /** The zones of values written once, as far as they are not empty. */
  #zones(): Zone[] {
    return this.#history.operations
      .filter((operation) => this.#hasZone(operation))
      .map(({ makes }) => ({ from: this.#leastRet[makes] as number, until: this.#greatestCall[makes] as number }));
  }
}
