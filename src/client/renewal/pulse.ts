/**
 * For how long the main thread has not come round to anything, in memory that it shares with the renewal thread (L4). Time
 * is counted by the renewal thread's own looks: while the whole process stands still (stopped, the computer asleep) none
 * passes, so that this is not taken for a hang.
 */

/** Milliseconds that the renewal thread has run. They go round the 32-bit integers. */
const RUN = 0;
/** What that was when the main thread came round last. */
const TICK = 1;

export type PulseCells = Int32Array<SharedArrayBuffer>;

export class Pulse {
  readonly cells: PulseCells;

  constructor(cells: PulseCells = new Int32Array(new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT))) {
    this.cells = cells;
  }

  /** The renewal thread has run for this much longer. */
  ran(ms: number): void {
    Atomics.add(this.cells, RUN, Math.round(ms));
  }

  /** The main thread has come round. */
  tick(): void {
    Atomics.store(this.cells, TICK, Atomics.load(this.cells, RUN));
  }

  get stalledMs(): number {
    const tick = Atomics.load(this.cells, TICK);
    return (Atomics.load(this.cells, RUN) - tick) | 0;
  }
}
