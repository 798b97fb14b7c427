/**
 * A committed state put together from the slices of a snapshot (R21, layout.ts), beside the live one: it takes the live
 * one's place only when it is whole and its checksum right. Whatever is wrong with a slice ends it, and frees its memory.
 */
import type { Arena } from '../../base/arena.ts';
import { assert } from '../../base/assert.ts';
import { ByteReader } from '../../base/byte-reader.ts';
import { readU32 } from '../../base/bytes.ts';
import { crc32 } from '../../base/crc32.ts';
import type { PartitionState } from '../partition-state.ts';
import { ControlLoader } from './control-loader.ts';
import { KeyLoader } from './key-loader.ts';
import * as layout from './layout.ts';
import { Part } from './layout.ts';
import { LossLoader } from './loss-parts.ts';
import { expect } from './malformed.ts';
import type { SnapshotHead } from './state-snapshot.ts';

/** Order of the sections; parts of one section may alternate. */
const Section = {
  none: 0,
  head: 1,
  freeSlots: 2,
  sessions: 3,
  locks: 4,
  held: 5,
  waits: 6,
  freeRequests: 7,
  losses: 8,
  keys: 9,
  end: 10,
};

const sectionOf: Readonly<Record<number, number>> = {
  [Part.head]: Section.head,
  [Part.freeSlots]: Section.freeSlots,
  [Part.session]: Section.sessions,
  [Part.record]: Section.sessions,
  [Part.lock]: Section.locks,
  [Part.request]: Section.locks,
  [Part.conversion]: Section.locks,
  [Part.held]: Section.held,
  [Part.waits]: Section.waits,
  [Part.freeRequests]: Section.freeRequests,
  [Part.losses]: Section.losses,
  [Part.loss]: Section.losses,
  [Part.entry]: Section.keys,
  [Part.more]: Section.keys,
  [Part.end]: Section.end,
};

export class StateLoader {
  /** From the first slice on. */
  head: SnapshotHead | null = null;
  #state: PartitionState | null;
  readonly #control: ControlLoader;
  readonly #keys: KeyLoader;
  readonly #losses: LossLoader;
  #sequence = 0;
  #checksum = 0;
  #section: number = Section.none;
  #done = false;

  /** `makeState` makes an empty state whose keys lie in `arena`. */
  constructor(arena: Arena, makeState: (arena: Arena) => PartitionState) {
    const state = makeState(arena);
    this.#state = state;
    this.#control = new ControlLoader(state);
    this.#keys = new KeyLoader(state.keys);
    this.#losses = new LossLoader(state.losses);
  }

  /** Whole, and its checksum right. */
  get done(): boolean {
    return this.#done;
  }

  /** Memory held. */
  get bytes(): number {
    return this.#state === null ? 0 : this.#state.bytes + this.#keys.bytes;
  }

  /**
   * The next slice.
   * @throws KeyvalError KV_BAD_FRAME when it is not what was given out as the next one; all memory is free then
   */
  take(slice: Uint8Array): void {
    try {
      this.#take(slice);
    } catch (error) {
      this.abandon();
      throw error;
    }
  }

  /** The loaded state, once, which is the caller's from now on. */
  state(): PartitionState {
    const state = this.#state;
    assert(this.done && state !== null, 'snapshot: only a whole state is handed over, and once');
    this.#state = null;
    return state;
  }

  /** Frees everything. */
  abandon(): void {
    this.#keys.abandon();
    if (this.#state === null) return;
    this.#state.discard();
    this.#state = null;
    this.#done = false;
  }

  #take(slice: Uint8Array): void {
    expect(this.#state !== null && !this.done, 'a slice comes behind the end, or after a failure');
    expect(slice.length >= layout.SLICE_HEAD_BYTES, `a slice of ${slice.length} bytes`);
    const sequence = readU32(slice, 4);
    expect(sequence === this.#sequence, `slice ${sequence} comes where ${this.#sequence} is due`);
    this.#checksum = crc32(slice, 4, slice.length, this.#checksum);
    expect(readU32(slice, 0) === this.#checksum, `slice ${sequence} is damaged`);
    this.#sequence += 1;
    let at = layout.SLICE_HEAD_BYTES;
    while (at < slice.length) {
      const start = at + layout.PART_HEAD_BYTES;
      expect(start <= slice.length, 'a part is cut short');
      const end = start + readU32(slice, at + 1);
      expect(end <= slice.length, 'a part is cut short');
      this.#part(slice[at] as number, slice, start, end);
      at = end;
    }
  }

  #part(tag: number, bytes: Uint8Array, start: number, end: number): void {
    this.#enter(sectionOf[tag] ?? Section.none);
    switch (tag) {
      case Part.head:
        return this.#readHead(bytes, start, end);
      case Part.freeSlots:
        return this.#control.freeSlots(bytes, start, end);
      case Part.session:
        return this.#control.session(bytes, start, end);
      case Part.record:
        return this.#control.record(bytes, start, end);
      case Part.lock:
        return this.#control.lock(bytes, start, end);
      case Part.request:
        return this.#control.request(bytes, start, end);
      case Part.conversion:
        return this.#control.conversion(bytes, start, end);
      case Part.held:
        return this.#control.held(bytes, start, end);
      case Part.waits:
        return this.#control.waits(bytes, start, end);
      case Part.freeRequests:
        return this.#control.freeRequests(bytes, start, end);
      case Part.losses:
        return this.#losses.begin(bytes, start, end);
      case Part.loss:
        return this.#losses.loss(bytes, start, end);
      case Part.entry:
        return this.#keys.entry(bytes, start, end);
      case Part.more:
        return this.#keys.more(bytes, start, end);
      case Part.end:
        return this.#readEnd(bytes, start, end);
    }
  }

  #enter(section: number): void {
    const before = this.#section;
    if (before === Section.losses && section !== before) this.#losses.done();
    expect(before !== Section.none || section === Section.head, 'it does not begin with its head');
    if (section === before && section !== Section.head) return;
    expect(section > before, 'a part stands where it cannot stand');
    if (before <= Section.sessions && section > Section.sessions) this.#control.sessionsDone();
    if (before <= Section.freeRequests && section > Section.freeRequests) this.#control.locksDone();
    this.#section = section;
  }

  #readHead(bytes: Uint8Array, start: number, end: number): void {
    const reader = new ByteReader(bytes, start, end);
    const version = reader.u8();
    expect(version === layout.FORMAT_VERSION, `format ${version}; this node knows ${layout.FORMAT_VERSION}`);
    const partition = reader.u16();
    const epoch = reader.u32();
    const operation = reader.u32() | 0;
    const position = reader.u48();
    const timeMs = reader.u48();
    const state = this.#state as PartitionState;
    state.epoch = reader.u32();
    state.operation = reader.u32() | 0;
    state.payloadHigh = reader.u32() | 0;
    state.payloadLow = reader.u32() | 0;
    const epochs: { epoch: number; start: number }[] = [];
    while (reader.left >= layout.EPOCH_BYTES) epochs.push({ epoch: reader.u32(), start: reader.u48() });
    expect(reader.isComplete, 'its head has the wrong length');
    state.restoredAt(epoch, operation, timeMs);
    this.head = { partition, epoch, operation, position, timeMs, epochs };
  }

  #readEnd(bytes: Uint8Array, start: number, end: number): void {
    const { attachments, locks, keys } = this.#state as PartitionState;
    const reader = new ByteReader(bytes, start, end);
    const told = [reader.u32(), reader.u32(), reader.u32(), reader.u32()];
    expect(reader.isComplete && end === bytes.length, 'something stands behind its end');
    expect(this.#keys.isWhole, 'the value of its last key is cut short');
    const found = [attachments.size, locks.size, locks.waiting, keys.size];
    expect(told.join() === found.join(), `it has ${found} sessions, locks, waiters, keys; it announced ${told}`);
    this.#done = true;
  }
}
