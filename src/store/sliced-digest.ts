/**
 * The content digest of a snapshot, in slices: a large table, or a large value, must not hold up everything else. The
 * caller calls `slice` until it is done, with other work in between.
 */
import { ContentSum } from './content-digest.ts';
import { type EntrySink, SnapshotState, type TableSnapshot } from './table-snapshot.ts';

/** Bytes of keys and values in one slice, about: a millisecond or so. */
const SLICE_BYTES = 256 * 1024;
/** What an entry costs besides its bytes, in the same measure. */
const ENTRY_COST = 64;

export class SlicedDigest implements EntrySink {
  readonly snapshot: TableSnapshot;
  readonly #sum: ContentSum = new ContentSum();
  /** A large value is under way. */
  #unfinished = false;
  #left = 0;

  constructor(snapshot: TableSnapshot) {
    this.snapshot = snapshot;
  }

  /** Of everything seen: that of the state once `slice` has given `done`. */
  get digest(): bigint {
    return this.#sum.digest;
  }

  get keys(): number {
    return this.#sum.entries;
  }

  /** One slice. Gives the state of the snapshot: `open` when there is more to do. */
  slice(): number {
    this.#left = SLICE_BYTES;
    while (this.#unfinished && this.#left > 0) this.#step();
    if (this.#unfinished || this.#left <= 0) return SnapshotState.open;
    const state = this.snapshot.page(this);
    return this.#unfinished ? SnapshotState.open : state;
  }

  entry(
    key: Uint8Array,
    keyStart: number,
    keyEnd: number,
    value: Uint8Array,
    valueStart: number,
    valueEnd: number,
    epoch: number,
    operation: number,
    deadlineMs: number,
  ): boolean {
    this.#sum.begin(key, keyStart, keyEnd, value, valueStart, valueEnd, epoch, operation, deadlineMs);
    this.#left -= keyEnd - keyStart + Math.min(valueEnd - valueStart, SLICE_BYTES) + ENTRY_COST;
    this.#unfinished = !this.#sum.step();
    return !this.#unfinished && this.#left > 0;
  }

  #step(): void {
    this.#left -= 64 * 1024;
    this.#unfinished = !this.#sum.step();
  }
}
