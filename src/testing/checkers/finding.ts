/** What a check hands back: the rule that is broken, the operations that prove it, and why they do. */

import type { Operation } from './history/operation.ts';
import type { Rule } from './rules.ts';

export interface Finding {
  readonly rule: Rule;
  /** One or two sentences about these very operations. */
  readonly why: string;
  /** The operations that contradict each other, by the time of their calls. */
  readonly operations: readonly Operation[];
}

/** Breaches of one rule on one key after which a check may stop looking. */
const ENOUGH = 100;

/**
 * Of all the breaches one check finds on one key, the one that is easiest to look at: the shortest stretch of time. A
 * broken store can break a rule a thousand times, and one is enough to understand it.
 */
export class Findings {
  #count = 0;
  #best: Finding | null = null;
  #bestSpan = Number.POSITIVE_INFINITY;

  /** So many that looking for a shorter one is not worth the time. */
  get enough(): boolean {
    return this.#count >= ENOUGH;
  }

  add(rule: Rule, operations: readonly Operation[], why: string): void {
    this.#count++;
    const span = spanOf(operations);
    if (this.#best !== null && span >= this.#bestSpan) return;
    const sorted = [...new Set(operations)].sort((a, b) => a.sentAt - b.sentAt || a.id - b.id);
    this.#best = { rule, why, operations: sorted };
    this.#bestSpan = span;
  }

  get best(): Finding | null {
    return this.#best;
  }
}

/** From the first call to the last call or answer, ns; an operation without an answer counts by its call. */
function spanOf(operations: readonly Operation[]): number {
  let first = Number.POSITIVE_INFINITY;
  let last = Number.NEGATIVE_INFINITY;
  for (const { sentAt, answeredAt } of operations) {
    first = Math.min(first, sentAt);
    last = Math.max(last, answeredAt === Number.POSITIVE_INFINITY ? sentAt : answeredAt);
  }
  return last - first;
}
