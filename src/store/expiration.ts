/**
 * Deadlines of the keys of one table: a column by slot, and a heap of (deadline, slot) that says which comes first. The
 * heap is lazy: a pair is good while the column says the same deadline for its slot, and dropped when it comes up
 * otherwise. A pair is there for every deadline of the column; the same pair may be there twice.
 *
 * Nothing expires here. A due key is gone only once its expiry has committed (replication.md R23): the caller asks what
 * is due, appends that to the log, and removes the key when the entry is applied.
 */

import { BinaryHeap } from '../base/binary-heap.ts';

const NONE = -1;

/** Stale pairs allowed besides one for every live one: a few, and one for every 16 slots, since a rebuild reads all. */
const STALE_PAIRS_MIN = 16;
const SLOTS_PER_STALE_PAIR = 16;

/** A pair takes 12 bytes, and up to as much again is free in the heap's arrays. */
const HEAP_PAIR_BYTES_MAX = 24;

export class Expiration {
  /** Log time in ms by slot, 0: none. Empty until the first deadline: most tables have none. */
  #deadlines: Float64Array<ArrayBuffer>;
  readonly #heap: BinaryHeap;
  #size: number;

  constructor() {
    this.#deadlines = new Float64Array(0);
    this.#heap = new BinaryHeap();
    this.#size = 0;
  }

  /** Slots with a deadline. */
  get size(): number {
    return this.#size;
  }

  /** Bytes held by the column and, about, by the heap. */
  get bytes(): number {
    return this.#deadlines.byteLength + this.#heap.size * HEAP_PAIR_BYTES_MAX;
  }

  /** The deadline of a slot; 0 when it has none. */
  deadlineMs(slot: number): number {
    return slot < this.#deadlines.length ? (this.#deadlines[slot] as number) : 0;
  }

  /**
   * @param deadlineMs log time, above 0; 0 takes the deadline away
   * @param capacity every slot is below this (the column grows to it)
   */
  set(slot: number, deadlineMs: number, capacity: number): void {
    const before = this.deadlineMs(slot);
    if (deadlineMs === before) return;
    if (slot >= this.#deadlines.length) this.#grow(capacity);
    this.#deadlines[slot] = deadlineMs;
    if (before !== 0) this.#size--;
    if (deadlineMs !== 0) this.#add(slot, deadlineMs);
    if (this.#hasTooManyStalePairs()) this.#rebuild();
  }

  /** A slot whose deadline is at or before `nowMs`, the earliest such; −1 when there is none. */
  dueSlot(nowMs: number): number {
    this.#dropStalePairs();
    return this.#heap.peekDeadline() <= nowMs ? this.#heap.peekId() : NONE;
  }

  /** As many due slots as fit into `slots`, the earliest first, each once. Returns how many. */
  dueSlots(nowMs: number, slots: Int32Array): number {
    let count = 0;
    for (let slot = this.dueSlot(nowMs); slot !== NONE && count < slots.length; slot = this.dueSlot(nowMs)) {
      this.#heap.pop();
      // Equal pairs come up one after the other: the heap orders by deadline, then by slot.
      if (count === 0 || slots[count - 1] !== slot) slots[count++] = slot;
    }
    for (let index = 0; index < count; index++) {
      const slot = slots[index] as number;
      this.#heap.push(this.deadlineMs(slot), slot);
    }
    return count;
  }

  /** The first deadline of all; Infinity when there is none. */
  earliestDeadlineMs(): number {
    this.#dropStalePairs();
    return this.#heap.peekDeadline();
  }

  clear(): void {
    this.#deadlines = new Float64Array(0);
    this.#heap.clear();
    this.#size = 0;
  }

  #add(slot: number, deadlineMs: number): void {
    this.#size++;
    this.#heap.push(deadlineMs, slot);
  }

  #dropStalePairs(): void {
    while (this.#heap.size > 0 && this.deadlineMs(this.#heap.peekId()) !== this.#heap.peekDeadline()) this.#heap.pop();
  }

  #hasTooManyStalePairs(): boolean {
    const allowed = this.#size + STALE_PAIRS_MIN + this.#deadlines.length / SLOTS_PER_STALE_PAIR;
    return this.#heap.size - this.#size > allowed;
  }

  #rebuild(): void {
    this.#heap.clear();
    for (let slot = 0; slot < this.#deadlines.length; slot++) {
      const deadlineMs = this.#deadlines[slot] as number;
      if (deadlineMs !== 0) this.#heap.push(deadlineMs, slot);
    }
  }

  #grow(capacity: number): void {
    const grown = new Float64Array(capacity);
    grown.set(this.#deadlines);
    this.#deadlines = grown;
  }
}
