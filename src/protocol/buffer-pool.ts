/**
 * Buffers that writers borrow while they have something to send, so that an idle connection holds none and busy ones use
 * the same few, which stay in the processor's cache. By size, powers of two; a bounded number of each is kept.
 */
import { assert } from '../base/assert.ts';

/** Smallest and largest buffer kept; larger ones are left to the garbage collector. */
export const POOLED_BYTES_MIN: number = 16 * 1024;
const POOLED_BYTES_MAX: number = 1024 * 1024;
/** Kept of each size, at most. */
const KEPT_BYTES_MAX: number = 1024 * 1024;

const SMALLEST_SHIFT: number = Math.log2(POOLED_BYTES_MIN);
const kept: Uint8Array[][] = [];
for (let bytes = POOLED_BYTES_MIN; bytes <= POOLED_BYTES_MAX; bytes *= 2) kept.push([]);

function sizeClass(bytes: number): number {
  return 31 - Math.clz32(bytes) - SMALLEST_SHIFT;
}

/** A buffer of at least `bytes`, its length a power of two. What is in it is left over from others. */
export function takeBuffer(bytes: number): Uint8Array {
  let size = POOLED_BYTES_MIN;
  while (size < bytes) size *= 2;
  return kept[sizeClass(size)]?.pop() ?? new Uint8Array(size);
}

/** Gives a buffer of `takeBuffer` back; nobody may use it any longer. */
export function giveBuffer(buffer: Uint8Array): void {
  const { length } = buffer;
  assert(length >= POOLED_BYTES_MIN && (length & (length - 1)) === 0, 'buffer pool: it came from here');
  if (length > POOLED_BYTES_MAX) return;
  const same = kept[sizeClass(length)] as Uint8Array[];
  if (same.length * length < KEPT_BYTES_MAX) same.push(buffer);
}
