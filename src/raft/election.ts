/**
 * When to stand for election: after 600 ms of silence, 100 ms more per older voter, and 0 to 50 ms at random. Silence
 * counts from the last heartbeat heard, and only while the own loop ticks: a process that wakes from a pause starts to
 * count anew. Safety never rests on any of this.
 */

import type { NodeId } from './messages.ts';
import { pauseMs, type RaftSettings, stickyMs } from './settings.ts';

/** A source of 32 random bits: the Random port, or a stream with a seed. */
export interface Dice {
  u32(): number;
}

const TWO_TO_32 = 0x1_0000_0000;

/**
 * How many voters are to stand before `self`: its place among them, the longest-lived first, without the leader whose
 * silence this is about. Who is not listed comes behind those who are.
 */
export function seniorityRank(
  seniority: readonly NodeId[],
  voters: readonly NodeId[],
  self: NodeId,
  leader: NodeId,
): number {
  const listed = seniority.filter((id) => voters.includes(id));
  const ordered = [...listed, ...voters.filter((id) => !listed.includes(id))].filter((id) => id !== leader);
  const place = ordered.indexOf(self);
  return place < 0 ? ordered.length : place;
}

/** electionMs + seniorityMs · rank + 0…jitterMs */
export function electionTimeoutMs(settings: RaftSettings, rank: number, dice: Dice): number {
  const jitter = Math.floor((dice.u32() / TWO_TO_32) * (settings.jitterMs + 1));
  return settings.electionMs + settings.seniorityMs * rank + jitter;
}

export class ElectionClock {
  readonly #settings: RaftSettings;
  readonly #dice: Dice;
  /** The present time: never goes back. */
  nowMs: number;
  /** Last sign of life of a leader of the present term. −∞: none yet. */
  heardMs: number;
  #countingFromMs: number;
  #timeoutMs = 0;

  constructor(settings: RaftSettings, dice: Dice, nowMs: number) {
    this.#settings = settings;
    this.#dice = dice;
    this.nowMs = nowMs;
    this.heardMs = Number.NEGATIVE_INFINITY;
    this.#countingFromMs = nowMs;
  }

  /** Takes in the present time; true: this process was paused, and all clocks start anew. */
  observe(nowMs: number): boolean {
    const gapMs = nowMs - this.nowMs;
    this.nowMs = Math.max(this.nowMs, nowMs);
    if (gapMs <= pauseMs(this.#settings)) return false;
    this.#countingFromMs = this.nowMs;
    return true;
  }

  /** The leader was heard. */
  heard(): void {
    this.heardMs = this.nowMs;
    this.#countingFromMs = this.nowMs;
  }

  /** A vote was given, or an election began: wait as long again. */
  restart(rank: number): void {
    this.#countingFromMs = this.nowMs;
    this.draw(rank);
  }

  /** Draws the length of the time-out; from when it counts stays as it is. */
  draw(rank: number): void {
    this.#timeoutMs = electionTimeoutMs(this.#settings, rank, this.#dice);
  }

  get dueMs(): number {
    return this.#countingFromMs + this.#timeoutMs;
  }

  get isDue(): boolean {
    return this.nowMs >= this.dueMs;
  }

  /** The leader was heard so recently that nobody else is to be helped to its place. */
  get isSticky(): boolean {
    return this.nowMs - this.heardMs < stickyMs(this.#settings);
  }
}
