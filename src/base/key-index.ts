/**
 * From key bytes to a small number, the slot, which stays the same while the key lives: other columns are kept by slot.
 * A key and `payloadBytes` of the owner's lie in one arena block, so that a look-up touches three lines of memory:
 *
 *     buckets   [slot + 1, hash] …   open addressing, linear probing (Knuth, TAOCP 6.4 L); 0: free
 *     records   [ref, key length]    by slot; a free slot has −2 − next free slot instead of the ref
 *     block     [key][payload]       in the arena; a key over 16 KiB lies outside it: [payload]
 *
 * A removal moves later buckets back (Knuth's algorithm R), so there are no tombstones. Hashes are kept, so that growing
 * reads no key. Neither buckets nor records shrink: slots do not move, and a table that was large tends to be so again;
 * `clear` gives everything back.
 */

import { type Arena, BLOCK_BYTES_MAX, blockBytes } from './arena.ts';
import { assert } from './assert.ts';
import { bytesEqual, copyBytes, hashBytes } from './bytes.ts';

export const KEY_BYTES_MAX = 65_535;

/** Longer keys, rare ones, are objects of their own. Shorter ones leave half a block to the payload. */
const INLINE_KEY_BYTES_MAX = BLOCK_BYTES_MAX / 2;

const SLOTS_AT_FIRST = 4;
const BUCKETS_AT_FIRST = 8;
const NONE = -1;

export class KeyIndex {
  readonly #arena: Arena;
  #buckets: Int32Array<ArrayBuffer>; // 2 · a power of two
  #mask: number; // number of buckets − 1
  #records: Int32Array<ArrayBuffer>; // 2 · capacity
  #freeSlot: number; // head of the list of freed slots, or NONE
  #slotsTouched: number; // slots from here on were never used
  #size: number; // ≤ ¾ of the buckets
  #blockBytes: number; // of all blocks and long keys
  readonly #longKeys: Map<number, Uint8Array>;

  constructor(arena: Arena) {
    this.#arena = arena;
    this.#buckets = new Int32Array(2 * BUCKETS_AT_FIRST);
    this.#mask = BUCKETS_AT_FIRST - 1;
    this.#records = new Int32Array(2 * SLOTS_AT_FIRST);
    this.#freeSlot = NONE;
    this.#slotsTouched = 0;
    this.#size = 0;
    this.#blockBytes = 0;
    this.#longKeys = new Map();
  }

  /** Keys in it. */
  get size(): number {
    return this.#size;
  }

  /** Every slot is below this. It grows by doubling, in `insert` only; `clear` sets it back. */
  get capacity(): number {
    return this.#records.length >>> 1;
  }

  /** Bytes held: blocks with the size of their class, long keys, buckets and records. */
  get bytes(): number {
    return this.#blockBytes + this.#buckets.byteLength + this.#records.byteLength;
  }

  /** The slot of the key `key[start, end)`, or −1. */
  find(key: Uint8Array, start: number, end: number): number {
    return this.#findHashed(key, start, end, hashBytes(key, start, end));
  }

  /**
   * Adds a key (1 to KEY_BYTES_MAX bytes) that is not there, with room for `payloadBytes` (at most `payloadBytesMax` of
   * its length). The payload is whatever lay there before. Returns its slot.
   */
  insert(key: Uint8Array, start: number, end: number, payloadBytes: number): number {
    const length = end - start;
    assert(length >= 1 && length <= KEY_BYTES_MAX, 'a key has 1 to 65,535 bytes');
    const hash = hashBytes(key, start, end);
    assert(this.#findHashed(key, start, end, hash) === NONE, 'the key is there already');
    if ((this.#size + 1) * 4 > (this.#mask + 1) * 3) this.#growBuckets();
    const slot = this.#takeSlot();
    this.#records[2 * slot + 1] = length;
    if (length > INLINE_KEY_BYTES_MAX) this.#keepLongKey(slot, key, start, end);
    this.#placeBlock(slot, payloadBytes);
    if (length <= INLINE_KEY_BYTES_MAX) copyBytes(key, start, end, this.chunk(slot), this.#blockOffset(slot));
    this.#fillBucket(slot, hash);
    this.#size++;
    return slot;
  }

  /** Makes room for another payload; the old one is lost and the block may move, the key and its slot stay. */
  resizePayload(slot: number, payloadBytes: number): void {
    const old = this.#ref(slot);
    assert(old >= 0, 'only a slot in use has a payload');
    const inline = this.#inlineKeyBytes(slot);
    const capacity = this.#arena.capacity(old);
    if (blockBytes(inline + payloadBytes) === capacity) return;
    this.#placeBlock(slot, payloadBytes);
    const from = this.#arena.offset(old);
    copyBytes(this.#arena.chunk(old), from, from + inline, this.chunk(slot), this.#blockOffset(slot));
    this.#freeBlock(old);
  }

  /** Forgets the key of a slot in use; the slot may come back for another key. */
  remove(slot: number): void {
    assert(this.#ref(slot) >= 0, 'only a slot in use can be removed');
    const chunk = this.keyChunk(slot);
    const offset = this.keyOffset(slot);
    const length = this.keyLength(slot);
    this.#emptyBucket(this.#bucketOf(slot, hashBytes(chunk, offset, offset + length)));
    if (length > INLINE_KEY_BYTES_MAX) this.#dropLongKey(slot);
    this.#freeBlock(this.#ref(slot));
    this.#records[2 * slot] = NONE - 1 - this.#freeSlot;
    this.#freeSlot = slot;
    this.#size--;
  }

  /** Forgets all keys, frees their blocks and shrinks to the size of a new index. */
  clear(): void {
    for (let slot = this.next(0); slot !== NONE; slot = this.next(slot + 1)) this.#freeBlock(this.#ref(slot));
    this.#buckets = new Int32Array(2 * BUCKETS_AT_FIRST);
    this.#mask = BUCKETS_AT_FIRST - 1;
    this.#records = new Int32Array(2 * SLOTS_AT_FIRST);
    this.#freeSlot = NONE;
    this.#slotsTouched = 0;
    this.#size = 0;
    this.#blockBytes = 0;
    this.#longKeys.clear();
  }

  /** The least slot in use that is ≥ `slot`, or −1. A key that stays while a caller walks is met exactly once. */
  next(slot: number): number {
    for (let at = slot; at < this.#slotsTouched; at++) {
      if (this.#ref(at) >= 0) return at;
    }
    return NONE;
  }

  keyLength(slot: number): number {
    return this.#records[2 * slot + 1] as number;
  }

  /** The array that holds the key, from `keyOffset(slot)` on. Valid until the next change. */
  keyChunk(slot: number): Uint8Array {
    if (this.keyLength(slot) > INLINE_KEY_BYTES_MAX) return this.#longKeys.get(slot) as Uint8Array;
    return this.chunk(slot);
  }

  keyOffset(slot: number): number {
    return this.keyLength(slot) > INLINE_KEY_BYTES_MAX ? 0 : this.#blockOffset(slot);
  }

  /** Copies the whole key to `target` at `at`. */
  copyKey(slot: number, target: Uint8Array, at: number): void {
    const offset = this.keyOffset(slot);
    copyBytes(this.keyChunk(slot), offset, offset + this.keyLength(slot), target, at);
  }

  keyStartsWith(slot: number, prefix: Uint8Array, start: number, end: number): boolean {
    if (end - start > this.keyLength(slot)) return false;
    return bytesEqual(prefix, start, this.keyChunk(slot), this.keyOffset(slot), end - start);
  }

  /** The array that holds the payload, from `payloadOffset(slot)` on. Valid until the next change. */
  chunk(slot: number): Uint8Array {
    return this.#arena.chunk(this.#ref(slot));
  }

  payloadOffset(slot: number): number {
    return this.#blockOffset(slot) + this.#inlineKeyBytes(slot);
  }

  #ref(slot: number): number {
    return this.#records[2 * slot] as number;
  }

  #blockOffset(slot: number): number {
    return this.#arena.offset(this.#ref(slot));
  }

  #inlineKeyBytes(slot: number): number {
    return inlineKeyBytes(this.keyLength(slot));
  }

  #findHashed(key: Uint8Array, start: number, end: number, hash: number): number {
    const buckets = this.#buckets;
    const mask = this.#mask;
    for (let bucket = hash & mask; ; bucket = (bucket + 1) & mask) {
      const slot = (buckets[2 * bucket] as number) - 1;
      if (slot === NONE) return NONE;
      if (buckets[2 * bucket + 1] === hash && this.#hasKey(slot, key, start, end)) return slot;
    }
  }

  #hasKey(slot: number, key: Uint8Array, start: number, end: number): boolean {
    if (this.keyLength(slot) !== end - start) return false;
    return bytesEqual(key, start, this.keyChunk(slot), this.keyOffset(slot), end - start);
  }

  #bucketOf(slot: number, hash: number): number {
    let bucket = hash & this.#mask;
    while (this.#buckets[2 * bucket] !== slot + 1) {
      assert(this.#buckets[2 * bucket] !== 0, 'a key has its bucket');
      bucket = (bucket + 1) & this.#mask;
    }
    return bucket;
  }

  #fillBucket(slot: number, hash: number): void {
    let bucket = hash & this.#mask;
    while (this.#buckets[2 * bucket] !== 0) bucket = (bucket + 1) & this.#mask;
    this.#buckets[2 * bucket] = slot + 1;
    this.#buckets[2 * bucket + 1] = hash;
  }

  /** Fills the gap with the next bucket that may stand there, then the gap this leaves, until the run ends. */
  #emptyBucket(emptied: number): void {
    const buckets = this.#buckets;
    const mask = this.#mask;
    let gap = emptied;
    for (let bucket = (gap + 1) & mask; buckets[2 * bucket] !== 0; bucket = (bucket + 1) & mask) {
      const home = (buckets[2 * bucket + 1] as number) & mask;
      if (((bucket - home) & mask) < ((bucket - gap) & mask)) continue; // it would stand before its home
      buckets[2 * gap] = buckets[2 * bucket] as number;
      buckets[2 * gap + 1] = buckets[2 * bucket + 1] as number;
      gap = bucket;
    }
    buckets[2 * gap] = 0;
  }

  #growBuckets(): void {
    const old = this.#buckets;
    this.#buckets = new Int32Array(old.length * 2);
    this.#mask = old.length - 1;
    for (let at = 0; at < old.length; at += 2) {
      if (old[at] !== 0) this.#fillBucket((old[at] as number) - 1, old[at + 1] as number);
    }
  }

  #takeSlot(): number {
    if (this.#freeSlot === NONE) {
      if (this.#slotsTouched === this.capacity) this.#growRecords();
      return this.#slotsTouched++;
    }
    const slot = this.#freeSlot;
    this.#freeSlot = NONE - 1 - this.#ref(slot);
    return slot;
  }

  #growRecords(): void {
    const grown = new Int32Array(this.#records.length * 2);
    grown.set(this.#records);
    this.#records = grown;
  }

  /** Gives the slot a new block; the old one, if any, is the caller's. */
  #placeBlock(slot: number, payloadBytes: number): void {
    const ref = this.#arena.allocate(this.#inlineKeyBytes(slot) + payloadBytes);
    this.#records[2 * slot] = ref;
    this.#blockBytes += this.#arena.capacity(ref);
  }

  #freeBlock(ref: number): void {
    this.#blockBytes -= this.#arena.capacity(ref);
    this.#arena.free(ref);
  }

  #keepLongKey(slot: number, key: Uint8Array, start: number, end: number): void {
    const kept = new Uint8Array(end - start);
    copyBytes(key, start, end, kept, 0);
    this.#longKeys.set(slot, kept);
    this.#blockBytes += kept.length;
  }

  #dropLongKey(slot: number): void {
    this.#blockBytes -= this.keyLength(slot);
    this.#longKeys.delete(slot);
  }
}

/** Largest payload of a key of `keyLength` bytes: at least 16 KiB. */
export function payloadBytesMax(keyLength: number): number {
  return BLOCK_BYTES_MAX - inlineKeyBytes(keyLength);
}

/** Upper bound of what `bytes` grows by, over many inserts, for each key of this length and payload. */
export function indexBytesNeeded(keyLength: number, payloadBytes: number): number {
  const outside = keyLength > INLINE_KEY_BYTES_MAX ? keyLength : 0;
  return COLUMN_BYTES_PER_KEY_MAX + outside + blockBytes(inlineKeyBytes(keyLength) + payloadBytes);
}

/** Just after a doubling half of the records (8 bytes) and five eighths of the buckets (8 bytes) are free. */
const COLUMN_BYTES_PER_KEY_MAX = 2 * 8 + Math.ceil((8 * 8) / 3);

function inlineKeyBytes(keyLength: number): number {
  return keyLength > INLINE_KEY_BYTES_MAX ? 0 : keyLength;
}
