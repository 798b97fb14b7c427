/**
 * The committed state of a partition at one revision, given out in bounded slices while further entries are applied to it
 * (R21). Sessions and locks are copied at once; a key is copied before it changes, unless it was given out already
 * (table-snapshot.ts).
 *
 *     ┌──────┬────────────────────┬────────────────────────────────┬─────┐
 *     │ head │ sessions and locks │ keys, a page of the table each │ end │
 *     └──────┴────────────────────┴────────────────────────────────┴─────┘
 */
import { assert } from '../../base/assert.ts';
import { ByteWriter } from '../../base/byte-writer.ts';
import { readU32, writeU32 } from '../../base/bytes.ts';
import { crc32 } from '../../base/crc32.ts';
import { valueFitsBlock } from '../../store/entry.ts';
import { type EntrySink, SnapshotState, TableSnapshot } from '../../store/table-snapshot.ts';
import type { PartitionState } from '../partition-state.ts';
import { beginPart, controlParts } from './control-parts.ts';
import * as layout from './layout.ts';
import { Part } from './layout.ts';

export interface SnapshotHead {
  readonly partition: number;
  /** Revision of the entry applied last, its place in the log, and its time. */
  readonly epoch: number;
  readonly operation: number;
  readonly position: number;
  readonly timeMs: number;
  /** Where epochs begin in the log. */
  readonly epochs: readonly { readonly epoch: number; readonly start: number }[];
}

/** A slice is never asked to be smaller. */
const SLICE_BYTES_MIN = 128;
const TWO_TO_32 = 0x1_0000_0000;
const NOTHING: Uint8Array = new Uint8Array(0);

export class StateSnapshot implements EntrySink {
  readonly #table: TableSnapshot;
  /** Parts made at once, those before `#preparedAt` given out. */
  #prepared: Uint8Array = NOTHING;
  #preparedAt = 0;
  readonly #end: Uint8Array;
  /** Of a value that was cut: what is still to be given out. */
  #rest: Uint8Array = NOTHING;
  #slice: ByteWriter = new ByteWriter();
  #sliceEnd = 0;
  #sequence = 0;
  #checksum = 0;
  #refused = false;
  #ended = false;

  /**
   * The state as it is now; `head` names the entry it applied last. `reserve` says whether there is memory for so many
   * bytes, for what is copied now and for what is set aside later.
   */
  constructor(state: PartitionState, head: SnapshotHead, reserve: (bytes: number) => boolean = () => true) {
    const { appliedEpoch, appliedOperation } = state;
    assert(head.epoch === appliedEpoch && head.operation === appliedOperation, 'snapshot: its head names its revision');
    const control = controlParts(state);
    this.#prepared = joined(headPart(state, head), control);
    this.#end = endPart(state);
    this.#table = new TableSnapshot(state.keys, appliedEpoch, appliedOperation, reserve);
    if (!reserve(this.#prepared.length)) {
      this.#refused = true;
      this.close();
    }
  }

  /** Memory held, besides what is set aside of the keys, which counts with their table. */
  get bytes(): number {
    return this.#prepared.length + this.#rest.length;
  }

  /** It could not keep the state, for want of memory or because the state was emptied: begin anew. */
  get failed(): boolean {
    const { state } = this.#table;
    return this.#refused || state === SnapshotState.noRoom || state === SnapshotState.cleared;
  }

  /**
   * The next slice, which is the caller's: at most about `bytesMax` bytes (a key is not cut, and has up to 64 KiB). Null
   * when everything was given out, and when it has failed.
   */
  next(bytesMax: number): Uint8Array | null {
    if (this.failed) this.close();
    if (this.#ended) return null;
    this.#beginSlice(bytesMax);
    this.#givePrepared();
    if (this.#preparedAt === this.#prepared.length) {
      this.#prepared = NOTHING;
      this.#preparedAt = 0;
      this.#giveKeys();
    }
    return this.failed ? null : this.#finishSlice();
  }

  /** Nobody wants the rest. */
  close(): void {
    this.#table.close();
    this.#prepared = NOTHING;
    this.#preparedAt = 0;
    this.#rest = NOTHING;
    this.#slice = new ByteWriter();
    this.#ended = true;
  }

  // ---- slices

  #beginSlice(bytesMax: number): void {
    this.#slice = new ByteWriter();
    this.#sliceEnd = Math.max(SLICE_BYTES_MIN, bytesMax);
    this.#slice.u32(0); // the checksum, when all is there
    this.#slice.u32(this.#sequence);
    this.#sequence += 1;
  }

  #finishSlice(): Uint8Array {
    const slice = this.#slice.finish();
    this.#checksum = crc32(slice, 4, slice.length, this.#checksum);
    writeU32(slice, 0, this.#checksum);
    return slice;
  }

  #room(): number {
    return this.#sliceEnd - this.#slice.length;
  }

  /** As many parts as fit, one at least. */
  #givePrepared(): void {
    const bytes = this.#prepared;
    const from = this.#preparedAt;
    let to = from;
    while (to < bytes.length) {
      const end = to + layout.PART_HEAD_BYTES + readU32(bytes, to + 1);
      if (to > from && end - from > this.#room()) break;
      to = end;
    }
    this.#slice.bytes(bytes, from, to);
    this.#preparedAt = to;
  }

  #giveKeys(): void {
    this.#giveRest();
    if (!this.#wantsMore()) return;
    if (this.#table.page(this) !== SnapshotState.done || this.#rest.length > 0) return;
    this.#slice.bytes(this.#end);
    this.#ended = true;
  }

  #wantsMore(): boolean {
    return this.#rest.length === 0 && this.#room() > layout.PART_HEAD_BYTES + layout.ENTRY_BYTES;
  }

  #giveRest(): void {
    const room = this.#room() - layout.PART_HEAD_BYTES;
    if (this.#rest.length === 0 || room <= 0) return;
    const length = Math.min(room, this.#rest.length);
    beginPart(this.#slice, Part.more, length);
    this.#slice.bytes(this.#rest, 0, length);
    this.#rest = length === this.#rest.length ? NOTHING : this.#rest.subarray(length);
  }

  // ---- told by the table

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
  ): boolean {
    const out = this.#slice;
    const keyLength = keyEnd - keyStart;
    const valueLength = valueEnd - valueStart;
    const room = Math.max(0, this.#room() - layout.PART_HEAD_BYTES - layout.ENTRY_BYTES - keyLength);
    const given = Math.min(room, valueLength);
    beginPart(out, Part.entry, layout.ENTRY_BYTES + keyLength + given);
    out.u16(keyLength);
    out.u32(valueLength);
    out.u32(epoch);
    out.u32(operation);
    out.u32(Math.floor(deadlineMs / TWO_TO_32));
    out.u32(deadlineMs % TWO_TO_32);
    out.bytes(key, keyStart, keyEnd);
    out.bytes(value, valueStart, valueStart + given);
    if (given < valueLength) {
      // A value in a block of the table may change once this returns; a large one never does.
      const inBlock = valueFitsBlock(keyLength, valueLength);
      this.#rest = inBlock ? value.slice(valueStart + given, valueEnd) : value.subarray(valueStart + given, valueEnd);
    }
    return this.#wantsMore();
  }
}

/** With the outcome of the entry applied last, which entries that have none leave standing. */
function headPart(state: PartitionState, head: SnapshotHead): Uint8Array {
  const writer = new ByteWriter();
  beginPart(writer, Part.head, layout.HEAD_BYTES + head.epochs.length * layout.EPOCH_BYTES);
  writer.u8(layout.FORMAT_VERSION);
  writer.u16(head.partition);
  writer.u32(head.epoch);
  writer.u32(head.operation);
  writer.u48(head.position);
  writer.u48(head.timeMs);
  writer.u32(state.epoch);
  writer.u32(state.operation);
  writer.u32(state.payloadHigh);
  writer.u32(state.payloadLow);
  for (const { epoch, start } of head.epochs) {
    writer.u32(epoch);
    writer.u48(start);
  }
  return writer.finish();
}

function endPart({ attachments, locks, keys }: PartitionState): Uint8Array {
  const writer = new ByteWriter();
  beginPart(writer, Part.end, layout.END_BYTES);
  writer.u32(attachments.size);
  writer.u32(locks.size);
  writer.u32(locks.waiting);
  writer.u32(keys.size);
  return writer.finish();
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}
