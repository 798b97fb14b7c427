/**
 * Whether another thread stands still. It counts its rounds in shared memory; whoever looks sees only that the count has
 * moved since, so time is measured here alone.
 */

/** So often the watch is to look. */
export const LOOK_MS = 50;
/** The main thread counts every 100 ms: twice it may be late. */
export const STALLED_AFTER_MS = 250;
/** A stall is told so often while it lasts. */
export const TELL_MS = 100;
/** After a gap between looks longer than this the watch itself did not run, and the other may not have, either. */
const OWN_PAUSE_MS: number = 3 * LOOK_MS;

export class LivenessWatch {
  #rounds: number;
  #movedMs: number;
  #lookedMs: number;
  #toldMs: number = Number.NEGATIVE_INFINITY;

  constructor(nowMs: number, rounds: number) {
    this.#rounds = rounds;
    this.#movedMs = nowMs;
    this.#lookedMs = nowMs;
  }

  /** One look. For how long the other stands still, where that is to be told now; 0 otherwise. */
  look(nowMs: number, rounds: number): number {
    const hasPaused = nowMs - this.#lookedMs > OWN_PAUSE_MS;
    this.#lookedMs = nowMs;
    if (rounds !== this.#rounds) {
      this.#rounds = rounds;
      this.#movedMs = nowMs;
      return 0;
    }
    const stalledMs = nowMs - this.#movedMs;
    // A whole process that was stopped and goes on: its threads wake in any order, so this one looks again first.
    if (hasPaused || stalledMs <= STALLED_AFTER_MS || nowMs - this.#toldMs < TELL_MS - LOOK_MS / 2) return 0;
    this.#toldMs = nowMs;
    return stalledMs;
  }
}
