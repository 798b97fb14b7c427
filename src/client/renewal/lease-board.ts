/**
 * The leases of a session by partition, in memory that two threads share: the main thread tells what is attached, both
 * renew, and each sees at once what the other has heard, even while the other stands still (L4).
 *
 *      one cell, 64 bits:   stamp (23) │ until (40), milliseconds of the clock that all threads share
 *
 * A stamp names one attachment. Who renews says which one it had asked about, so that the answer to a question about a
 * former attachment gives the present one nothing; stamp and end of the lease change in one step.
 */

const UNTIL_BITS = 40n;
const UNTIL_MASK: bigint = (1n << UNTIL_BITS) - 1n;
const STAMP_MASK: bigint = (1n << 23n) - 1n;
/** In place of an end: the session is not attached. */
const NONE = 0n;
/** In place of an end: its node has said that it does not know the attachment any more. */
const FORGOTTEN = 1n;
/** A lease ends this much earlier for those who share it: the clocks of two threads are not read at the same moment. */
const READING_MS = 1;

export type LeaseCells = BigInt64Array<SharedArrayBuffer>;

export class LeaseBoard {
  readonly cells: LeaseCells;
  readonly #originMs: number;

  /** `originMs`: of the monotonic clock of the thread that this object is in. */
  constructor(cells: LeaseCells, originMs: number) {
    this.cells = cells;
    this.#originMs = originMs;
  }

  static of(partitions: number, originMs: number): LeaseBoard {
    const memory = new SharedArrayBuffer(partitions * BigInt64Array.BYTES_PER_ELEMENT);
    return new LeaseBoard(new BigInt64Array(memory), originMs);
  }

  has(partition: number): boolean {
    return partition < this.cells.length;
  }

  /** The session is attached anew. For the main thread alone. */
  begin(partition: number, untilMs: number): void {
    this.#renew(partition, this.#shared(untilMs));
  }

  /** The attachment is given up. For the main thread alone. */
  end(partition: number): void {
    this.#renew(partition, NONE);
  }

  #renew(partition: number, until: bigint): void {
    const stamp = (this.stamp(partition) + 1n) & STAMP_MASK;
    Atomics.store(this.cells, partition, (stamp << UNTIL_BITS) | until);
  }

  /** Names the present attachment. */
  stamp(partition: number): bigint {
    return Atomics.load(this.cells, partition) >> UNTIL_BITS;
  }

  /** The attachment named so was renewed, unless it has ended since. */
  renew(partition: number, stamp: bigint, untilMs: number): void {
    const until = this.#shared(untilMs);
    this.#change(partition, stamp, (present) => (until > present ? until : present));
  }

  /**
   * The main thread has heard that the present attachment was renewed. What another thread has heard to the contrary came
   * from a node that is not primary any more. For the main thread alone.
   */
  affirm(partition: number, untilMs: number): void {
    const stamp = this.stamp(partition);
    const until = this.#shared(untilMs);
    this.#change(partition, stamp, (present) => (until > present ? until : present), FORGOTTEN);
  }

  /** The node does not know the attachment named so any more. */
  forget(partition: number, stamp: bigint): void {
    this.#change(partition, stamp, () => FORGOTTEN);
  }

  /** `least`: what is below stays as it is. */
  #change(partition: number, stamp: bigint, next: (present: bigint) => bigint, least: bigint = FORGOTTEN + 1n): void {
    for (;;) {
      const cell = Atomics.load(this.cells, partition);
      const present = cell & UNTIL_MASK;
      if (cell >> UNTIL_BITS !== stamp || present < least) return;
      const changed = (stamp << UNTIL_BITS) | next(present);
      if (Atomics.compareExchange(this.cells, partition, cell, changed) === cell) return;
    }
  }

  /** When the lease ends by the monotonic clock of this thread; 0: there is none. */
  untilMs(partition: number): number {
    const until = Atomics.load(this.cells, partition) & UNTIL_MASK;
    return until === NONE || until === FORGOTTEN ? 0 : Number(until) - this.#originMs;
  }

  isForgotten(partition: number): boolean {
    return (Atomics.load(this.cells, partition) & UNTIL_MASK) === FORGOTTEN;
  }

  /** Those attached whose lease ends before `beforeMs`, or has ended. */
  endingBefore(beforeMs: number): number[] {
    const ending: number[] = [];
    for (let partition = 0; partition < this.cells.length; partition += 1) {
      const untilMs = this.untilMs(partition);
      if (untilMs !== 0 && untilMs < beforeMs) ending.push(partition);
    }
    return ending;
  }

  #shared(untilMs: number): bigint {
    const shared = BigInt(Math.floor(untilMs + this.#originMs) - READING_MS);
    return shared <= FORGOTTEN ? FORGOTTEN + 1n : shared & UNTIL_MASK;
  }
}
