/** `--rate`: so many rows a second, in portions of a quarter of a second. */
import { systemClock, systemTimers } from '../../io/clock.ts';

const PORTIONS_PER_SECOND = 4;

export class Pace {
  readonly #perSecond: number;
  #nextAtMs = 0;

  /** Undefined: as fast as it goes. */
  constructor(rowsPerSecond: number | undefined) {
    this.#perSecond = rowsPerSecond ?? Number.POSITIVE_INFINITY;
  }

  get limited(): boolean {
    return Number.isFinite(this.#perSecond);
  }

  /** Rows of one portion. */
  get portion(): number {
    return this.limited ? Math.max(1, Math.floor(this.#perSecond / PORTIONS_PER_SECOND)) : Number.POSITIVE_INFINITY;
  }

  /** Resolves when `rows` more may go. Once a signal has fired it does not wait. */
  async take(rows: number, signal: AbortSignal): Promise<void> {
    if (!this.limited) return;
    const now = systemClock.monotonicMs();
    const at = Math.max(now, this.#nextAtMs);
    this.#nextAtMs = at + (rows / this.#perSecond) * 1000;
    await pause(at - now, signal);
  }
}

/** Resolves after so long, or when the signal fires. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (ms <= 0 || signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      timer.cancel();
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = systemTimers.after(ms, done);
    signal.addEventListener('abort', done, { once: true });
  });
}
