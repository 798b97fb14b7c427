/**
 * Makes a contradiction small enough to look at. A search that fails has looked at thousands of operations; what a
 * person wants are the few that contradict each other.
 *
 * Answers are disbelieved in growing and shrinking blocks (delta debugging, Zeller 1999) as long as the rest still
 * contradicts itself: a read disbelieved counts for nothing, a write may have taken effect at any time, or never.
 */

import type { Meta } from '../history/meta.ts';
import type { Operation } from '../history/operation.ts';
import { RegisterHistory } from './register-history.ts';
import type { RegisterOperation } from './register-operation.ts';
import { searchOrder } from './search.ts';

/** Operations looked at in all trials together: about a second. */
const EFFORT = 3_000_000;

/** Steps of one trial. A trial that is not decided counts as not failing. */
const TRIAL_STEPS = 20_000;

/**
 * @param barrier the earliest answer that no order gets past
 * @returns the operations whose answers are needed for the contradiction, and the writes of the values they name
 */
export function shrink(history: RegisterHistory, barrier: RegisterOperation): readonly Operation[] {
  return new Shrinking(history, barrier).run();
}

class Shrinking {
  readonly #key: string;
  readonly #meta: Meta;
  /** All operations sent before the barrier, by call. */
  readonly #prefix: readonly Operation[];
  #relaxed: ReadonlySet<Operation>;
  #effort = EFFORT;

  constructor(history: RegisterHistory, barrier: RegisterOperation) {
    this.#key = history.key;
    this.#meta = history.meta;
    const prefix = history.operations.filter(({ call }) => call <= barrier.ret);
    this.#prefix = prefix.map(({ source }) => source);
    // What was answered after the barrier was pending then.
    this.#relaxed = new Set(prefix.filter(({ ret }) => ret > barrier.ret).map(({ source }) => source));
  }

  run(): readonly Operation[] {
    this.#relaxOldest();
    for (let size = this.#believed().length >>> 1; size >= 1; size >>>= 1) this.#relaxBlocks(size);
    return this.#withWriters(this.#believed());
  }

  /** Most contradictions lie at the end: disbelieve all but the last 8, 16, 32, … operations. */
  #relaxOldest(): void {
    const believed = this.#believed();
    for (let kept = 8; kept < believed.length; kept *= 2) {
      if (this.#relaxIfFailing(believed.slice(0, -kept))) return;
    }
  }

  #relaxBlocks(size: number): void {
    const believed = this.#believed();
    for (let start = 0; start < believed.length; start += size) {
      this.#relaxIfFailing(believed.slice(start, start + size));
    }
  }

  #relaxIfFailing(block: readonly Operation[]): boolean {
    if (this.#effort <= 0) return false;
    const relaxed = new Set([...this.#relaxed, ...block]);
    const trial = new RegisterHistory(this.#key, this.#prefix, this.#meta, relaxed);
    const { verdict, steps } = searchOrder(trial, TRIAL_STEPS);
    this.#effort -= steps + this.#prefix.length;
    if (verdict !== 'violation') return false;
    this.#relaxed = relaxed;
    return true;
  }

  #believed(): readonly Operation[] {
    return this.#prefix.filter((operation) => !this.#relaxed.has(operation));
  }

  #withWriters(core: readonly Operation[]): readonly Operation[] {
    const kept = new Set(core);
    const named = new Set(core.flatMap(({ found, expected }) => [found, expected]));
    return this.#prefix.filter(
      (operation) => kept.has(operation) || (isWrite(operation) && named.has(operation.value)),
    );
  }
}

function isWrite({ kind, accepted }: Operation): boolean {
  return kind === 'put' || (kind === 'cas' && accepted !== false);
}
