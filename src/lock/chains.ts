/**
 * Many doubly linked lists of small integers in four arrays: each item is in at most one list at a time, and removal
 * from the middle costs nothing to find. No object per item.
 *
 *      list ─► first ⇄ … ⇄ last
 */
const NONE = -1;
const SIZE_MIN = 8;

export class Chains {
  #firsts: Int32Array = new Int32Array(SIZE_MIN).fill(NONE); // by list
  #lasts: Int32Array = new Int32Array(SIZE_MIN).fill(NONE);
  #before: Int32Array = new Int32Array(SIZE_MIN).fill(NONE); // by item
  #after: Int32Array = new Int32Array(SIZE_MIN).fill(NONE);

  /** First item of `list`, or −1. */
  first(list: number): number {
    return list < this.#firsts.length ? (this.#firsts[list] as number) : NONE;
  }

  /** The item behind `item` in its list, or −1. */
  after(item: number): number {
    return this.#after[item] as number;
  }

  /** Puts `item`, which is in no list, at the end of `list`. */
  append(list: number, item: number): void {
    if (list >= this.#firsts.length) {
      this.#firsts = widened(this.#firsts, list);
      this.#lasts = widened(this.#lasts, list);
    }
    this.#makeRoomFor(item);
    const last = this.#lasts[list] as number;
    this.#before[item] = last;
    this.#after[item] = NONE;
    if (last === NONE) this.#firsts[list] = item;
    else this.#after[last] = item;
    this.#lasts[list] = item;
  }

  /** Puts it before `next`, which is in `list`; −1: at the end. */
  insert(list: number, item: number, next: number): void {
    if (next === NONE) return this.append(list, item);
    this.#makeRoomFor(item);
    const before = this.#before[next] as number;
    this.#before[item] = before;
    this.#after[item] = next;
    this.#before[next] = item;
    if (before === NONE) this.#firsts[list] = item;
    else this.#after[before] = item;
  }

  #makeRoomFor(item: number): void {
    if (item < this.#before.length) return;
    this.#before = widened(this.#before, item);
    this.#after = widened(this.#after, item);
  }

  /** Takes `item` out of `list`, where it must be. */
  remove(list: number, item: number): void {
    const before = this.#before[item] as number;
    const after = this.#after[item] as number;
    if (before === NONE) this.#firsts[list] = after;
    else this.#after[before] = after;
    if (after === NONE) this.#lasts[list] = before;
    else this.#before[after] = before;
    this.#before[item] = NONE;
    this.#after[item] = NONE;
  }
}

function widened(old: Int32Array, index: number): Int32Array {
  let size = old.length * 2;
  while (size <= index) size *= 2;
  const larger = new Int32Array(size).fill(NONE);
  larger.set(old);
  return larger;
}
