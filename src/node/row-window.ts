/**
 * How many rows of bulk loads may be under way: as many as keep the queues short that other requests stand in, too. Who
 * has w rows under way makes everybody wait for about w rows; so the window shrinks when rows take longer than they would
 * without queues, and grows while they do not (the idea of LEDBAT, RFC 6817: a target for the delay that one causes).
 *
 *     delay  = mean time of the rows of a round − shortest time known        a round: as many rows as the window has
 *     window ← window · target / delay     at least half of it, when delay is above the target
 *     window ← window + window / 8         otherwise
 */

export const WINDOW_MIN = 8;
export const WINDOW_MAX = 256;
const WINDOW_FIRST = 32;
/** Delay that bulk loads may cause. */
export const TARGET_MS = 2;
/** The shortest time is forgotten by so much a second, so that it follows when ways become longer. */
const SHORTEST_GROWTH = 0.005;
const SHRINK_MIN = 0.5;

export class RowWindow {
  #size: number = WINDOW_FIRST;
  #shortestMs: number = Number.POSITIVE_INFINITY;
  #sumMs = 0;
  #count = 0;
  #roundAtMs = 0;

  /** Rows that may be under way. */
  get size(): number {
    return this.#size;
  }

  /** A row is done at `nowMs`, so long after it was begun. */
  ended(tookMs: number, nowMs: number): void {
    this.#shortestMs = Math.min(this.#shortestMs, tookMs);
    this.#sumMs += tookMs;
    this.#count += 1;
    if (this.#count >= this.#size) this.#endRound(nowMs);
  }

  #endRound(nowMs: number): void {
    const delayMs = this.#sumMs / this.#count - this.#shortestMs;
    this.#size = nextWindow(this.#size, delayMs);
    // Rounds with no load in between say nothing of how old the shortest time is.
    const roundMs = Math.min(1000, nowMs - this.#roundAtMs);
    this.#shortestMs *= 1 + (SHORTEST_GROWTH * roundMs) / 1000;
    this.#roundAtMs = nowMs;
    this.#sumMs = 0;
    this.#count = 0;
  }
}

export function nextWindow(size: number, delayMs: number): number {
  const next =
    delayMs > TARGET_MS ? Math.floor(size * Math.max(SHRINK_MIN, TARGET_MS / delayMs)) : size + Math.ceil(size / 8);
  return Math.min(WINDOW_MAX, Math.max(WINDOW_MIN, next));
}
