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

/** Digest of all keys, values, revisions and deadlines (whole milliseconds): 64 bits; 0 for an empty table. */
export function contentDigest(table: KeyTable): bigint {
  let high = 0;
  let low = 0;
  for (let slot = table.next(0); slot >= 0; slot = table.next(slot + 1)) {
    high = (high + entryHash(table, slot, LANE_HIGH)) | 0;
    low = (low + entryHash(table, slot, LANE_LOW)) | 0;
  }
  return (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
}

function entryHash(table: KeyTable, slot: number, lane: number): number {
  const key = table.keyOffset(slot);
  const value = table.valueOffset(slot);
  const deadlineMs = table.deadlineMs(slot);
  let state = absorb(lane, hashBytes(table.keyChunk(slot), key, key + table.keyLength(slot), lane));
  state = absorb(state, hashBytes(table.valueChunk(slot), value, value + table.valueLength(slot), lane));
  state = absorb(state, table.epoch(slot));
  state = absorb(state, table.operation(slot));
  state = absorb(state, Math.floor(deadlineMs / TWO_TO_32));
  return finish(absorb(state, deadlineMs | 0));
}
