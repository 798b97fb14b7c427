/**
 * A set of objects that know their place in it, without an order. For what comes and goes all the time: a JavaScript `Set` is built
 * anew every so often, and each former table holds on to the next one and to what stood in it. Once such a table has become old,
 * the garbage collector moves everything that ever stood in the set to the old space, for milliseconds each time (V8: ordered hash
 * tables, scavenges).
 */
import { assert } from './assert.ts';

export interface Placed {
  /** Its place in the bag that it is in; −1: it is in none. */
  place: number;
}

export class Bag<T extends Placed> {
  readonly #items: (T | null)[] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  has(item: T): boolean {
    return item.place >= 0 && this.#items[item.place] === item;
  }

  /** `item` must be in no bag. */
  add(item: T): void {
    assert(item.place < 0, 'bag: an object is in one bag at a time');
    item.place = this.#size;
    this.#items[this.#size] = item;
    this.#size += 1;
  }

  /** False: it was not there. */
  delete(item: T): boolean {
    if (!this.has(item)) return false;
    this.#size -= 1;
    const last = this.#items[this.#size] as T;
    this.#items[item.place] = last;
    last.place = item.place;
    this.#items[this.#size] = null;
    item.place = -1;
    return true;
  }

  /** Those that are in it now, whatever comes and goes meanwhile. */
  all(): T[] {
    return this.#items.slice(0, this.#size) as T[];
  }
}
