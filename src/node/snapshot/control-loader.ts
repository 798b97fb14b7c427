/**
 * Puts sessions, locks and the requests for them back from the parts of a snapshot (layout.ts). Numbers are believed only when all of
 * them are there: those in use and the free ones must be 0, 1, 2, … without a gap.
 */
import { ByteReader } from '../../base/byte-reader.ts';
import { isCompatible, isDownward, LOCK_MODES } from '../../base/lock-mode.ts';
import type { Conversion } from '../../lock/conversions.ts';
import type { RequestFacts } from '../../lock/requests.ts';
import { KEY_BYTES_MAX } from '../../protocol/limits.ts';
import { type Attachment, isKept, RECORDS_MAX, RecordStatus } from '../../replication/attachment.ts';
import type { PartitionState } from '../partition-state.ts';
import * as layout from './layout.ts';
import { RequestState } from './layout.ts';
import { expect } from './malformed.ts';

interface LoadedRequest {
  readonly number: number;
  readonly state: number;
  readonly lock: number;
  readonly facts: RequestFacts;
  readonly epoch: number;
  readonly operation: number;
  readonly sinceMs: number;
  readonly delayMs: number;
  readonly untilMs: number;
  readonly label: string;
}

interface LoadedConversion {
  readonly number: number;
  readonly conversion: Conversion;
}

const NONE = -1;
const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });

export class ControlLoader {
  readonly #state: PartitionState;
  readonly #freeSlots: number[] = [];
  #session: Attachment | null = null;
  #lock: number = NONE;
  /** In which it is held, as far as has come. */
  readonly #modes: number[] = [];
  /** Until all are there: by number. */
  readonly #requests: Map<number, LoadedRequest> = new Map();
  readonly #conversions: Map<number, LoadedConversion> = new Map();
  readonly #formers: Map<number, LoadedConversion> = new Map();
  /** Requests and conversions as they came: that is how they stand in line. */
  readonly #inLine: (LoadedRequest | LoadedConversion)[] = [];
  readonly #held: number[] = [];
  readonly #waits: number[] = [];
  readonly #freeRequests: number[] = [];

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
    const key = bytes.subarray(start, end);
    expect(key.length > 0 && key.length <= KEY_BYTES_MAX, 'a lock without a key');
    const { locks } = this.#state;
    expect(locks.find(key, 0, key.length) < 0, 'a lock comes twice');
    expect(this.#lock === NONE || this.#modes.length > 0, 'a lock that nobody holds');
    this.#lock = locks.restoreLock(key);
    this.#modes.length = 0;
  }

  request(bytes: Uint8Array, start: number, end: number): void {
    const reader = new ByteReader(bytes, start, end);
    const number = reader.u32();
    const state = reader.u8();
    const attachment = reader.u32() | 0;
    const sequence = reader.u32() | 0;
    const epoch = reader.u32();
    const operation = reader.u32() | 0;
    const sinceMs = reader.u48();
    const mode = reader.u8();
    const flow = reader.u32();
    const delayMs = reader.u32();
    const untilMs = reader.u48();
    const label = utf8.decode(reader.bytes(reader.left));
    expect(!reader.isShort && mode < LOCK_MODES, 'a request for a lock is cut short');
    const lock = this.#lock;
    expect(lock !== NONE && !this.#requests.has(number), 'a request for no lock, or one that comes twice');
    expect(state <= RequestState.abandoned, `a request for a lock in state ${state}`);
    const isAbandoned = state === RequestState.abandoned;
    expect(isAbandoned === (attachment === NONE), 'a lock of nobody');
    expect(isAbandoned || this.#state.attachments.atSlot(attachment) !== null, 'a lock of nobody');
    if (state === RequestState.waiting) expect(this.#modes.length > 0, 'a wait for a lock that nobody holds');
    else {
      expect(
        this.#modes.every((other) => isCompatible(other, mode)),
        'a lock held in modes that do not go together',
      );
      this.#modes.push(mode);
    }
    const facts = { attachment, sequence, mode, flow };
    const request = { number, state, lock, facts, epoch, operation, sinceMs, delayMs, untilMs, label };
    this.#requests.set(number, request);
    this.#inLine.push(request);
  }

  conversion(bytes: Uint8Array, start: number, end: number): void {
    const reader = new ByteReader(bytes, start, end);
    const number = reader.u32();
    const isFormer = reader.u8() === 1;
    const mode = reader.u8();
    const sequence = reader.u32() | 0;
    const epoch = reader.u32();
    const operation = reader.u32() | 0;
    const sinceMs = reader.u48();
    expect(reader.isComplete && mode < LOCK_MODES, 'a conversion has the wrong length');
    const request = this.#requests.get(number);
    const isOfLock = request?.state === RequestState.granted && request.lock === this.#lock;
    expect(isOfLock, 'a conversion of what is not held');
    const [weaker, stronger] = isFormer ? [mode, request.facts.mode] : [request.facts.mode, mode];
    expect(isDownward(stronger, weaker), 'a conversion that does not go upward');
    const conversions = isFormer ? this.#formers : this.#conversions;
    expect(!conversions.has(number), 'a conversion comes twice');
    const loaded = { number, conversion: { mode, sequence, epoch, operation, sinceMs } };
    conversions.set(number, loaded);
    if (!isFormer) this.#inLine.push(loaded);
  }

  held(bytes: Uint8Array, start: number, end: number): void {
    readList(bytes, start, end, this.#held);
  }

  waits(bytes: Uint8Array, start: number, end: number): void {
    readList(bytes, start, end, this.#waits);
  }

  freeRequests(bytes: Uint8Array, start: number, end: number): void {
    readList(bytes, start, end, this.#freeRequests);
  }

  /** All locks are there, with those who hold them and those who wait. */
  locksDone(): void {
    const { locks } = this.#state;
    const all = [...this.#requests.values()];
    expect(this.#lock === NONE || this.#modes.length > 0, 'a lock that nobody holds');
    expect(isNumbering([...this.#requests.keys()], this.#freeRequests), 'the numbers of requests have gaps');
    const holding = all.filter(({ state }) => state === RequestState.granted).map(({ number }) => number);
    const waiting = all.filter(({ state }) => state === RequestState.waiting).map(({ number }) => number);
    expect(isSame(this.#held, holding), 'the locks of sessions are not those that are held');
    expect(
      isSame(this.#waits, [...waiting, ...this.#conversions.keys()]),
      'the waits of sessions are not those of locks',
    );
    for (const one of this.#inLine) {
      if ('conversion' in one) locks.restoreConversion(one.number, one.conversion);
      else this.#restore(one);
    }
    for (const { number, conversion } of this.#formers.values()) locks.restoreFormer(number, conversion);
    for (const request of this.#held) locks.restoreHeld(request);
    for (const request of this.#waits) locks.restoreWait(request);
    locks.requests.restoreFreed(this.#freeRequests);
  }

  #restore({ number, lock, facts, state, epoch, operation, sinceMs, delayMs, untilMs, label }: LoadedRequest): void {
    const { locks } = this.#state;
    const { requests } = locks;
    requests.restore(number, lock, facts);
    requests.setDelay(number, delayMs);
    requests.setLabel(number, label);
    if (state === RequestState.waiting) requests.wait(number, sinceMs);
    else requests.grant(number, epoch, operation, sinceMs);
    if (state === RequestState.abandoned) requests.abandon(number, untilMs);
    locks.restoreRequest(number);
  }
}

/** Whether both name the same numbers, each once. */
function isSame(listed: readonly number[], wanted: readonly number[]): boolean {
  const set = new Set(listed);
  return listed.length === wanted.length && set.size === listed.length && wanted.every((number) => set.has(number));
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
