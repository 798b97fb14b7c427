/**
 * Big-endian numbers in bytes, and the three loops every hot path needs: compare, copy, hash. Offsets are not checked
 * here: who parses a message has checked its length first. All are monomorphic as long as callers hand in plain
 * `Uint8Array`; mixing in `Buffer` works and costs the byte loops about a fifth.
 */

import { absorb, finish } from './mix.ts';

const TWO_TO_32 = 0x1_0000_0000;

/**
 * From this many bytes on, `set` on a subarray beats a byte loop. The view it allocates costs about as much as looping
 * over 32 bytes: at 16 bytes the loop takes 0.6 of its time, at 64 bytes 1.8, at 1 KiB 18 (Node 24, x64).
 */
const COPY_BY_SET_BYTES = 32;

/** The same for moves inside one array: `copyWithin` allocates nothing and costs as much as looping over 16 bytes. */
const MOVE_BY_COPY_WITHIN_BYTES = 16;

/** Unsigned 16-bit number at `at`. */
export function readU16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
}

/** Signed 32-bit number at `at`: always an int32, so never boxed on a hot path. */
export function readI32(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at] as number) << 24) |
    ((bytes[at + 1] as number) << 16) |
    ((bytes[at + 2] as number) << 8) |
    (bytes[at + 3] as number)
  );
}

/** Unsigned 32-bit number at `at`. */
export function readU32(bytes: Uint8Array, at: number): number {
  return readI32(bytes, at) >>> 0;
}

/** Unsigned 48-bit number at `at`; milliseconds of wall time fit until the year 10889. */
export function readU48(bytes: Uint8Array, at: number): number {
  return readU16(bytes, at) * TWO_TO_32 + readU32(bytes, at + 2);
}

/** Unsigned 64-bit number at `at`. Allocates: for the client's edge, not for the server's data path. */
export function readBigU64(bytes: Uint8Array, at: number): bigint {
  return (BigInt(readU32(bytes, at)) << 32n) | BigInt(readU32(bytes, at + 4));
}

export function writeU16(target: Uint8Array, at: number, value: number): void {
  target[at] = value >>> 8;
  target[at + 1] = value;
}

/** Writes the low 32 bits of `value`, signed or not. */
export function writeU32(target: Uint8Array, at: number, value: number): void {
  target[at] = value >>> 24;
  target[at + 1] = value >>> 16;
  target[at + 2] = value >>> 8;
  target[at + 3] = value;
}

/** Writes a whole number from 0 to 2⁴⁸ − 1. */
export function writeU48(target: Uint8Array, at: number, value: number): void {
  writeU16(target, at, Math.floor(value / TWO_TO_32));
  writeU32(target, at + 2, value % TWO_TO_32);
}

/** Writes a 64-bit number given as two halves, such as a revision: epoch, operation number. */
export function writeU64(target: Uint8Array, at: number, high: number, low: number): void {
  writeU32(target, at, high);
  writeU32(target, at + 4, low);
}

/** Writes a whole number from 0 to 2⁶⁴ − 1. */
export function writeBigU64(target: Uint8Array, at: number, value: bigint): void {
  writeU64(target, at, Number(value >> 32n), Number(value & 0xffff_ffffn));
}

/** Whether `length` bytes of `a` from `aStart` and of `b` from `bStart` are the same. */
export function bytesEqual(a: Uint8Array, aStart: number, b: Uint8Array, bStart: number, length: number): boolean {
  for (let index = 0; index < length; index++) {
    if (a[aStart + index] !== b[bStart + index]) return false;
  }
  return true;
}

/**
 * Copies `source[start, end)` to `target` at `at`. The two may be the same array and may overlap; two views of one
 * buffer may not.
 */
export function copyBytes(source: Uint8Array, start: number, end: number, target: Uint8Array, at: number): void {
  const length = end - start;
  if (source === target && length >= MOVE_BY_COPY_WITHIN_BYTES) target.copyWithin(at, start, end);
  else if (length >= COPY_BY_SET_BYTES) target.set(source.subarray(start, end), at);
  else if (source === target && at > start) copyBackward(source, start, end, target, at);
  else copyForward(source, start, end, target, at);
}

function copyForward(source: Uint8Array, start: number, end: number, target: Uint8Array, at: number): void {
  const shift = at - start;
  for (let index = start; index < end; index++) target[index + shift] = source[index] as number;
}

function copyBackward(source: Uint8Array, start: number, end: number, target: Uint8Array, at: number): void {
  const shift = at - start;
  for (let index = end - 1; index >= start; index--) target[index + shift] = source[index] as number;
}

/** Two hexadecimal digits for each byte of `bytes[start, end)`. */
export function hexOf(bytes: Uint8Array, start = 0, end: number = bytes.length): string {
  let text = '';
  for (let at = start; at < end; at += 1) text += (bytes[at] as number).toString(16).padStart(2, '0');
  return text;
}

/**
 * 32-bit hash of `bytes[start, end)` as an int32: MurmurHash3_x86_32 (mix.ts), except that the last one to three bytes
 * are taken in like a whole word. Fast and well spread, but not keyed: who chooses keys freely can make them collide.
 */
export function hashBytes(bytes: Uint8Array, start: number, end: number, seed = 0): number {
  const wordsEnd = end - ((end - start) & 3);
  let state = seed | 0;
  for (let at = start; at < wordsEnd; at += 4) state = absorb(state, readI32LittleEndian(bytes, at));
  let tail = 0;
  for (let at = end - 1; at >= wordsEnd; at--) tail = (tail << 8) | (bytes[at] as number);
  if (wordsEnd < end) state = absorb(state, tail);
  return finish(state ^ (end - start)) | 0;
}

/** MurmurHash3 reads its words little-endian. */
function readI32LittleEndian(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at] as number) |
    ((bytes[at + 1] as number) << 8) |
    ((bytes[at + 2] as number) << 16) |
    ((bytes[at + 3] as number) << 24)
  );
}
