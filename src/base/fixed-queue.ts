/**
 * First in, first out, in one array used as a ring: no node per item, no shifting (after `FixedQueue` of Node.js and
 * undici, but one ring that doubles instead of a chain of rings).
 *
 *                head                 (head + size) & mask
 *                  │                     │
 *     ┌──────┬─────▼┬──────┬──────┬──────▼┬──────┬──────┬──────┐
 *     │ null │ item │ item │ item │ null  │ null │ null │ null │   length: a power of two, mask = length − 1
 *     └──────┴──────┴──────┴──────┴───────┴──────┴──────┴──────┘
 *              shift ►              ► push
 *
 * A full ring doubles until it holds `capacity` items; after that `push` refuses.
 */

import { assert } from './assert.ts';

const RING_LENGTH_AT_FIRST = 16;

export class FixedQueue<T> {
  /** Most items it ever holds. */
  readonly capacity: number;
  /** A taken slot is set to null, so that the queue keeps nothing alive. */
  #ring: (T | null)[];
  #mask: number; // ring.length - 1
  #head: number; // 0 <= head <= mask
  #size: number; // 0 <= size <= min(capacity, ring.length)

  /** @param capacity most items it may hold, at least 1; without it only memory is the limit */
  constructor(capacity: number = Number.POSITIVE_INFINITY) {
    assert(capacity >= 1, 'capacity must be at least 1');
    this.capacity = capacity;
    this.#ring = emptyRing(RING_LENGTH_AT_FIRST);
    this.#mask = RING_LENGTH_AT_FIRST - 1;
    this.#head = 0;
    this.#size = 0;
  }

  get size(): number {
    return this.#size;
  }

  /** Appends; false when the queue is full, and then nothing has changed. */
  push(item: T): boolean {
    if (this.#size >= this.capacity) return false;
    if (this.#size > this.#mask) this.#double();
    this.#ring[(this.#head + this.#size) & this.#mask] = item;
    this.#size++;
    return true;
  }

  /** Takes the oldest item; null when empty. */
  shift(): T | null {
    if (this.#size === 0) return null;
    const item = this.#ring[this.#head] as T;
    this.#ring[this.#head] = null;
    this.#head = (this.#head + 1) & this.#mask;
    this.#size--;
    return item;
  }

  /** The oldest item, left in place; null when empty. */
  peek(): T | null {
    return this.#ring[this.#head] as T | null;
  }

  /** The item `index` places behind the oldest; null when there are not so many. */
  at(index: number): T | null {
    if (index < 0 || index >= this.#size) return null;
    return this.#ring[(this.#head + index) & this.#mask] as T;
  }

  /** Drops all items, and the memory of a burst. */
  clear(): void {
    this.#ring = emptyRing(RING_LENGTH_AT_FIRST);
    this.#mask = RING_LENGTH_AT_FIRST - 1;
    this.#head = 0;
    this.#size = 0;
  }

  #double(): void {
    const ring = emptyRing<T>(this.#ring.length * 2);
    for (let i = 0; i < this.#size; i++) ring[i] = this.#ring[(this.#head + i) & this.#mask] as T;
    this.#ring = ring;
    this.#mask = ring.length - 1;
    this.#head = 0;
  }
}

function emptyRing<T>(length: number): (T | null)[] {
  return new Array<T | null>(length).fill(null);
}
