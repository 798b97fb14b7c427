/**
 * Rendezvous hashing (Thaler and Ravishankar 1998): every node has a score for every partition, and the highest scores
 * keep it. Whoever knows the nodes knows the answer, and a node that leaves changes only what it kept.
 *
 * Weights (Schindelhauer and Schomaker 2005, the logarithmic method): with u = hash(node, partition) spread evenly over
 * 0 … 1,
 *
 *     score = weight / −ln u
 *
 * −ln u / weight is exponentially distributed with rate `weight`, and the least of several such times belongs to each in
 * proportion to its rate. So the shares are exact, a change of one weight moves partitions only to or from that node,
 * and equal weights of any size give the same order. Virtual points have neither exactness nor such small moves. The
 * logarithm is our own (natural-log.ts), so that all nodes agree.
 */

import { assert } from './assert.ts';
import { absorb, absorbText, finish } from './mix.ts';
import { naturalLog } from './natural-log.ts';

/** Seeds of the two hash lanes: the fractions of the golden ratio and of π. */
const LANE_HIGH = 0x9e3779b9;
const LANE_LOW = 0x243f6a88;

/** Bits of `u`: with the half added below, the most that a double holds exactly. */
const HASH_BITS = 52;
const HIGH_LANE_BITS = HASH_BITS - 32;

/** Scores of one node. */
export class Rendezvous {
  readonly #weight: number;
  /** Hash states after the id: each partition goes on from here. */
  readonly #laneHigh: number;
  readonly #laneLow: number;

  /** @param weight share of the partitions relative to other nodes, more than 0 */
  constructor(id: string, weight: number) {
    assert(weight > 0 && Number.isFinite(weight), 'a weight must be more than 0');
    this.#weight = weight;
    this.#laneHigh = absorbText(LANE_HIGH, id);
    this.#laneLow = absorbText(LANE_LOW, id);
  }

  /** More than 0; the higher, the more this node wants the partition. Two nodes are equal in 1 of 2⁵² cases. */
  score(partition: number): number {
    return this.#weight / -naturalLog(this.#uniform(partition));
  }

  /** The hash as a number between 0 and 1, neither included. */
  #uniform(partition: number): number {
    const high = finish(absorb(this.#laneHigh, partition)) >>> (32 - HIGH_LANE_BITS);
    const low = finish(absorb(this.#laneLow, partition));
    return (high * 2 ** 32 + low + 0.5) / 2 ** HASH_BITS;
  }
}
