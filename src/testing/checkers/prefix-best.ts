/**
 * Answers "of all items placed before t, which is the best?" in O(log n): the items sorted by place, and beside each
 * the best of those up to it. Places are moments; "best" is, say, the latest call or the greatest version.
 *
 *     place   3   5   8   9
 *     item    b   d   a   c        c > d > b > a
 *     best    b   d   d   c        before(9) = d
 */
export class PrefixBest<T> {
  readonly #places: Float64Array;
  readonly #best: T[];

  /** @param compare as for `sort`; of equals the one placed first is the best */
  constructor(items: readonly T[], place: (item: T) => number, compare: (a: T, b: T) => number) {
    const sorted = [...items].sort((a, b) => order(place(a), place(b)));
    this.#places = Float64Array.from(sorted, place);
    this.#best = [];
    let best: T | undefined;
    for (const item of sorted) {
      if (best === undefined || compare(item, best) > 0) best = item;
      this.#best.push(best);
    }
  }

  /** The best item whose place is less than `moment`. */
  before(moment: number): T | undefined {
    return this.#best[this.#count(moment, false) - 1];
  }

  /** The best item whose place is at most `moment`. */
  upTo(moment: number): T | undefined {
    return this.#best[this.#count(moment, true) - 1];
  }

  /** How many places lie before `moment`, or at it. */
  #count(moment: number, inclusive: boolean): number {
    let low = 0;
    let high = this.#places.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const place = this.#places[middle] as number;
      if (place < moment || (inclusive && place === moment)) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** For `sort`, also between two infinities, where a difference would be NaN. */
export function order(a: number, b: number): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
