/**
 * How long to wait before trying again: decorrelated jitter (Marc Brooker, "Exponential Backoff And Jitter", AWS
 * Architecture Blog, 2015):
 *
 *     next = random between base and min(cap, 3 · previous)
 *
 * Differs in where the cap stands: the article caps the result, so that a client at the cap waits exactly `cap` two
 * times out of three, and clients that failed together come back together. Here only the upper end is capped.
 */

import { assert } from './assert.ts';

const GROWTH = 3;

/**
 * The next delay in whole milliseconds, from `baseMs` to `capMs`.
 * @param previousMs the delay before; `baseMs` or less at the start
 * @param random from 0 up to, not including, 1
 */
export function nextDelayMs(previousMs: number, baseMs: number, capMs: number, random: () => number): number {
  const upperMs = Math.max(baseMs, Math.min(capMs, previousMs * GROWTH));
  return baseMs + Math.floor(random() * (upperMs - baseMs + 1));
}

export interface BackoffOptions {
  /** Least delay, whole milliseconds, at least 1. */
  readonly baseMs: number;
  /** Greatest delay, whole milliseconds, at least `baseMs`. */
  readonly capMs: number;
  /** From 0 up to, not including, 1. */
  readonly random: () => number;
}

/** The delays of one thing that is tried again and again. */
export class Backoff {
  readonly #options: BackoffOptions;
  #previousMs: number;

  constructor(options: BackoffOptions) {
    const { baseMs, capMs } = options;
    assert(Number.isInteger(baseMs) && baseMs >= 1, 'baseMs must be a whole number of at least 1');
    assert(Number.isInteger(capMs) && capMs >= baseMs, 'capMs must be a whole number of at least baseMs');
    this.#options = options;
    this.#previousMs = baseMs;
  }

  /** Milliseconds to wait before the next attempt. */
  next(): number {
    const { baseMs, capMs, random } = this.#options;
    this.#previousMs = nextDelayMs(this.#previousMs, baseMs, capMs, random);
    return this.#previousMs;
  }

  /** It worked: the next delay is short again. */
  reset(): void {
    this.#previousMs = this.#options.baseMs;
  }
}
