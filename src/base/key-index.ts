/**
 * From key bytes to a small number, the slot, which stays the same while the key lives: other columns are kept by slot.
 * A key and `payloadBytes` of the owner's lie in one arena block:
 *
 *     buckets   [slot + 1, hash, ref] …       open addressing, linear probing (Knuth, TAOCP 6.4 L); 0: free
 *     refs      [ref] …                       by slot; a free slot has −2 − next free slot instead
 *     block     [key length][key][payload]    a key over 16 KiB lies outside the arena: [key length][payload]
 *
 * Among millions of keys time is cache misses, and a look-up has two: bucket, block. That is why the bucket repeats the
 * ref, the block has the length, and the ref of the last slot is remembered for what is read from it next: about a
 * fifth less time than with ref and length by slot.
 *
 * A removal moves later buckets back (Knuth's algorithm R), so there are no tombstones. Hashes are kept, so that growing
 * reads no key. Neither buckets nor refs shrink: slots do not move, and a table that was large tends to be so again;
 * `clear` gives everything back.
 */

import { type Arena, BLOCK_BYTES_MAX, blockBytes } from './arena.ts';
import { assert } from './assert.ts';
import { bytesEqual, copyBytes, readU16, writeU16 } from './bytes.ts';
import { type HashKey, keyedHash } from './keyed-hash.ts';

export const KEY_BYTES_MAX = 65_535;

/** Longer keys, rare ones, are objects of their own. Shorter ones leave half a block to the payload. */
const INLINE_KEY_BYTES_MAX = BLOCK_BYTES_MAX / 2;

/** A u16 before the key, or before the payload of a long one. */
const KEY_LENGTH_BYTES = 2;

const SLOTS_AT_FIRST = 4;
const BUCKETS_AT_FIRST = 8;
/** Numbers in a bucket: slot + 1, hash, ref. */
const BUCKET = 3;
const NONE = -1;

export class KeyIndex {
  readonly #arena: Arena;
  readonly #hashKey: HashKey;
  #buckets: Int32Array<ArrayBuffer>;
  #mask: number; // number of buckets − 1; they are a power of two
  #refs: Int32Array<ArrayBuffer>;
  #freeSlot: number; // head of the list of freed slots, or NONE
  #slotsTouched: number; // slots from here on were never used
  #size: number; // ≤ ¾ of the buckets
  #blockBytes: number; // of all blocks and long keys
  #lastSlot: number; // the slot in use that was found or placed last, or NONE
  #lastRef: number; // its ref
  readonly #longKeys: Map<number, Uint8Array>;

  constructor(arena: Arena) {
    this.#arena = arena;
    this.#hashKey = arena.hashKey;
    this.#buckets = new Int32Array(BUCKET * BUCKETS_AT_FIRST);
    this.#mask = BUCKETS_AT_FIRST - 1;
    this.#refs = new Int32Array(SLOTS_AT_FIRST);
    this.#freeSlot = NONE;
    this.#slotsTouched = 0;
    this.#size = 0;
    this.#blockBytes = 0;
    this.#lastSlot = NONE;
    this.#lastRef = NONE;
    this.#longKeys = new Map();
  }

  /** Keys in it. */
  get size(): number {
    return this.#size;
  }

  /** Every slot is below this. It grows by doubling, in `insert` only; `clear` sets it back. */
  get capacity(): number {
    return this.#refs.length;
  }

  /** Bytes held: blocks with the size of their class, long keys, buckets and refs. */
  get bytes(): number {
    return this.#blockBytes + this.#buckets.byteLength + this.#refs.byteLength;
  }

  /** The slot of the key `key[start, end)`, or −1. */
  find(key: Uint8Array, start: number, end: number): number {
    return this.#findHashed(key, start, end, keyedHash(key, start, end, this.#hashKey));
  }

  /**
   * Adds a key (1 to KEY_BYTES_MAX bytes) that is not there, with room for `payloadBytes` (at most `payloadBytesMax` of
   * its length). The payload is whatever lay there before. Returns its slot.
   */
  insert(key: Uint8Array, start: number, end: number, payloadBytes: number): number {
    const length = end - start;
    assert(length >= 1 && length <= KEY_BYTES_MAX, 'a key has 1 to 65,535 bytes');
    const hash = keyedHash(key, start, end, this.#hashKey);
    assert(this.#findHashed(key, start, end, hash) === NONE, 'the key is there already');
    if ((this.#size + 1) * 4 > (this.#mask + 1) * 3) this.#growBuckets();
    const slot = this.#takeSlot();
    this.#placeBlock(slot, length, payloadBytes);
    if (length > INLINE_KEY_BYTES_MAX) this.#keepLongKey(slot, length);
    copyBytes(key, start, end, this.keyChunk(slot), this.keyOffset(slot));
    this.#fillBucket(slot, hash, this.#lastRef);
    this.#size++;
    return slot;
  }

  /** Makes room for another payload; the old one is lost and the block may move, the key and its slot stay. */
  resizePayload(slot: number, payloadBytes: number): void {
    const old = this.#ref(slot);
    assert(old >= 0, 'only a slot in use has a payload');
    const length = this.keyLength(slot);
    if (blockBytes(blockLength(length, payloadBytes)) === this.#arena.capacity(old)) return;
    const bucket = this.#bucketOf(slot);
    this.#placeBlock(slot, length, payloadBytes);
    this.#buckets[BUCKET * bucket + 2] = this.#lastRef;
    const key = this.#arena.offset(old) + KEY_LENGTH_BYTES;
    copyBytes(this.#arena.chunk(old), key, key + inlineKeyBytes(length), this.chunk(slot), this.#blockOffset(slot));
    this.#freeBlock(old);
  }

  /** Forgets the key of a slot in use; the slot may come back for another key. */
  remove(slot: number): void {
    const ref = this.#ref(slot);
    assert(ref >= 0, 'only a slot in use can be removed');
    this.#emptyBucket(this.#bucketOf(slot));
    if (this.keyLength(slot) > INLINE_KEY_BYTES_MAX) this.#dropLongKey(slot);
    this.#freeBlock(ref);
    this.#refs[slot] = NONE - 1 - this.#freeSlot;
    this.#freeSlot = slot;
    this.#forgetLast();
    this.#size--;
  }

  /** Forgets all keys, frees their blocks and shrinks to the size of a new index. */
  clear(): void {
    for (let slot = this.next(0); slot !== NONE; slot = this.next(slot + 1)) this.#freeBlock(this.#ref(slot));
    this.#buckets = new Int32Array(BUCKET * BUCKETS_AT_FIRST);
    this.#mask = BUCKETS_AT_FIRST - 1;
    this.#refs = new Int32Array(SLOTS_AT_FIRST);
    this.#freeSlot = NONE;
    this.#slotsTouched = 0;
    this.#size = 0;
    this.#blockBytes = 0;
    this.#forgetLast();
    this.#longKeys.clear();
  }

  /**
   * The least slot in use that is ≥ `slot` and below `end`, or −1. A key that stays while a caller walks is met exactly
   * once.
   */
  next(slot: number, end: number = this.#slotsTouched): number {
    const stop = Math.min(end, this.#slotsTouched);
    for (let at = slot; at < stop; at++) {
      if ((this.#refs[at] as number) >= 0) return at;
    }
    return NONE;
  }

  keyLength(slot: number): number {
    const ref = this.#ref(slot);
    return readU16(this.#arena.chunk(ref), this.#arena.offset(ref));
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
    const ref = this.#ref(slot);
    const offset = this.#arena.offset(ref);
    return offset + KEY_LENGTH_BYTES + inlineKeyBytes(readU16(this.#arena.chunk(ref), offset));
  }

  #ref(slot: number): number {
    return slot === this.#lastSlot ? this.#lastRef : (this.#refs[slot] as number);
  }

  #forgetLast(): void {
    this.#lastSlot = NONE;
    this.#lastRef = NONE;
  }

  /** Where the block goes on after the length of the key. */
  #blockOffset(slot: number): number {
    return this.#arena.offset(this.#ref(slot)) + KEY_LENGTH_BYTES;
  }

  #findHashed(key: Uint8Array, start: number, end: number, hash: number): number {
    const buckets = this.#buckets;
    const mask = this.#mask;
    for (let bucket = hash & mask; ; bucket = (bucket + 1) & mask) {
      const slot = (buckets[BUCKET * bucket] as number) - 1;
      if (slot === NONE) return NONE;
      if (buckets[BUCKET * bucket + 1] !== hash) continue;
      this.#lastSlot = slot;
      this.#lastRef = buckets[BUCKET * bucket + 2] as number;
      if (this.#hasKey(slot, key, start, end)) return slot;
    }
  }

  #hasKey(slot: number, key: Uint8Array, start: number, end: number): boolean {
    if (this.keyLength(slot) !== end - start) return false;
    return bytesEqual(key, start, this.keyChunk(slot), this.keyOffset(slot), end - start);
  }

  #bucketOf(slot: number): number {
    const key = this.keyOffset(slot);
    let bucket = keyedHash(this.keyChunk(slot), key, key + this.keyLength(slot), this.#hashKey) & this.#mask;
    while (this.#buckets[BUCKET * bucket] !== slot + 1) {
      assert(this.#buckets[BUCKET * bucket] !== 0, 'every key has its bucket');
      bucket = (bucket + 1) & this.#mask;
    }
    return bucket;
  }

  #fillBucket(slot: number, hash: number, ref: number): void {
    let bucket = hash & this.#mask;
    while (this.#buckets[BUCKET * bucket] !== 0) bucket = (bucket + 1) & this.#mask;
    this.#buckets[BUCKET * bucket] = slot + 1;
    this.#buckets[BUCKET * bucket + 1] = hash;
    this.#buckets[BUCKET * bucket + 2] = ref;
  }

  /** Fills the gap with the next bucket that may stand there, then the gap this leaves, until the run ends. */
  #emptyBucket(emptied: number): void {
    const buckets = this.#buckets;
    const mask = this.#mask;
    let gap = emptied;
    for (let bucket = (gap + 1) & mask; buckets[BUCKET * bucket] !== 0; bucket = (bucket + 1) & mask) {
      const home = (buckets[BUCKET * bucket + 1] as number) & mask;
      if (((bucket - home) & mask) < ((bucket - gap) & mask)) continue; // it would stand before its home
      for (let part = 0; part < BUCKET; part++)
        buckets[BUCKET * gap + part] = buckets[BUCKET * bucket + part] as number;
      gap = bucket;
    }
    buckets[BUCKET * gap] = 0;
  }

  #growBuckets(): void {
    const old = this.#buckets;
    this.#buckets = new Int32Array(old.length * 2);
    this.#mask = this.#mask * 2 + 1;
    for (let at = 0; at < old.length; at += BUCKET) {
      const slot = (old[at] as number) - 1;
      if (slot !== NONE) this.#fillBucket(slot, old[at + 1] as number, old[at + 2] as number);
    }
  }

  #takeSlot(): number {
    if (this.#freeSlot === NONE) {
      if (this.#slotsTouched === this.capacity) this.#growRefs();
      return this.#slotsTouched++;
    }
    const slot = this.#freeSlot;
    this.#freeSlot = NONE - 1 - (this.#refs[slot] as number);
    return slot;
  }

  #growRefs(): void {
    const grown = new Int32Array(this.#refs.length * 2);
    grown.set(this.#refs);
    this.#refs = grown;
  }

  /** Gives the slot a new block; the old one, if any, is the caller's. */
  #placeBlock(slot: number, keyLength: number, payloadBytes: number): void {
    const ref = this.#arena.allocate(blockLength(keyLength, payloadBytes));
    writeU16(this.#arena.chunk(ref), this.#arena.offset(ref), keyLength);
    this.#refs[slot] = ref;
    this.#lastSlot = slot;
    this.#lastRef = ref;
    this.#blockBytes += this.#arena.capacity(ref);
  }

  #freeBlock(ref: number): void {
    this.#blockBytes -= this.#arena.capacity(ref);
    this.#arena.free(ref);
  }

  #keepLongKey(slot: number, length: number): void {
    this.#longKeys.set(slot, new Uint8Array(length));
    this.#blockBytes += length;
  }

  #dropLongKey(slot: number): void {
    this.#blockBytes -= this.keyLength(slot);
    this.#longKeys.delete(slot);
  }
}

/** Largest payload of a key of `keyLength` bytes: just under 16 KiB or more. */
export function payloadBytesMax(keyLength: number): number {
  return BLOCK_BYTES_MAX - blockLength(keyLength, 0);
}

/** Upper bound of what `bytes` grows by, over many inserts, for each key of this length and payload. */
export function indexBytesNeeded(keyLength: number, payloadBytes: number): number {
  const outside = keyLength - inlineKeyBytes(keyLength);
  return COLUMN_BYTES_PER_KEY_MAX + outside + blockBytes(blockLength(keyLength, payloadBytes));
}

/** Just after a doubling half of the refs (4 bytes) and five eighths of the buckets (12 bytes) are free. */
const COLUMN_BYTES_PER_KEY_MAX = 2 * 4 + (12 * 8) / 3;

function blockLength(keyLength: number, payloadBytes: number): number {
  return KEY_LENGTH_BYTES + inlineKeyBytes(keyLength) + payloadBytes;
}

function inlineKeyBytes(keyLength: number): number {
  return keyLength > INLINE_KEY_BYTES_MAX ? 0 : keyLength;
}
