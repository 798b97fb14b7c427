/**
 * Key → slot → partition, exactly as Redis Cluster does it (cluster specification, "Key distribution model" and "Hash
 * tags"), so that any cluster-aware client can route.
 *
 *     slot      = CRC16(tag or key) mod 16384       CRC16/XMODEM: polynomial 0x1021, initial 0, not reflected
 *     partition = slot / (16384 / partitions)       contiguous ranges of slots
 *
 *     {user1}.name      the tag is what stands between the first `{` and the first `}` after it: here `user1`
 *     {}name, {name     an empty tag, or one that never ends, is no tag: the whole key counts
 */

import { assert } from './assert.ts';

export const SLOTS = 16_384;

const SLOT_BITS = 14;
const SLOT_MASK = SLOTS - 1;
const POLYNOMIAL = 0x1021;
const OPENING_BRACE = 0x7b;
const CLOSING_BRACE = 0x7d;

/** `CRC_OF_BYTE[b]` is the checksum of the single byte `b`. */
const CRC_OF_BYTE: Uint16Array = Uint16Array.from({ length: 256 }, (_, byte) => crcOfByte(byte));

/** Slot (0..16383) of the key in `key[start, end)`. Allocates nothing. */
export function hashSlot(key: Uint8Array, start: number, end: number): number {
  const open = indexOfByte(key, OPENING_BRACE, start, end);
  if (open === end) return crc16(key, start, end) & SLOT_MASK;
  const tagStart = open + 1;
  const tagEnd = indexOfByte(key, CLOSING_BRACE, tagStart, end);
  if (tagEnd === end || tagEnd === tagStart) return crc16(key, start, end) & SLOT_MASK;
  return crc16(key, tagStart, tagEnd) & SLOT_MASK;
}

/** CRC16/XMODEM of `bytes[start, end)`: 0x31C3 for `123456789`. */
export function crc16(bytes: Uint8Array, start: number, end: number): number {
  let crc = 0;
  for (let i = start; i < end; i++) {
    crc = ((crc << 8) & 0xffff) ^ (CRC_OF_BYTE[(crc >>> 8) ^ (bytes[i] as number)] as number);
  }
  return crc;
}

/** Partition of a slot; `partitions` is a power of two from 1 to 16384. A shift and a leading-zero count: no branch. */
export function partitionOfSlot(slot: number, partitions: number): number {
  return slot >>> (SLOT_BITS - (31 - Math.clz32(partitions)));
}

/**
 * How far to shift a slot for its partition (`slot >>> shift`), for code that routes many keys over the same table.
 * @throws AssertionError unless `partitions` is a power of two from 1 to 16384.
 */
export function partitionShift(partitions: number): number {
  assert(isPartitionCount(partitions), 'partitions must be a power of two from 1 to 16384');
  return SLOT_BITS - (31 - Math.clz32(partitions));
}

/** Whether a cluster can have this many partitions: a power of two from 1 to 16384. */
export function isPartitionCount(partitions: number): boolean {
  return (
    Number.isInteger(partitions) && partitions >= 1 && partitions <= SLOTS && (partitions & (partitions - 1)) === 0
  );
}

/** Where `byte` stands first in `bytes[start, end)`, or `end`. For short keys a loop beats `indexOf` and its call. */
function indexOfByte(bytes: Uint8Array, byte: number, start: number, end: number): number {
  let i = start;
  while (i < end && bytes[i] !== byte) i++;
  return i;
}

function crcOfByte(byte: number): number {
  let crc = byte << 8;
  for (let bit = 0; bit < 8; bit++) crc = (crc & 0x8000) === 0 ? crc << 1 : (crc << 1) ^ POLYNOMIAL;
  return crc & 0xffff;
}
