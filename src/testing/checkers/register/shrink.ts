/**
 * Makes a contradiction small enough to look at. A search that fails has looked at thousands of operations; what a
 * person wants are the few that contradict each other.
 *
 * First the shortest window before the failure that contradicts itself, whatever the key held at its start. Then answers
 * are disbelieved in smaller and smaller blocks (delta debugging, Zeller 1999) as long as the rest still contradicts
 * itself: a read disbelieved counts for nothing, a write may have taken effect at any time from its call on, or never.
 */

import type { Operation } from '../history/operation.ts';
import { type Doubts, RegisterHistory } from './register-history.ts';
import type { RegisterOperation } from './register-operation.ts';
import { searchOrder } from './search.ts';

/** Operations looked at in all trials on a key together: a second or two. */
const EFFORT = 1_000_000;

/** Steps of one trial. A trial that is not decided counts as not failing. */
const TRIAL_STEPS = 10_000;

/** The first window tried; each one after it is twice as long. */
const LEAST_WINDOW = 8;

/**
 * @param barrier the earliest answer that no order gets past
 * @returns the operations whose answers are needed for the contradiction, and the writes of the values they name
 */
export function shrink(history: RegisterHistory, barrier: RegisterOperation): readonly Operation[] {
  return new Shrinking(history, barrier).run();
}

class Shrinking {
  readonly #history: RegisterHistory;
  /** Operations sent before the barrier was answered, by call. */
  readonly #prefix: readonly RegisterOperation[];
  readonly #barrier: RegisterOperation;
  #window: readonly Operation[];
  #relaxed: ReadonlySet<Operation>;
  #start: 'any' | 'any expiring' | null = null;
  #effort = EFFORT;

  constructor(history: RegisterHistory, barrier: RegisterOperation) {
    this.#history = history;
    this.#barrier = barrier;
    this.#prefix = history.operations.filter(({ call }) => call <= barrier.ret);
    this.#window = this.#prefix.map(({ source }) => source);
    // What was answered after the barrier was pending then.
    this.#relaxed = new Set(this.#prefix.filter(({ ret }) => ret > barrier.ret).map(({ source }) => source));
  }

  run(): readonly Operation[] {
    this.#findWindow();
    for (let size = this.#believed().length >>> 1; size >= 1; size >>>= 1) this.#relaxBlocks(size);
    return this.#withWriters(this.#believed());
  }

  #findWindow(): void {
    const start = this.#prefix.some(({ source }) => source.ttl !== undefined) ? 'any expiring' : 'any';
    for (let length = LEAST_WINDOW; length < this.#prefix.length; length *= 2) {
      const from = (this.#prefix.at(-length) as RegisterOperation).call;
      const window = this.#prefix.filter(({ ret }) => ret >= from);
      const pending = window.filter(({ call, ret }) => call < from || ret > this.#barrier.ret);
      const operations = window.map(({ source }) => source);
      const relaxed = new Set(pending.map(({ source }) => source));
      if (!this.#fails(operations, { relaxed, start })) continue;
      this.#window = operations;
      this.#relaxed = relaxed;
      this.#start = start;
      return;
    }
  }

  #relaxBlocks(size: number): void {
    const believed = this.#believed();
    for (let at = 0; at < believed.length; at += size) {
      const relaxed = new Set([...this.#relaxed, ...believed.slice(at, at + size)]);
      const doubts: Doubts = this.#start === null ? { relaxed } : { relaxed, start: this.#start };
      if (this.#fails(this.#window, doubts)) this.#relaxed = relaxed;
    }
  }

  /** Whether these operations contradict each other, as far as that can be said with little effort. */
  #fails(operations: readonly Operation[], doubts: Doubts): boolean {
    if (this.#effort <= 0) return false;
    const trial = new RegisterHistory(this.#history.key, operations, this.#history.meta, doubts);
    const { verdict, steps } = searchOrder(trial, TRIAL_STEPS);
    this.#effort -= steps + operations.length;
    return verdict === 'violation';
  }

  #believed(): readonly Operation[] {
    return this.#window.filter((operation) => !this.#relaxed.has(operation));
  }

  #withWriters(core: readonly Operation[]): readonly Operation[] {
    const kept = new Set(core);
    const named = new Set(core.flatMap(({ found, expected }) => [found, expected]));
    const sources = this.#prefix.map(({ source }) => source);
    return sources.filter((operation) => kept.has(operation) || (isWrite(operation) && named.has(operation.value)));
  }
}

function isWrite({ kind, accepted }: Operation): boolean {
  return kind === 'put' || (kind === 'cas' && accepted !== false);
}
