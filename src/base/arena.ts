/**
 * Memory for millions of small blocks without one object each: a slab allocator (J. Bonwick, "The Slab Allocator",
 * 1994) with jemalloc's size classes, four to a doubling. A chunk holds blocks of one class until all of them are free;
 * then any class may have it.
 *
 *     chunk   ┌───────┬───────┬───────┬───────┬─ ─ ─ ─ ─ ─┬──────────────────────────────────┐
 *             │ block │ free ─┼─► free│ block │   fresh   │ one bit per 16 bytes: block here │
 *             └───────┴───────┴───────┴───────┴─ ─ ─ ─ ─ ─┴──────────────────────────────────┘
 *     ref     chunk number · 2¹⁴ + offset / 16        an int32 ≥ 0, so 32 GiB in all
 *
 * The free list of a chunk lies in its free blocks; the bits tell a block in use from anything else, so that a double
 * free and a made-up ref crash instead of corrupting. Nothing is allocated per operation, except a chunk when all are full.
 */

import { assert } from './assert.ts';
import { readU16, writeU16 } from './bytes.ts';
import type { HashKey } from './keyed-hash.ts';

/** Largest block; what is larger is better off on its own. */
export const BLOCK_BYTES_MAX: number = 32 * 1024;

/** Blocks begin at multiples of this and are multiples of it long. */
const UNIT_BYTES = 16;
const UNIT_BITS = 14;
const UNITS_PER_CHUNK = 1 << UNIT_BITS;
const UNIT_MASK = UNITS_PER_CHUNK - 1;
const BLOCKS_BYTES = UNITS_PER_CHUNK * UNIT_BYTES;
/** Bytes of a chunk: blocks, and the bits. */
export const CHUNK_BYTES: number = BLOCKS_BYTES + UNITS_PER_CHUNK / 8;
const CHUNKS_MAX = 2 ** (31 - UNIT_BITS);

/** Empty chunks kept for the next class that needs one (4 MiB); more go back to the garbage collector. */
const SPARE_CHUNKS_MAX = 16;

/** Up to here every multiple of 16 is a class; above, four classes to a doubling: at most a fifth of a block is lost. */
const FINE_CLASS_BYTES_MAX = 64;
const FINE_CLASSES = FINE_CLASS_BYTES_MAX / UNIT_BYTES;
const SIZE_CLASSES = classOf(BLOCK_BYTES_MAX) + 1;

const NONE = -1;
const PUBLIC_HASH_KEY: HashKey = { low: 0, high: 0 };
const NO_MEMORY = new Uint8Array(0);

export class Arena {
  /** By which the tables that lie in this memory hash their keys: a secret of the process. */
  readonly hashKey: HashKey;
  #chunks: Uint8Array[] = [];
  /** Columns by chunk number, all of one length. */
  #sizeClass = new Int32Array(4);
  #liveBlocks = new Int32Array(4);
  #firstFree = new Int32Array(4); // unit of the first block of the free list, or NONE
  #freshUnit = new Int32Array(4); // blocks from here on were never used
  #previous = new Int32Array(4); // in the list of the class
  #next = new Int32Array(4); // in the list of the class, of the spare or of the vacant chunks

  /** By class: a chunk with a free block, the head of a doubly linked list. */
  #open = new Int32Array(SIZE_CLASSES).fill(NONE);
  /** Chunks with memory and without a class. */
  #spare: number = NONE;
  #spareCount = 0;
  /** Chunk numbers without memory. */
  #vacant: number = NONE;
  #usedBytes = 0;
  #reservedBytes = 0;

  /** Without a `hashKey` look-ups are only as fast as those who choose the keys let them be. */
  constructor(hashKey: HashKey = PUBLIC_HASH_KEY) {
    this.hashKey = hashKey;
  }

  /** Bytes of the blocks in use, each counted with the size of its class. */
  get usedBytes(): number {
    return this.#usedBytes;
  }

  /** Bytes of the chunks held, whatever is in them. */
  get reservedBytes(): number {
    return this.#reservedBytes;
  }

  /** A block of at least `bytes` (0 to BLOCK_BYTES_MAX), with whatever was in it before. Returns its ref. */
  allocate(bytes: number): number {
    assert(bytes >= 0 && bytes <= BLOCK_BYTES_MAX, 'a block has 0 to BLOCK_BYTES_MAX bytes');
    const sizeClass = classOf(bytes);
    let number = this.#open[sizeClass] as number;
    if (number === NONE) number = this.#openChunk(sizeClass);
    const unit = this.#takeUnit(number, sizeClass);
    const live = (this.#liveBlocks[number] as number) + 1;
    this.#liveBlocks[number] = live;
    if (live === blocksOfChunk(sizeClass)) this.#unlink(number, sizeClass);
    this.#usedBytes += bytesOfClass(sizeClass);
    return (number << UNIT_BITS) | unit;
  }

  /** Gives a block back. Its bytes may be overwritten at once. */
  free(ref: number): void {
    assert(this.#isInUse(ref), 'only a block in use can be freed');
    const number = ref >>> UNIT_BITS;
    const sizeClass = this.#sizeClass[number] as number;
    this.#putUnit(number, ref & UNIT_MASK);
    const live = (this.#liveBlocks[number] as number) - 1;
    this.#liveBlocks[number] = live;
    if (live === blocksOfChunk(sizeClass) - 1) this.#link(number, sizeClass);
    if (live === 0) this.#closeChunk(number, sizeClass);
    this.#usedBytes -= bytesOfClass(sizeClass);
  }

  /** The array that holds the block, from `offset(ref)` on. Valid until the block is freed. */
  chunk(ref: number): Uint8Array {
    return this.#chunks[ref >>> UNIT_BITS] as Uint8Array;
  }

  offset(ref: number): number {
    return (ref & UNIT_MASK) * UNIT_BYTES;
  }

  /** Bytes of the block, at least what was asked for. */
  capacity(ref: number): number {
    return bytesOfClass(this.#sizeClass[ref >>> UNIT_BITS] as number);
  }

  #isInUse(ref: number): boolean {
    const number = ref >>> UNIT_BITS;
    if (number >= this.#chunks.length) return false;
    const unit = ref & UNIT_MASK;
    const bits = (this.#chunks[number] as Uint8Array)[BLOCKS_BYTES + (unit >>> 3)] as number;
    return ((bits >>> (unit & 7)) & 1) === 1;
  }

  #takeUnit(number: number, sizeClass: number): number {
    const chunk = this.#chunks[number] as Uint8Array;
    let unit = this.#firstFree[number] as number;
    if (unit === NONE) {
      unit = this.#freshUnit[number] as number;
      this.#freshUnit[number] = unit + bytesOfClass(sizeClass) / UNIT_BYTES;
    } else {
      this.#firstFree[number] = readU16(chunk, unit * UNIT_BYTES) - 1;
    }
    flipBit(chunk, unit);
    return unit;
  }

  #putUnit(number: number, unit: number): void {
    const chunk = this.#chunks[number] as Uint8Array;
    flipBit(chunk, unit);
    writeU16(chunk, unit * UNIT_BYTES, (this.#firstFree[number] as number) + 1);
    this.#firstFree[number] = unit;
  }

  /** An empty chunk for the class: a spare one, else a vacant number or a new one with new memory. */
  #openChunk(sizeClass: number): number {
    const number = this.#spare === NONE ? this.#newChunk() : this.#takeSpare();
    this.#sizeClass[number] = sizeClass;
    this.#liveBlocks[number] = 0;
    this.#firstFree[number] = NONE;
    this.#freshUnit[number] = 0;
    this.#link(number, sizeClass);
    return number;
  }

  #closeChunk(number: number, sizeClass: number): void {
    this.#unlink(number, sizeClass);
    if (this.#spareCount < SPARE_CHUNKS_MAX) {
      this.#next[number] = this.#spare;
      this.#spare = number;
      this.#spareCount++;
      return;
    }
    this.#chunks[number] = NO_MEMORY;
    this.#reservedBytes -= CHUNK_BYTES;
    this.#next[number] = this.#vacant;
    this.#vacant = number;
  }

  #takeSpare(): number {
    const number = this.#spare;
    this.#spare = this.#next[number] as number;
    this.#spareCount--;
    return number;
  }

  #newChunk(): number {
    this.#reservedBytes += CHUNK_BYTES;
    const chunk = new Uint8Array(CHUNK_BYTES);
    if (this.#vacant === NONE) return this.#appendChunk(chunk);
    const number = this.#vacant;
    this.#vacant = this.#next[number] as number;
    this.#chunks[number] = chunk;
    return number;
  }

  #appendChunk(chunk: Uint8Array): number {
    const number = this.#chunks.length;
    assert(number < CHUNKS_MAX, 'the arena is full: 32 GiB');
    if (number === this.#next.length) this.#growColumns();
    this.#chunks.push(chunk);
    return number;
  }

  #growColumns(): void {
    this.#sizeClass = doubled(this.#sizeClass);
    this.#liveBlocks = doubled(this.#liveBlocks);
    this.#firstFree = doubled(this.#firstFree);
    this.#freshUnit = doubled(this.#freshUnit);
    this.#previous = doubled(this.#previous);
    this.#next = doubled(this.#next);
  }

  #link(number: number, sizeClass: number): void {
    const head = this.#open[sizeClass] as number;
    this.#previous[number] = NONE;
    this.#next[number] = head;
    if (head !== NONE) this.#previous[head] = number;
    this.#open[sizeClass] = number;
  }

  #unlink(number: number, sizeClass: number): void {
    const previous = this.#previous[number] as number;
    const next = this.#next[number] as number;
    if (previous === NONE) this.#open[sizeClass] = next;
    else this.#next[previous] = next;
    if (next !== NONE) this.#previous[next] = previous;
  }
}

/** What a block of `bytes` takes: the size of the smallest class that holds them. */
export function blockBytes(bytes: number): number {
  return bytesOfClass(classOf(bytes));
}

/** 16, 32, 48, 64, then 80, 96, 112, 128, then 160, 192, … */
function classOf(bytes: number): number {
  if (bytes <= FINE_CLASS_BYTES_MAX) return Math.max(0, (bytes - 1) >> 4);
  const exponent = 31 - Math.clz32(bytes - 1);
  const quarter = ((bytes - 1) >> (exponent - 2)) & 3;
  return FINE_CLASSES + (exponent - 6) * 4 + quarter;
}

function bytesOfClass(sizeClass: number): number {
  if (sizeClass < FINE_CLASSES) return (sizeClass + 1) * UNIT_BYTES;
  const coarse = sizeClass - FINE_CLASSES;
  return (5 + (coarse & 3)) << (4 + (coarse >> 2));
}

function blocksOfChunk(sizeClass: number): number {
  return Math.floor(BLOCKS_BYTES / bytesOfClass(sizeClass));
}

function flipBit(chunk: Uint8Array, unit: number): void {
  const at = BLOCKS_BYTES + (unit >>> 3);
  chunk[at] = (chunk[at] as number) ^ (1 << (unit & 7));
}

function doubled(column: Int32Array): Int32Array<ArrayBuffer> {
  const grown = new Int32Array(column.length * 2);
  grown.set(column);
  return grown;
}
