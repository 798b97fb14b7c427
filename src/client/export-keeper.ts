/**
 * Keeps an export at its node while nobody asks for the next page: whoever reads the pages may pause (a pager, a slow
 * pipe). Not for ever: the node sets memory aside for the state it keeps.
 */
import type { TimerHandle, Timers } from '../base/ports.ts';

/** A third of the time after which a node forgets an export. */
export const KEEP_PERIOD_MS = 10_000;
/** Ten minutes. */
export const KEEPS_MAX = 60;

export class ExportKeeper {
  readonly #timers: Pick<Timers, 'after'>;
  readonly #keep: () => Promise<unknown>;
  #timer: TimerHandle | null = null;
  #left: number = KEEPS_MAX;

  /** `keep` asks the node; when it fails it is not asked again, and the next page tells why. */
  constructor(timers: Pick<Timers, 'after'>, keep: () => Promise<unknown>) {
    this.#timers = timers;
    this.#keep = keep;
    this.#wait();
  }

  #wait(): void {
    this.#timer = this.#timers.after(KEEP_PERIOD_MS, () => {
      this.#left -= 1;
      this.#keep().catch(() => this.stop());
      if (this.#left > 0 && this.#timer !== null) this.#wait();
    });
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }
}
