/**
 * A binary heap of (deadline, id) pairs in two typed arrays: the least deadline on top, among equals the least id.
 * Children of place `i` are at `2i + 1` and `2i + 2` (Williams 1964). No operation allocates, except when the arrays
 * double. There is no removal from the middle: who cancels leaves the pair and ignores it when it comes up.
 */

import { assert } from './assert.ts';

const CAPACITY_AT_FIRST = 16;

export class BinaryHeap {
  #deadlines: Float64Array;
  #ids: Int32Array;
  #size: number;

  constructor() {
    this.#deadlines = new Float64Array(CAPACITY_AT_FIRST);
    this.#ids = new Int32Array(CAPACITY_AT_FIRST);
    this.#size = 0;
  }

  get size(): number {
    return this.#size;
  }

  /**
   * @param deadline any number but NaN
   * @param id a 32-bit integer, at least 0; the same pair may be there twice
   */
  push(deadline: number, id: number): void {
    assert(!Number.isNaN(deadline), 'a deadline must be a number');
    assert((id | 0) === id && id >= 0, 'an id must be from 0 to 2^31 - 1');
    if (this.#size === this.#ids.length) this.#grow();
    this.#place(this.#emptyPlaceAbove(this.#size++, deadline, id), deadline, id);
  }

  /** The least deadline; Infinity when empty. */
  peekDeadline(): number {
    return this.#size === 0 ? Number.POSITIVE_INFINITY : (this.#deadlines[0] as number);
  }

  /** The id of the least deadline; −1 when empty. */
  peekId(): number {
    return this.#size === 0 ? -1 : (this.#ids[0] as number);
  }

  /** Takes the top pair away and returns its id; −1 when empty. */
  pop(): number {
    if (this.#size === 0) return -1;
    const id = this.#ids[0] as number;
    const last = --this.#size;
    if (last > 0) this.#sinkFromTop(this.#deadlines[last] as number, this.#ids[last] as number);
    return id;
  }

  /** Forgets all pairs and keeps the arrays. */
  clear(): void {
    this.#size = 0;
  }

  /** Moves later parents down, from the empty place `at`, until the pair fits; returns the place left for it. */
  #emptyPlaceAbove(at: number, deadline: number, id: number): number {
    let empty = at;
    while (empty > 0) {
      const parent = (empty - 1) >> 1;
      if (this.#isBefore(parent, deadline, id)) break;
      this.#copy(parent, empty);
      empty = parent;
    }
    return empty;
  }

  /** Places the pair after the top was taken: earlier children move up until it fits. */
  #sinkFromTop(deadline: number, id: number): void {
    let empty = 0;
    for (let child = 1; child < this.#size; child = 2 * empty + 1) {
      const earlier = this.#earlierOfSiblings(child);
      if (!this.#isBefore(earlier, deadline, id)) break;
      this.#copy(earlier, empty);
      empty = earlier;
    }
    this.#place(empty, deadline, id);
  }

  #earlierOfSiblings(left: number): number {
    const right = left + 1;
    if (right >= this.#size) return left;
    return this.#isBefore(right, this.#deadlines[left] as number, this.#ids[left] as number) ? right : left;
  }

  #isBefore(place: number, deadline: number, id: number): boolean {
    const deadlineHere = this.#deadlines[place] as number;
    return deadlineHere < deadline || (deadlineHere === deadline && (this.#ids[place] as number) < id);
  }

  #copy(from: number, to: number): void {
    this.#place(to, this.#deadlines[from] as number, this.#ids[from] as number);
  }

  #place(at: number, deadline: number, id: number): void {
    this.#deadlines[at] = deadline;
    this.#ids[at] = id;
  }

  #grow(): void {
    const deadlines = new Float64Array(this.#deadlines.length * 2);
    const ids = new Int32Array(this.#ids.length * 2);
    deadlines.set(this.#deadlines);
    ids.set(this.#ids);
    this.#deadlines = deadlines;
    this.#ids = ids;
  }
}
