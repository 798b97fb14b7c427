/**
 * Makes a contradiction small enough to look at. A search that fails has looked at thousands of operations; what a
 * person wants are the few that contradict each other.
 *
 * First the shortest beginning of the history that contradicts itself: it ends with the answer of one operation, the
 * last straw. Then the shortest window before that, whatever the key held at its start. Then answers are disbelieved in
 * smaller and smaller blocks (delta debugging, Zeller 1999) as long as the rest still contradicts itself: a read
 * disbelieved counts for nothing, a write took effect between its call and its answer, or never.
 */

import type { Effort } from '../effort.ts';
import type { Operation } from '../history/operation.ts';
import { order } from '../prefix-best.ts';
import { type Doubts, RegisterHistory } from './register-history.ts';
import type { RegisterOperation } from './register-operation.ts';
import { searchOrder } from './search.ts';

export interface Core {
  /** The operation whose answer makes the beginning of the history before it wrong. */
  readonly last: RegisterOperation;
  /** The operations whose answers are needed for the contradiction, and the writes of the values they name. */
  readonly operations: readonly Operation[];
  /** They contradict each other whatever the key held before them. */
  readonly anyStart: boolean;
}

/** Steps of one trial. A trial that is not decided counts as not failing. */
const TRIAL_STEPS = 10_000;

/** The first window tried; each one after it is twice as long. */
const LEAST_WINDOW = 8;

/** @param history one that the search has rejected @param effort ends the shrinking when it is spent */
export function shrink(history: RegisterHistory, effort: Effort): Core {
  return new Shrinking(history, effort).run();
}

class Shrinking {
  readonly #history: RegisterHistory;
  readonly #effort: Effort;
  /** What is looked at, by call. */
  #operations: readonly RegisterOperation[];
  #relaxed: ReadonlySet<Operation> = new Set();
  #start: 'any' | 'any expiring' | null = null;

  constructor(history: RegisterHistory, effort: Effort) {
    this.#history = history;
    this.#effort = effort;
    this.#operations = history.operations;
  }

  run(): Core {
    const last = this.#findEnd();
    this.#findWindow(last);
    for (let size = this.#believed().length >>> 1; size >= 1; size >>>= 1) this.#relaxBlocks(size);
    return { last, operations: this.#withWriters(this.#believed()), anyStart: this.#start !== null };
  }

  /** Halves the stretch of answers in which the beginning turns from right to wrong. */
  #findEnd(): RegisterOperation {
    const answers = this.#operations.filter(({ certain }) => certain).sort((a, b) => order(a.ret, b.ret));
    let right = -1;
    let wrong = answers.length - 1;
    while (wrong - right > 1) {
      const middle = (right + wrong) >>> 1;
      if (this.#cutAfter(answers[middle] as RegisterOperation, false)) wrong = middle;
      else right = middle;
    }
    const last = answers[wrong] as RegisterOperation;
    this.#cutAfter(last, true);
    return last;
  }

  /** Whether the beginning up to this answer is wrong. What was answered later was pending then. */
  #cutAfter({ ret: end }: RegisterOperation, keep: boolean): boolean {
    const beginning = this.#operations.filter(({ call }) => call <= end);
    const relaxed = sourcesOf(beginning.filter(({ ret }) => ret > end));
    if (!keep) return this.#fails(beginning, { relaxed });
    this.#operations = beginning;
    this.#relaxed = relaxed;
    return true;
  }

  #findWindow(last: RegisterOperation): void {
    const start = this.#operations.some(({ source }) => source.ttl !== undefined) ? 'any expiring' : 'any';
    for (let length = LEAST_WINDOW; length < this.#operations.length; length *= 2) {
      const from = (this.#operations.at(-length) as RegisterOperation).call;
      const window = this.#operations.filter(({ ret }) => ret >= from);
      const relaxed = sourcesOf(window.filter(({ call, ret }) => call < from || ret > last.ret));
      if (!this.#fails(window, { relaxed, start })) continue;
      this.#operations = window;
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
      if (this.#fails(this.#operations, doubts)) this.#relaxed = relaxed;
    }
  }

  /** Whether these operations contradict each other, as far as that can be said with little effort. */
  #fails(operations: readonly RegisterOperation[], doubts: Doubts): boolean {
    if (!this.#effort.mayShrink) return false;
    const { key, meta } = this.#history;
    const sources = operations.map(({ source }) => source);
    const { verdict, steps } = searchOrder(
      new RegisterHistory(key, sources, meta, doubts),
      TRIAL_STEPS + sources.length,
    );
    this.#effort.spendShrinking(steps + sources.length);
    return verdict === 'violation';
  }

  #believed(): readonly Operation[] {
    return this.#operations.map(({ source }) => source).filter((operation) => !this.#relaxed.has(operation));
  }

  #withWriters(core: readonly Operation[]): readonly Operation[] {
    const kept = new Set(core);
    const named = new Set(core.flatMap(({ found, expected }) => [found, expected]));
    return this.#history.sources.filter(
      (operation) => kept.has(operation) || (isWrite(operation) && named.has(operation.value)),
    );
  }
}

function sourcesOf(operations: readonly RegisterOperation[]): ReadonlySet<Operation> {
  return new Set(operations.map(({ source }) => source));
}

function isWrite({ kind, accepted }: Operation): boolean {
  return kind === 'put' || (kind === 'cas' && accepted !== false);
}
