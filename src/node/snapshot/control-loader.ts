/**
 * Puts sessions, locks and waiters back from the parts of a snapshot (layout.ts). Numbers are believed only when all of
 * them are there: those in use and the free ones must be 0, 1, 2, … without a gap.
 */
import { ByteReader } from '../../base/byte-reader.ts';
import { KEY_BYTES_MAX } from '../../protocol/limits.ts';
import { type Attachment, isKept, RECORDS_MAX, RecordStatus } from '../../replication/attachment.ts';
import type { PartitionState } from '../partition-state.ts';
import * as layout from './layout.ts';
import { expect } from './malformed.ts';

interface Waiter {
  readonly number: number;
  readonly lock: number;
  readonly attachment: number;
  readonly sequence: number;
  readonly sinceMs: number;
}

const NONE = -1;
const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });

export class ControlLoader {
  readonly #state: PartitionState;
  readonly #freeSlots: number[] = [];
  #session: Attachment | null = null;
  #lock: number = NONE;
  readonly #waiters: Waiter[] = [];
  readonly #waits: number[] = [];
  readonly #freeWaiters: number[] = [];

  constructor(state: PartitionState) {
    this.#state = state;
  }

  freeSlots(bytes: Uint8Array, start: number, end: number): void {
    readList(bytes, start, end, this.#freeSlots);
  }

  session(bytes: Uint8Array, start: number, end: number): void {
    const reader = new ByteReader(bytes, start, end);
    const slot = reader.u32();
    const epoch = reader.u32();
    const operation = reader.u32() | 0;
    const mark = reader.u32() | 0;
    const leaseMs = reader.u32();
    const session = readHex(reader, layout.SESSION_ID_BYTES);
    const name = utf8.decode(reader.bytes(reader.left));
    expect(!reader.isShort, 'a session is cut short');
    const { attachments } = this.#state;
    const isNew =
      attachments.atSlot(slot) === null &&
      attachments.ofSession(session) === undefined &&
      attachments.find(epoch, operation) === undefined;
    expect(isNew, `session ${session} comes twice`);
    this.#session = attachments.restore(slot, epoch, operation, session, name, leaseMs, mark);
  }

  record(bytes: Uint8Array, start: number, end: number): void {
    const reader = new ByteReader(bytes, start, end);
    const ahead = reader.u16();
    const status = reader.u8();
    const epoch = reader.u32();
    const operation = reader.u32() | 0;
    const high = reader.u32() | 0;
    const low = reader.u32() | 0;
    expect(reader.isComplete, 'a record has the wrong length');
    const session = this.#session;
    expect(session !== null && ahead < RECORDS_MAX, 'a record without a place');
    expect(isKept(status), `a record of status ${status}`);
    const sequence = (session.mark + ahead) | 0;
    expect(session.status(sequence) === RecordStatus.none, 'a record comes twice');
    session.record(sequence, session.mark, status, epoch, operation, high, low);
  }

  /** All sessions are there. */
  sessionsDone(): void {
    const slots = [...this.#state.attachments].map(({ slot }) => slot);
    expect(isNumbering(slots, this.#freeSlots), 'the slots of sessions have gaps');
    this.#state.attachments.restoreFreeSlots(this.#freeSlots);
  }

  lock(bytes: Uint8Array, start: number, end: number): void {
    const reader = new ByteReader(bytes, start, end);
    const holder = reader.u32();
    const sequence = reader.u32() | 0;
    const epoch = reader.u32();
    const operation = reader.u32() | 0;
    const sinceMs = reader.u48();
    const key = reader.bytes(reader.left);
    expect(!reader.isShort && key.length > 0 && key.length <= KEY_BYTES_MAX, 'a lock without a key');
    const { attachments, locks } = this.#state;
    expect(attachments.atSlot(holder) !== null, 'a lock of nobody');
    expect(locks.find(key, 0, key.length) < 0, 'a lock comes twice');
    this.#lock = locks.restoreLock(key, holder, sequence, epoch, operation, sinceMs);
  }

  waiter(bytes: Uint8Array, start: number, end: number): void {
    const reader = new ByteReader(bytes, start, end);
    const number = reader.u32();
    const attachment = reader.u32();
    const sequence = reader.u32() | 0;
    const sinceMs = reader.u48();
    expect(reader.isComplete, 'a waiter has the wrong length');
    const lock = this.#lock;
    expect(lock !== NONE && this.#state.attachments.atSlot(attachment) !== null, 'a waiter without lock or session');
    this.#waiters.push({ number, lock, attachment, sequence, sinceMs });
  }

  waits(bytes: Uint8Array, start: number, end: number): void {
    readList(bytes, start, end, this.#waits);
  }

  freeWaiters(bytes: Uint8Array, start: number, end: number): void {
    readList(bytes, start, end, this.#freeWaiters);
  }

  /** All locks are there, with those who wait. */
  locksDone(): void {
    const { locks } = this.#state;
    const numbers = this.#waiters.map(({ number }) => number);
    expect(isNumbering(numbers, this.#freeWaiters), 'the numbers of waiters have gaps');
    const isSame = this.#waits.length === numbers.length && isNumbering(this.#waits, this.#freeWaiters);
    expect(isSame, 'the waits of sessions are not the waiters of locks');
    for (const { number, lock, attachment, sequence, sinceMs } of this.#waiters) {
      locks.restoreWaiter(number, lock, attachment, sequence, sinceMs);
    }
    for (const waiter of this.#waits) locks.restoreWait(waiter);
    locks.restoreFreeWaiters(this.#freeWaiters);
  }
}

function readList(bytes: Uint8Array, start: number, end: number, into: number[]): void {
  const reader = new ByteReader(bytes, start, end);
  while (reader.left >= 4) into.push(reader.u32());
  expect(reader.isComplete, 'a list of numbers is cut short');
}

/** Whether both together are the numbers from 0 on, each once. */
function isNumbering(used: readonly number[], free: readonly number[]): boolean {
  const seen = new Uint8Array(used.length + free.length);
  for (const numbers of [used, free]) {
    for (const number of numbers) {
      if (number >= seen.length || seen[number] === 1) return false;
      seen[number] = 1;
    }
  }
  return true;
}

function readHex(reader: ByteReader, bytes: number): string {
  let digits = '';
  for (let read = 0; read < bytes; read += 4) digits += reader.u32().toString(16).padStart(8, '0');
  return digits;
}
