/**
 * The keys of one partition: key → value, revision, deadline, by stable slot. It holds committed state and decides
 * nothing: conditions are judged and expiries committed by the caller (replication.md R16, R23).
 *
 * Key, revision and value lie in one block of an arena that all tables of a node share (key-index.ts, entry.ts); a value
 * that does not fit is an array of its own. Such an array is never written to: whoever is still sending a large value
 * that was replaced or removed keeps it whole. Everything else read from a slot is valid until the next change.
 *
 * No method allocates, except where columns double, a chunk is opened, or a large value arrives.
 */

import type { Arena } from '../base/arena.ts';
import { copyBytes } from '../base/bytes.ts';
import { indexBytesNeeded, KeyIndex } from '../base/key-index.ts';
import {
  ENTRY_HEADER_BYTES,
  readEpoch,
  readOperation,
  readValueLength,
  valueFitsBlock,
  writeEntryHeader,
} from './entry.ts';
import { Expiration } from './expiration.ts';

const NONE = -1;

/** Somebody who is told before an entry changes (table-snapshot.ts). */
export interface ChangeWatcher {
  /** Memory it holds on behalf of the table. */
  readonly bytes: number;
  /** The entry in `slot`, in use, is about to be overwritten or removed. */
  beforeChange(slot: number): void;
  /** Everything is gone at once. */
  cleared(): void;
}

/** What the engine adds to a large value: its buffer, the view of it, and the place in the map. */
const LARGE_VALUE_OVERHEAD_BYTES = 256;

/** A deadline in a column that has just doubled, and its pair in a heap that has just doubled. */
const DEADLINE_BYTES_MAX = 2 * 8 + 2 * 12;

export class KeyTable {
  readonly #index: KeyIndex;
  readonly #expiration: Expiration;
  /** By slot; there is one exactly for the values that do not fit their block. */
  readonly #largeValues: Map<number, Uint8Array>;
  #largeBytes: number;
  /** Null while nobody watches, so that a write pays for one look. */
  #watchers: ChangeWatcher[] | null;

  constructor(arena: Arena) {
    this.#index = new KeyIndex(arena);
    this.#expiration = new Expiration();
    this.#largeValues = new Map();
    this.#largeBytes = 0;
    this.#watchers = null;
  }

  /** Keys in it. */
  get size(): number {
    return this.#index.size;
  }

  /** Every slot is below this; it grows with the keys. */
  get capacity(): number {
    return this.#index.capacity;
  }

  /** Bytes held: blocks with the size of their class, large values, columns, the heap of deadlines, and what watchers hold. */
  get bytes(): number {
    return this.#index.bytes + this.#largeBytes + this.#expiration.bytes + this.#watchedBytes;
  }

  get #watchedBytes(): number {
    return this.#watchers === null ? 0 : this.#watchers.reduce((sum, watcher) => sum + watcher.bytes, 0);
  }

  /** From now on `watcher` is told. */
  watch(watcher: ChangeWatcher): void {
    this.#watchers = [...(this.#watchers ?? []), watcher];
  }

  unwatch(watcher: ChangeWatcher): void {
    const others = (this.#watchers ?? []).filter((other) => other !== watcher);
    this.#watchers = others.length === 0 ? null : others;
  }

  #tell(watchers: readonly ChangeWatcher[], slot: number): void {
    for (const watcher of watchers) watcher.beforeChange(slot);
  }

  /** The slot of the key `key[start, end)`, or −1. */
  find(key: Uint8Array, start: number, end: number): number {
    return this.#index.find(key, start, end);
  }

  /**
   * Sets a key (1 to 65,535 bytes) to a copy of `value[valueStart, valueEnd)`, which must not lie in a block of this arena.
   * @param deadlineMs log time from which the key is due, or 0
   * @returns its slot: the one it had, if it was there
   */
  put(
    key: Uint8Array,
    keyStart: number,
    keyEnd: number,
    value: Uint8Array,
    valueStart: number,
    valueEnd: number,
    epoch: number,
    operation: number,
    deadlineMs: number,
  ): number {
    const valueLength = valueEnd - valueStart;
    if (!valueFitsBlock(keyEnd - keyStart, valueLength)) {
      const copy = new Uint8Array(valueLength);
      copyBytes(value, valueStart, valueEnd, copy, 0);
      return this.putLarge(key, keyStart, keyEnd, copy, epoch, operation, deadlineMs);
    }
    const slot = this.#place(key, keyStart, keyEnd, ENTRY_HEADER_BYTES + valueLength);
    this.#stamp(slot, epoch, operation, valueLength, deadlineMs);
    copyBytes(value, valueStart, valueEnd, this.#index.chunk(slot), this.#blockValueOffset(slot));
    return slot;
  }

  /**
   * The same without a copy: `value`, all of it, becomes the table's own and must not be changed any more. (A value that
   * fits a block is copied all the same.)
   */
  putLarge(
    key: Uint8Array,
    keyStart: number,
    keyEnd: number,
    value: Uint8Array,
    epoch: number,
    operation: number,
    deadlineMs: number,
  ): number {
    if (valueFitsBlock(keyEnd - keyStart, value.length)) {
      return this.put(key, keyStart, keyEnd, value, 0, value.length, epoch, operation, deadlineMs);
    }
    const slot = this.#place(key, keyStart, keyEnd, ENTRY_HEADER_BYTES);
    this.#stamp(slot, epoch, operation, value.length, deadlineMs);
    this.#largeValues.set(slot, value);
    this.#largeBytes += largeValueBytes(value.length);
    return slot;
  }

  /** Forgets the key of a slot in use; the slot may come back for another key. */
  remove(slot: number): void {
    if (this.#watchers !== null) this.#tell(this.#watchers, slot);
    this.#dropLargeValue(slot);
    this.#expiration.set(slot, 0, this.#index.capacity);
    this.#index.remove(slot);
  }

  /** Forgets everything and gives the blocks back to the arena. */
  clear(): void {
    for (const watcher of this.#watchers ?? []) watcher.cleared();
    this.#index.clear();
    this.#expiration.clear();
    this.#largeValues.clear();
    this.#largeBytes = 0;
  }

  /** The least slot in use that is ≥ `slot`, or −1. A key that stays while a caller walks is met exactly once. */
  next(slot: number, end?: number): number {
    return this.#index.next(slot, end);
  }

  keyLength(slot: number): number {
    return this.#index.keyLength(slot);
  }

  /** The array that holds the key, from `keyOffset(slot)` on. */
  keyChunk(slot: number): Uint8Array {
    return this.#index.keyChunk(slot);
  }

  keyOffset(slot: number): number {
    return this.#index.keyOffset(slot);
  }

  copyKey(slot: number, target: Uint8Array, at: number): void {
    this.#index.copyKey(slot, target, at);
  }

  keyStartsWith(slot: number, prefix: Uint8Array, start: number, end: number): boolean {
    return this.#index.keyStartsWith(slot, prefix, start, end);
  }

  valueLength(slot: number): number {
    return readValueLength(this.#index.chunk(slot), this.#index.payloadOffset(slot));
  }

  copyValue(slot: number, target: Uint8Array, at: number): void {
    const chunk = this.#index.chunk(slot);
    const header = this.#index.payloadOffset(slot);
    const length = readValueLength(chunk, header);
    if (valueFitsBlock(this.#index.keyLength(slot), length)) {
      const start = header + ENTRY_HEADER_BYTES;
      copyBytes(chunk, start, start + length, target, at);
    } else {
      copyBytes(this.#largeValues.get(slot) as Uint8Array, 0, length, target, at);
    }
  }

  /** The array of a large value, which stays as it is for ever; null when the value lies in a block. */
  largeValue(slot: number): Uint8Array | null {
    return this.#isLarge(slot) ? (this.#largeValues.get(slot) as Uint8Array) : null;
  }

  /** The array that holds the value, from `valueOffset(slot)` on. */
  valueChunk(slot: number): Uint8Array {
    return this.largeValue(slot) ?? this.#index.chunk(slot);
  }

  valueOffset(slot: number): number {
    return this.#isLarge(slot) ? 0 : this.#blockValueOffset(slot);
  }

  /** Epoch of the revision that wrote the value, 0 to 2³² − 1. */
  epoch(slot: number): number {
    return readEpoch(this.#index.chunk(slot), this.#index.payloadOffset(slot));
  }

  /** Operation number of that revision, 0 to 2³² − 1. */
  operation(slot: number): number {
    return readOperation(this.#index.chunk(slot), this.#index.payloadOffset(slot));
  }

  /** Log time from which the key is due; 0: never. */
  deadlineMs(slot: number): number {
    return this.#expiration.deadlineMs(slot);
  }

  /** A slot whose deadline is at or before `nowMs`, the earliest such, left as it is; −1 when there is none. */
  dueSlot(nowMs: number): number {
    return this.#expiration.dueSlot(nowMs);
  }

  /** As many due slots as fit into `slots`, the earliest first, each once, left as they are. Returns how many. */
  dueSlots(nowMs: number, slots: Int32Array): number {
    return this.#expiration.dueSlots(nowMs, slots);
  }

  /** The first deadline of all keys; Infinity when none has one. */
  earliestDeadlineMs(): number {
    return this.#expiration.earliestDeadlineMs();
  }

  /** The slot of the key with room for `payloadBytes`; a large value it had is dropped. */
  #place(key: Uint8Array, start: number, end: number, payloadBytes: number): number {
    const slot = this.#index.find(key, start, end);
    if (slot === NONE) return this.#index.insert(key, start, end, payloadBytes);
    if (this.#watchers !== null) this.#tell(this.#watchers, slot);
    this.#dropLargeValue(slot);
    this.#index.resizePayload(slot, payloadBytes);
    return slot;
  }

  #stamp(slot: number, epoch: number, operation: number, valueLength: number, deadlineMs: number): void {
    writeEntryHeader(this.#index.chunk(slot), this.#index.payloadOffset(slot), epoch, operation, valueLength);
    this.#expiration.set(slot, deadlineMs, this.#index.capacity);
  }

  #isLarge(slot: number): boolean {
    return !valueFitsBlock(this.#index.keyLength(slot), this.valueLength(slot));
  }

  #dropLargeValue(slot: number): void {
    if (!this.#isLarge(slot)) return;
    this.#largeBytes -= largeValueBytes(this.valueLength(slot));
    this.#largeValues.delete(slot);
  }

  #blockValueOffset(slot: number): number {
    return this.#index.payloadOffset(slot) + ENTRY_HEADER_BYTES;
  }
}

/** Upper bound of what `bytes` grows by, over many puts, for each new key of this size; with or without a deadline. */
export function bytesNeeded(keyLength: number, valueLength: number): number {
  const fits = valueFitsBlock(keyLength, valueLength);
  const payloadBytes = ENTRY_HEADER_BYTES + (fits ? valueLength : 0);
  return indexBytesNeeded(keyLength, payloadBytes) + DEADLINE_BYTES_MAX + (fits ? 0 : largeValueBytes(valueLength));
}

function largeValueBytes(length: number): number {
  return length + LARGE_VALUE_OVERHEAD_BYTES;
}
