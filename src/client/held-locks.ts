/** The locks that a session holds, by partition. */
import { Bag } from '../base/bag.ts';
import type { HeldLock } from './held-lock.ts';

const NONE: readonly HeldLock[] = [];

export class HeldLocks {
  /** By partition; what was needed once stays. */
  readonly #bags: Bag<HeldLock>[] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(held: HeldLock): void {
    let bag = this.#bags[held.partition];
    if (bag === undefined) {
      bag = new Bag();
      this.#bags[held.partition] = bag;
    }
    bag.add(held);
    this.#size += 1;
  }

  /** Nothing, if it is not there. */
  delete(held: HeldLock): void {
    if (this.#bags[held.partition]?.delete(held)) this.#size -= 1;
  }

  /** Those of `partition`, whatever becomes of them meanwhile. */
  at(partition: number): readonly HeldLock[] {
    const bag = this.#bags[partition];
    return bag === undefined || bag.size === 0 ? NONE : bag.all();
  }

  all(): HeldLock[] {
    return this.#bags.flatMap((bag) => bag.all());
  }

  /** Where there are some. */
  partitions(): number[] {
    const found: number[] = [];
    this.#bags.forEach((bag, partition) => {
      if (bag.size > 0) found.push(partition);
    });
    return found;
  }
}
