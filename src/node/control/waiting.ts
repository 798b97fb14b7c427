/**
 * What this node waits for, told to people: once it has waited for two seconds, then when the cause changes, and now and
 * then while it stays the same.
 */
import type { Clock, Log } from '../../base/ports.ts';

/** Shorter waits are part of every start. */
const TELL_AFTER_MS = 2000;
const TELL_AGAIN_MS = 30_000;

export class Waiting {
  readonly #clock: Clock;
  readonly #log: Log;
  #sinceMs = 0;
  #toldMs = Number.NEGATIVE_INFINITY;
  #toldCause = '';
  /** '' nothing. */
  cause = '';

  constructor(clock: Clock, log: Log) {
    this.#clock = clock;
    this.#log = log;
  }

  /** Called as long as the wait lasts. */
  for(cause: string): void {
    const nowMs = this.#clock.monotonicMs();
    if (this.cause === '') this.#sinceMs = nowMs;
    this.cause = cause;
    const isQuiet = nowMs - this.#toldMs < (cause === this.#toldCause ? TELL_AGAIN_MS : TELL_AFTER_MS);
    if (isQuiet || nowMs - this.#sinceMs < TELL_AFTER_MS) return;
    this.#toldMs = nowMs;
    this.#toldCause = cause;
    this.#log.write('warn', 'waiting', { for: cause, sinceMs: Math.round(nowMs - this.#sinceMs) });
  }

  over(): void {
    this.cause = '';
    this.#toldCause = '';
    this.#toldMs = Number.NEGATIVE_INFINITY;
  }
}
