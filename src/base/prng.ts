/**
 * Random numbers decided by a seed: sfc32 (Chris Doty-Humphrey, PractRand), 128 bits of state of which 32 are a
 * counter, so every period is at least 2³². It is fast in JavaScript, since it needs no multiplication. Not secret: who
 * sees the output can tell what follows.
 */

import { assert } from './assert.ts';
import { absorb, absorbText, finish } from './mix.ts';

const TWO_POW_32 = 2 ** 32;
const TWO_POW_53 = 2 ** 53;

/** Draws discarded at the start, until every bit of the seed has reached every word. */
const WARM_UP_ROUNDS = 15;

/** Seeds of the two hash lanes of `fork`: the golden ratio and π, as anything else would do. */
const FORK_LANE_HIGH = 0x9e3779b9;
const FORK_LANE_LOW = 0x243f6a88;

export class Prng {
  /** What the stream was started with: print it to replay. */
  readonly seed: number;
  #a: number;
  #b: number;
  #c: number;
  #counter: number;

  /** @param seed a whole number from 0 to 2⁵³ − 1 */
  constructor(seed: number) {
    assert(Number.isSafeInteger(seed) && seed >= 0, 'the seed must be a whole number from 0 to 2^53 - 1');
    this.seed = seed;
    this.#a = 0;
    this.#b = seed | 0;
    this.#c = Math.floor(seed / TWO_POW_32);
    this.#counter = 1;
    for (let round = 0; round < WARM_UP_ROUNDS; round++) this.u32();
  }

  /** A whole number from 0 to 2³² − 1. */
  u32(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }

  /** A whole number from 0 to `n − 1`, each as likely as the others; `n` from 1 to 2³². */
  below(n: number): number {
    assert(Number.isInteger(n) && n >= 1 && n <= TWO_POW_32, 'below: n must be from 1 to 2^32');
    // The values left over when 2³² is not a multiple of n would favour small results: draw again.
    const evenly = TWO_POW_32 - (TWO_POW_32 % n);
    let drawn = this.u32();
    while (drawn >= evenly) drawn = this.u32();
    return drawn % n;
  }

  /** From 0 up to, not including, 1; all 53 bits are random. */
  float(): number {
    const high = this.u32() >>> 5;
    const low = this.u32() >>> 6;
    return (high * 2 ** 26 + low) / TWO_POW_53;
  }

  /**
   * A stream of its own for each name. It depends on the seed and the name only, not on what was drawn so far: a
   * subsystem that draws more does not change the luck of the others.
   */
  fork(name: string): Prng {
    const high = this.#forkLane(FORK_LANE_HIGH, name) >>> 11;
    const low = this.#forkLane(FORK_LANE_LOW, name);
    return new Prng(high * TWO_POW_32 + low);
  }

  #forkLane(laneSeed: number, name: string): number {
    const seeded = absorb(absorb(laneSeed, this.seed | 0), Math.floor(this.seed / TWO_POW_32));
    return finish(absorbText(seeded, name));
  }
}
