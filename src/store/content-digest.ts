/**
 * One number for what a table holds, the same in whatever order and slots it came: replicas at the same operation must
 * agree on it. A sum of one hash per entry (incremental hashing: Bellare & Micciancio 1997, AdHash), in two lanes of 32
 * bits. It finds mistakes, not adversaries. Reads every byte: for the simulator and for checks in the background.
 */

import { hashBytes } from '../base/bytes.ts';
import { absorb, finish } from '../base/mix.ts';
import type { KeyTable } from './key-table.ts';

const TWO_TO_32 = 0x1_0000_0000;

/** Seeds of the lanes: the golden ratio and π. */
const LANE_HIGH = 0x9e3779b9;
const LANE_LOW = 0x243f6a88;

/** A value is hashed in blocks of this, each seeded with the hash of what came before, so that one can stop in between. */
const BLOCK_BYTES = 64 * 1024;

/** The sum, entry by entry. A large value may be added in steps. */
export class ContentSum {
  #high = 0;
  #low = 0;
  /** Entries added. */
  entries = 0;
  // The entry being added.
  #stateHigh = 0;
  #stateLow = 0;
  #valueHigh = 0;
  #valueLow = 0;
  #value: Uint8Array = new Uint8Array(0);
  #at = 0;
  #end = 0;
  #epoch = 0;
  #operation = 0;
  #deadlineMs = 0;

  get digest(): bigint {
    return (BigInt(this.#high >>> 0) << 32n) | BigInt(this.#low >>> 0);
  }

  /** Begins an entry; `step` until it says that it is added. The value must stay as it is until then. */
  begin(
    key: Uint8Array,
    keyStart: number,
    keyEnd: number,
    value: Uint8Array,
    valueStart: number,
    valueEnd: number,
    epoch: number,
    operation: number,
    deadlineMs: number,
  ): void {
    this.#stateHigh = absorb(LANE_HIGH, hashBytes(key, keyStart, keyEnd, LANE_HIGH));
    this.#stateLow = absorb(LANE_LOW, hashBytes(key, keyStart, keyEnd, LANE_LOW));
    this.#valueHigh = LANE_HIGH;
    this.#valueLow = LANE_LOW;
    this.#value = value;
    this.#at = valueStart;
    this.#end = valueEnd;
    this.#epoch = epoch;
    this.#operation = operation;
    this.#deadlineMs = deadlineMs;
  }

  /** Hashes one more block of the value. True when the entry is added. */
  step(): boolean {
    const end = Math.min(this.#end, this.#at + BLOCK_BYTES);
    this.#valueHigh = hashBytes(this.#value, this.#at, end, this.#valueHigh);
    this.#valueLow = hashBytes(this.#value, this.#at, end, this.#valueLow);
    this.#at = end;
    if (end < this.#end) return false;
    this.#high = (this.#high + this.#finish(this.#stateHigh, this.#valueHigh)) | 0;
    this.#low = (this.#low + this.#finish(this.#stateLow, this.#valueLow)) | 0;
    this.entries += 1;
    return true;
  }

  #finish(key: number, value: number): number {
    let state = absorb(key, value);
    state = absorb(state, this.#epoch);
    state = absorb(state, this.#operation);
    state = absorb(state, Math.floor(this.#deadlineMs / TWO_TO_32));
    return finish(absorb(state, this.#deadlineMs | 0));
  }
}

/** Digest of all keys, values, revisions and deadlines (whole milliseconds): 64 bits; 0 for an empty table. */
export function contentDigest(table: KeyTable): bigint {
  const sum = new ContentSum();
  for (let slot = table.next(0); slot >= 0; slot = table.next(slot + 1)) {
    const key = table.keyOffset(slot);
    const value = table.valueOffset(slot);
    sum.begin(
      table.keyChunk(slot),
      key,
      key + table.keyLength(slot),
      table.valueChunk(slot),
      value,
      value + table.valueLength(slot),
      table.epoch(slot),
      table.operation(slot),
      table.deadlineMs(slot),
    );
    while (!sum.step());
  }
  return sum.digest;
}
