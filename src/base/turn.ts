/**
 * One event-loop turn. Whoever has something to send marks itself; at the end of the turn everything marked is flushed,
 * so that all frames of the turn leave in one write per socket. Hooks run first and may mark more (the batch of log
 * entries for a backup is closed by one).
 */
export interface Flushable {
  flush(): void;
}

/** A flush may cause work that marks again (pipes in memory do); a chain longer than this is a bug. */
const ROUNDS_MAX = 10_000;

export class Turn {
  readonly #schedule: (run: () => void) => void;
  readonly #run: () => void;
  readonly #hooks: (() => void)[] = [];
  #marked: Flushable[] = [];
  #flushing: Flushable[] = [];
  #scheduled = false;
  #lingered = false;
  readonly #busyAt: number;
  /** Frames begun and entries appended in this turn; whoever does so counts it. */
  work = 0;

  /** `schedule` runs its argument when everything that is ready now has been handled. `busyAt`: work of a busy turn. */
  constructor(schedule: (run: () => void) => void, busyAt: number = Number.POSITIVE_INFINITY) {
    this.#schedule = schedule;
    this.#busyAt = busyAt;
    this.#run = (): void => this.#due();
  }

  #due(): void {
    if (this.work < this.#busyAt || this.#lingered) return this.end();
    this.#lingered = true;
    this.#schedule(this.#run);
  }

  /** Runs `hook` at the end of every turn in which anything was marked or `wake` was called, before flushing. */
  onEnd(hook: () => void): void {
    this.#hooks.push(hook);
  }

  removeHook(hook: () => void): void {
    const at = this.#hooks.indexOf(hook);
    if (at >= 0) this.#hooks.splice(at, 1);
  }

  /** Makes sure that this turn has an end. */
  wake(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#schedule(this.#run);
  }

  /** `flushable.flush()` will be called at the end of this turn. The caller marks at most once per flush. */
  mark(flushable: Flushable): void {
    this.#marked.push(flushable);
    this.wake();
  }

  end(): void {
    for (let round = 0; round < ROUNDS_MAX; round += 1) {
      for (let i = 0; i < this.#hooks.length; i += 1) (this.#hooks[i] as () => void)();
      const flushing = this.#marked;
      if (flushing.length === 0) break;
      this.#marked = this.#flushing;
      this.#flushing = flushing;
      for (let i = 0; i < flushing.length; i += 1) (flushing[i] as Flushable).flush();
      flushing.length = 0;
    }
    this.#scheduled = false;
    this.#lingered = false;
    this.work = 0;
    if (this.#marked.length > 0) this.wake();
  }
}
