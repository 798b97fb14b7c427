/**
 * One state of a table, read in pages while the table goes on changing. Slots do not move (key-table.ts), so a cursor
 * walks them; every entry carries the revision that wrote it, so what is newer than the snapshot is passed over. An entry
 * that the walk has not met yet is set aside before it is overwritten or removed, once: what stands in its slot
 * afterwards is newer.
 *
 *     slots   ┌─────────────────────┬──────────────────────────────┐
 *             │ walked: may change  │ to walk: old ones are copied │ ──► set aside, handed out before the walk goes on
 *             └─────────────────────┴──────────────────────────────┘
 *                                   cursor
 *
 * So every key that was there is handed out exactly once, with the value, revision and deadline it had.
 */
import { assert } from '../base/assert.ts';
import { copyBytes, readU16, readU32, writeU16, writeU32 } from '../base/bytes.ts';
import type { ChangeWatcher, KeyTable } from './key-table.ts';

/** Takes what a snapshot hands out. The arrays are valid until it returns, a value that is an array of its own for ever. */
export interface EntrySink {
  /** False: no more for now. */
  entry(
    key: Uint8Array,
    keyStart: number,
    keyEnd: number,
    value: Uint8Array,
    valueStart: number,
    valueEnd: number,
    epoch: number,
    operation: number,
    deadlineMs: number,
  ): boolean;
}

export const SnapshotState = {
  open: 0,
  /** Everything has been handed out. */
  done: 1,
  /** There was no memory to set an entry aside: the state is lost. */
  noRoom: 2,
  /** The whole table was emptied: the state is lost. */
  cleared: 3,
  closed: 4,
} as const;

/** Slots looked at in one page: newer entries and free slots cost time, too. */
const VISITS_PER_PAGE_MAX = 10_000;
const CHUNK_BYTES = 64 * 1024;
/** Of an entry set aside: keyLength u16 | isLarge u16 | valueLength u32 | epoch u32 | operation u32 | deadline u64. */
const HEAD_BYTES = 24;
const TWO_TO_32 = 0x1_0000_0000;

interface Chunk {
  readonly bytes: Uint8Array;
  length: number;
}

export class TableSnapshot implements ChangeWatcher {
  readonly epoch: number;
  readonly operation: number;
  /** Keys in it. */
  readonly keys: number;
  state: number = SnapshotState.open;
  /** Slots that the last page looked at. */
  visits = 0;
  readonly #table: KeyTable;
  readonly #reserve: (bytes: number) => boolean;
  readonly #slotsEnd: number;
  #cursor = 0;
  /** Entries set aside, the oldest first; large values beside them, in the same order. */
  readonly #chunks: Chunk[] = [];
  readonly #large: Uint8Array[] = [];
  #readAt = 0;
  #bytes = 0;

  /**
   * The table as it is now, which must hold no entry newer than (epoch, operation); the entries to come must be newer.
   * `reserve` says whether there is memory for so many bytes.
   */
  constructor(table: KeyTable, epoch: number, operation: number, reserve: (bytes: number) => boolean) {
    this.#table = table;
    this.epoch = epoch;
    this.operation = operation;
    this.keys = table.size;
    this.#reserve = reserve;
    this.#slotsEnd = table.capacity;
    table.watch(this);
  }

  /** Memory held by what was set aside. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Hands out entries until the sink has enough, the page is full, or everything has been handed out. Gives the state. */
  page(sink: EntrySink): number {
    if (this.state !== SnapshotState.open) return this.state;
    const cursor = this.#cursor;
    this.visits = 0;
    if (this.#handOutAside(sink) && this.#walk(sink)) this.#end(SnapshotState.done);
    this.visits = this.#cursor - cursor;
    return this.state;
  }

  /** Nobody wants the rest. */
  close(): void {
    if (this.state === SnapshotState.open) this.#end(SnapshotState.closed);
  }

  // ---- told by the table

  beforeChange(slot: number): void {
    if (slot < this.#cursor || this.#isNewer(slot)) return;
    if (!this.#setAside(slot)) this.#end(SnapshotState.noRoom);
  }

  cleared(): void {
    this.#end(SnapshotState.cleared);
  }

  #end(state: number): void {
    this.state = state;
    this.#chunks.length = 0;
    this.#large.length = 0;
    this.#bytes = 0;
    this.#table.unwatch(this);
  }

  #isNewer(slot: number): boolean {
    const epoch = this.#table.epoch(slot);
    return epoch === this.epoch ? this.#table.operation(slot) > this.operation : epoch > this.epoch;
  }

  // ---- the walk

  /** True when the end was reached. */
  #walk(sink: EntrySink): boolean {
    const table = this.#table;
    const end = Math.min(this.#slotsEnd, this.#cursor + VISITS_PER_PAGE_MAX);
    while (this.#cursor < end) {
      const slot = table.next(this.#cursor, end);
      this.#cursor = slot < 0 ? end : slot + 1;
      if (slot < 0) break;
      if (this.#isNewer(slot)) continue;
      const key = table.keyOffset(slot);
      const value = table.valueOffset(slot);
      const goOn = sink.entry(
        table.keyChunk(slot),
        key,
        key + table.keyLength(slot),
        table.valueChunk(slot),
        value,
        value + table.valueLength(slot),
        table.epoch(slot),
        table.operation(slot),
        table.deadlineMs(slot),
      );
      if (!goOn) return false;
    }
    return this.#cursor >= this.#slotsEnd;
  }

  // ---- entries set aside

  #setAside(slot: number): boolean {
    const table = this.#table;
    const keyLength = table.keyLength(slot);
    const large = table.largeValue(slot);
    const valueLength = table.valueLength(slot);
    const chunk = this.#room(HEAD_BYTES + keyLength + (large === null ? valueLength : 0), large?.length ?? 0);
    if (chunk === null) return false;
    const { bytes, length: at } = chunk;
    const deadlineMs = table.deadlineMs(slot);
    writeU16(bytes, at, keyLength);
    writeU16(bytes, at + 2, large === null ? 0 : 1);
    writeU32(bytes, at + 4, valueLength);
    writeU32(bytes, at + 8, table.epoch(slot));
    writeU32(bytes, at + 12, table.operation(slot));
    writeU32(bytes, at + 16, Math.floor(deadlineMs / TWO_TO_32));
    writeU32(bytes, at + 20, deadlineMs % TWO_TO_32);
    table.copyKey(slot, bytes, at + HEAD_BYTES);
    chunk.length = at + HEAD_BYTES + keyLength;
    if (large !== null) this.#large.push(large);
    else {
      const from = table.valueOffset(slot);
      copyBytes(table.valueChunk(slot), from, from + valueLength, bytes, chunk.length);
      chunk.length += valueLength;
    }
    return true;
  }

  /** A chunk with room for `needed` bytes; null when there is no memory for it, and for the large value beside it. */
  #room(needed: number, largeBytes: number): Chunk | null {
    const last = this.#chunks.at(-1);
    const fits = last !== undefined && last.length + needed <= last.bytes.length;
    const chunkBytes = fits ? 0 : Math.max(CHUNK_BYTES, needed);
    if (chunkBytes + largeBytes > 0 && !this.#reserve(chunkBytes + largeBytes)) return null;
    this.#bytes += chunkBytes + largeBytes;
    if (fits) return last;
    const chunk = { bytes: new Uint8Array(chunkBytes), length: 0 };
    this.#chunks.push(chunk);
    return chunk;
  }

  /** True when nothing is left aside. */
  #handOutAside(sink: EntrySink): boolean {
    for (let chunk = this.#chunks[0]; chunk !== undefined; chunk = this.#chunks[0]) {
      while (this.#readAt < chunk.length) if (!this.#handOut(chunk, sink)) return false;
      this.#chunks.shift();
      this.#bytes -= chunk.bytes.length;
      this.#readAt = 0;
    }
    return true;
  }

  #handOut({ bytes }: Chunk, sink: EntrySink): boolean {
    const at = this.#readAt;
    const keyStart = at + HEAD_BYTES;
    const keyEnd = keyStart + readU16(bytes, at);
    const valueLength = readU32(bytes, at + 4);
    const epoch = readU32(bytes, at + 8);
    const operation = readU32(bytes, at + 12);
    const deadlineMs = readU32(bytes, at + 16) * TWO_TO_32 + readU32(bytes, at + 20);
    if (readU16(bytes, at + 2) === 0) {
      this.#readAt = keyEnd + valueLength;
      return sink.entry(bytes, keyStart, keyEnd, bytes, keyEnd, this.#readAt, epoch, operation, deadlineMs);
    }
    this.#readAt = keyEnd;
    const large = this.#large.shift();
    assert(large !== undefined, 'a large value was set aside with its key');
    this.#bytes -= large.length;
    return sink.entry(bytes, keyStart, keyEnd, large, 0, large.length, epoch, operation, deadlineMs);
  }
}
