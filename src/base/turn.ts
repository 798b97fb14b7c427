/**
 * One event-loop turn. Whoever has something to send marks itself; at the end of the turn everything marked is flushed,
 * so that all frames of the turn leave in one write per socket. Hooks run first and may mark more (the batch of log
 * entries for a backup is closed by one).
 *
 * A turn with little in it ends `soon`, so that a lone request is not kept waiting. A busy one lingers: it lets the
 * system hand over what has arrived meanwhile, a few times at most, before it ends. Under load that makes fewer and
 * larger writes.
 */
export interface Flushable {
  flush(): void;
}

/** A flush may cause work that marks again (pipes in memory do); a chain longer than this is a bug. */
const ROUNDS_MAX = 10_000;

/** After so many turns that ended soon, one waits for the system's events. */
const SOON_IN_A_ROW_MAX = 64;

export interface TurnOptions {
  /** Runs its argument when the present event has been handled, before the next one; default: as `schedule`. */
  readonly soon?: (run: () => void) => void;
  /** From this much work on a turn is busy; default: never. */
  readonly busyAt?: number;
  /** How often a busy turn lingers; default 1. */
  readonly lingers?: number;
}

export class Turn {
  readonly #schedule: (run: () => void) => void;
  readonly #soon: (run: () => void) => void;
  readonly #busyAt: number;
  readonly #lingers: number;
  readonly #run: () => void;
  readonly #hooks: (() => void)[] = [];
  #marked: Flushable[] = [];
  #flushing: Flushable[] = [];
  #scheduled = false;
  #lingersLeft = 0;
  #held = false;
  #soonInARow = 0;
  /** Frames begun and entries appended in this turn; whoever does so counts it. */
  work = 0;

  /** `schedule` runs its argument when everything that is ready now has been handled. */
  constructor(schedule: (run: () => void) => void, options: TurnOptions = {}) {
    this.#schedule = schedule;
    this.#soon = options.soon ?? schedule;
    this.#busyAt = options.busyAt ?? Number.POSITIVE_INFINITY;
    this.#lingers = options.lingers ?? 1;
    this.#run = (): void => this.#due();
  }

  /** Promises that wake each other without an event in between must not keep the loop from its events. */
  #begin(): void {
    this.#lingersLeft = this.#lingers;
    this.#soonInARow += 1;
    if (this.#soonInARow < SOON_IN_A_ROW_MAX) return this.#soon(this.#run);
    this.#soonInARow = 0;
    this.#schedule(this.#run);
  }

  #due(): void {
    const busy = this.work >= this.#busyAt || this.#held;
    if (!busy || this.#lingersLeft === 0) return this.end();
    this.#held = false;
    this.#lingersLeft -= 1;
    this.#schedule(this.#run);
  }

  /** This turn lingers once, however little is in it: others that are ready now are likely to add to its batch. */
  hold(): void {
    this.#held = true;
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
    this.#begin();
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
    this.#held = false;
    this.work = 0;
    if (this.#marked.length > 0) this.wake();
  }
}
