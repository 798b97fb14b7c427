/**
 * Where each epoch begins in a log (after KIP-101): positions and (epoch, operation) are two names of one entry, and two
 * logs that have the same entry under one name are the same up to there, for only one primary ever appends in an epoch.
 */
import { assert } from '../base/assert.ts';

export interface EpochStart {
  readonly epoch: number;
  /** Position of its first entry, the barrier. */
  readonly start: number;
}

/** The name of an entry; operation 0 of epoch 0 stands before all of them. */
export interface EntryName {
  readonly epoch: number;
  readonly operation: number;
}

const NONE: EpochStart = { epoch: 0, start: 0 };

export const BEFORE_ALL: EntryName = { epoch: 0, operation: 0 };

export function isAbove(one: EntryName, other: EntryName): boolean {
  return one.epoch > other.epoch || (one.epoch === other.epoch && one.operation > other.operation);
}

export class EpochStarts {
  /** Epochs and starts both grow. */
  #starts: EpochStart[] = [];
  /** The last of them, and where the second begins: at hand for every entry that comes. */
  #lastEpoch = 0;
  #lastStart = 0;
  #secondStart: number = Number.MAX_SAFE_INTEGER;

  get list(): readonly EpochStart[] {
    return this.#starts;
  }

  /** Epoch of the last entry; 0: there is none. */
  get lastEpoch(): number {
    return this.#lastEpoch;
  }

  /** Operation of the last entry of a log that ends before `next`; 0: there is none. */
  lastOperation(next: number): number {
    return this.#lastEpoch === 0 ? 0 : next - this.#lastStart;
  }

  /** It ended so long ago that its entries have no names any more; they were committed. */
  isForgotten(epoch: number): boolean {
    const oldest = this.#starts[0];
    return oldest !== undefined && epoch < oldest.epoch && oldest.start > 0;
  }

  reset(starts: readonly EpochStart[]): void {
    this.#starts = [...starts];
    this.#changed();
  }

  #changed(): void {
    const { epoch, start } = this.#starts.at(-1) ?? NONE;
    this.#lastEpoch = epoch;
    this.#lastStart = start;
    this.#secondStart = this.#starts[1]?.start ?? Number.MAX_SAFE_INTEGER;
  }

  add(epoch: number, start: number): void {
    const last = this.#starts.at(-1);
    assert(last === undefined || (last.epoch < epoch && last.start < start), 'epochs: they follow one another');
    this.#starts.push({ epoch, start });
    this.#changed();
  }

  /** Entries from `position` on are gone. */
  truncate(position: number): void {
    while ((this.#starts.at(-1)?.start ?? -1) >= position) this.#starts.pop();
    this.#changed();
  }

  /**
   * Epochs that ended before the entry before `position` are asked for no more; what was before counts as equal
   * everywhere. That entry keeps its name: the one behind it names its predecessor.
   */
  forgetBefore(position: number): void {
    if (position <= this.#secondStart) return;
    while (this.#starts.length > 1 && (this.#starts[1] as EpochStart).start < position) this.#starts.shift();
    this.#changed();
  }

  /** Name of the last entry of a log that ends before `next`. */
  lastBefore(next: number): EntryName {
    for (let index = this.#starts.length - 1; index >= 0; index -= 1) {
      const { epoch, start } = this.#starts[index] as EpochStart;
      if (start < next) return { epoch, operation: next - start };
    }
    return BEFORE_ALL;
  }

  /** Position behind the entry (epoch, operation) in a log that ends before `next`; −1: it is not there. */
  after(epoch: number, operation: number, next: number): number {
    if (epoch === 0) return 0;
    for (let index = this.#starts.length - 1; index >= 0; index -= 1) {
      const one = this.#starts[index] as EpochStart;
      if (one.epoch > epoch) continue;
      if (one.epoch < epoch) return -1;
      const end = this.#starts[index + 1]?.start ?? next;
      return one.start + operation <= end ? one.start + operation : -1;
    }
    return -1;
  }

  /** The last entry of a log that ends before `next` whose name is not above (epoch, operation): R15, walking back. */
  lastNotAbove(epoch: number, operation: number, next: number): EntryName {
    for (let index = this.#starts.length - 1; index >= 0; index -= 1) {
      const one = this.#starts[index] as EpochStart;
      if (one.epoch > epoch) continue;
      const end = this.#starts[index + 1]?.start ?? next;
      const held = end - one.start;
      return { epoch: one.epoch, operation: one.epoch === epoch ? Math.min(held, operation) : held };
    }
    return BEFORE_ALL;
  }
}
