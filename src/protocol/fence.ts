/**
 * The fence of a write: it counts only while a lock is held under a token (L9). Writes with the flag `fenced` end in
 *
 *   lock key | token: epoch u32, operation u32 | lockKeyLength u16
 *
 * Without a lock key it is the lock of the key that is written. Both are in one partition, so that each replica can tell.
 */
import { readI32, readU16, readU32, writeU16, writeU32 } from '../base/bytes.ts';

/** Behind the lock key. */
const TOKEN_AND_LENGTH_BYTES = 10;

/** Bytes of the fence that ends at `end` and begins no sooner than `from`; −1: there is none that fits. */
export function fenceLength(bytes: Uint8Array, from: number, end: number): number {
  if (end - from < TOKEN_AND_LENGTH_BYTES) return -1;
  const length = TOKEN_AND_LENGTH_BYTES + readU16(bytes, end - 2);
  return length <= end - from ? length : -1;
}

/** Where the lock key of a fence ends; it begins where the fence does. */
export function lockKeyEnd(end: number): number {
  return end - TOKEN_AND_LENGTH_BYTES;
}

export function fenceEpoch(bytes: Uint8Array, end: number): number {
  return readU32(bytes, end - 10);
}

export function fenceOperation(bytes: Uint8Array, end: number): number {
  return readI32(bytes, end - 6);
}

/** What follows the lock key. */
export function fenceTail(token: bigint, lockKeyLength: number): Uint8Array {
  const tail = new Uint8Array(TOKEN_AND_LENGTH_BYTES);
  writeU32(tail, 0, Number((token >> 32n) & 0xffff_ffffn));
  writeU32(tail, 4, Number(token & 0xffff_ffffn));
  writeU16(tail, 8, lockKeyLength);
  return tail;
}
