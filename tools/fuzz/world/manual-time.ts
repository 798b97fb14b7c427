/** Clock, timers and randomness that do what the fuzzer says, and the same every time. */
import type { Clock, Random, TimerHandle, Timers } from '../../../src/base/ports.ts';

/** Half a second past a full one: the first epoch is the next full second. */
export const STARTED_UNIX_MS = 1_750_000_000_500;
export const FIRST_EPOCH = 1_750_000_001;

interface Due {
  readonly atMs: number;
  readonly run: () => void;
}

export class ManualTime implements Timers, Clock {
  #nowMs = 0;
  readonly #due: Set<Due> = new Set();

  monotonicMs(): number {
    return this.#nowMs;
  }

  unixMs(): number {
    return STARTED_UNIX_MS + this.#nowMs;
  }

  after(afterMs: number, run: () => void): TimerHandle {
    const due = { atMs: this.#nowMs + afterMs, run };
    this.#due.add(due);
    return { cancel: () => void this.#due.delete(due) };
  }

  soon(run: () => void): void {
    this.after(0, run);
  }

  atTurnEnd(run: () => void): void {
    this.after(0, run);
  }

  /** Moves the clock, and runs what comes due on the way. */
  advance(ms: number): void {
    const untilMs = this.#nowMs + ms;
    for (let next = this.#first(untilMs); next !== null; next = this.#first(untilMs)) {
      this.#due.delete(next);
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.run();
    }
    this.#nowMs = untilMs;
  }

  #first(untilMs: number): Due | null {
    let first: Due | null = null;
    for (const due of this.#due) {
      if (due.atMs <= untilMs && (first === null || due.atMs < first.atMs)) first = due;
    }
    return first;
  }
}

/** 0, 1, 2, …: nonces and incarnations are the same in every life. */
export class CountingRandom implements Random {
  #next = 0;

  u32(): number {
    return 0x8000_0000;
  }

  fill(target: Uint8Array): void {
    for (let at = 0; at < target.length; at += 1) target[at] = this.#next++;
  }
}
