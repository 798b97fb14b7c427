/**
 * The keys and values that are measured: key number n is 16 hexadecimal digits that look random, its value 64 bytes that
 * begin with n, so that whoever reads one knows whether it is the right one.
 */
import { writeU32 } from '../../src/base/bytes.ts';
import { finish } from '../../src/base/mix.ts';

export const KEY_BYTES = 16;
export const VALUE_BYTES = 64;

/** Any number: the second half of a key differs from the first. */
const SALT = 0x2545f491;
const digits: Uint8Array = Uint8Array.from(Buffer.from('0123456789abcdef', 'latin1'));

/** No two numbers below 2³² have the same key. */
export function writeKey(target: Uint8Array, at: number, index: number): void {
  writeHex(target, at, finish(index));
  writeHex(target, at + 8, finish(index ^ SALT));
}

function writeHex(target: Uint8Array, at: number, word: number): void {
  for (let digit = 0; digit < 8; digit++) target[at + digit] = digits[(word >>> (28 - 4 * digit)) & 15] as number;
}

export function writeValue(target: Uint8Array, at: number, index: number): void {
  for (let word = 0; word < VALUE_BYTES; word += 4) writeU32(target, at + word, index);
}

/** The keys of `indexes`, one behind the other. */
export function keysOf(indexes: ArrayLike<number>): Uint8Array {
  const bytes = new Uint8Array(indexes.length * KEY_BYTES);
  for (let i = 0; i < indexes.length; i++) writeKey(bytes, i * KEY_BYTES, indexes[i] as number);
  return bytes;
}

/** Numbers below `limit` in an order that the processor's caches cannot guess; the same at every run. */
export function scattered(count: number, limit: number): Uint32Array {
  return Uint32Array.from({ length: count }, (_, i) => finish(i + 1) % limit);
}
