/**
 * `--verify`: counters that are incremented in the two ways a program can do it safely, and that would show it if one
 * were not safe.
 *
 *     under a lock        lock, get n, put n + 1, release
 *     by compare and set  get n with its revision, cas to n + 1, again if somebody else was faster
 */

import type { Prng } from '../../src/base/prng.ts';
import { KeyvalError } from '../../src/errors.ts';
import type { Lock } from '../../src/index.ts';
import { counterKey } from './keys.ts';
import type { Requests } from './requests.ts';

/** Few enough that loops meet at every counter, in each of the two ways. */
export const COUNTERS_PER_WAY = 32;
export const COUNTER_COUNT: number = 2 * COUNTERS_PER_WAY;

/** So often in a row nobody is too slow unless something is wrong. */
const CAS_TRIES_MAX = 1000;

/** By counter: those under a lock first, then those by compare and set. */
export interface IncrementCounts {
  readonly acknowledged: number[];
  /** Of unknown outcome: each may have taken effect, or not. */
  readonly unknown: number[];
}

export function noIncrements(): IncrementCounts {
  return { acknowledged: new Array(COUNTER_COUNT).fill(0), unknown: new Array(COUNTER_COUNT).fill(0) };
}

export function isUnderLock(counter: number): boolean {
  return counter < COUNTERS_PER_WAY;
}

export interface IncrementsOptions {
  readonly requests: Requests;
  readonly random: Prng;
  /** Shared by the loops of a thread. */
  readonly counts: IncrementCounts;
  /** Name of the run. */
  readonly run: string;
  /** For tests of the check itself: leaves the lock out. */
  readonly skipLock: boolean;
}

export class Increments {
  readonly #requests: Requests;
  readonly #random: Prng;
  readonly #counts: IncrementCounts;
  readonly #run: string;
  readonly #skipLock: boolean;

  constructor({ requests, random, counts, run, skipLock }: IncrementsOptions) {
    this.#requests = requests;
    this.#random = random;
    this.#counts = counts;
    this.#run = run;
    this.#skipLock = skipLock;
  }

  async underLock(): Promise<boolean> {
    const counter = this.#random.below(COUNTERS_PER_WAY);
    if (this.#skipLock) return this.#readAndPut(counter, null);
    const lock = await this.#requests.lock(counterKey(this.#run, counter));
    try {
      return await this.#readAndPut(counter, lock);
    } finally {
      await this.#requests.release(lock);
    }
  }

  async #readAndPut(counter: number, lock: Lock | null): Promise<boolean> {
    const key = counterKey(this.#run, counter);
    const next = plusOne(await this.#requests.get(key));
    lock?.assertHeld();
    await this.#counted(counter, this.#requests.put(key, next));
    this.#acknowledge(counter);
    return true;
  }

  /** False when others were faster time and again. */
  async byCas(): Promise<boolean> {
    const counter = COUNTERS_PER_WAY + this.#random.below(COUNTERS_PER_WAY);
    const key = counterKey(this.#run, counter);
    for (let tries = 0; tries < CAS_TRIES_MAX; tries += 1) {
      const entry = await this.#requests.getEntry(key);
      const swap = this.#requests.cas(key, entry?.revision ?? 0n, plusOne(entry?.value ?? null));
      if (!(await this.#counted(counter, swap)).ok) continue;
      this.#acknowledge(counter);
      return true;
    }
    return false;
  }

  #acknowledge(counter: number): void {
    increase(this.#counts.acknowledged, counter);
  }

  /** The write of an increment: when it fails, it may have taken effect. */
  async #counted<T>(counter: number, write: Promise<T>): Promise<T> {
    try {
      return await write;
    } catch (error) {
      const isKnown = error instanceof KeyvalError && error.outcome === 'not-done';
      if (!isKnown) increase(this.#counts.unknown, counter);
      throw error;
    }
  }
}

function increase(counts: number[], at: number): void {
  counts[at] = (counts[at] as number) + 1;
}

function plusOne(text: string | null): string {
  return String(Number(text ?? 0) + 1);
}
