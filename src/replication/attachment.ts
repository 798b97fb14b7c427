/**
 * One session's attachment to one partition, and what was answered to it (R22): an outcome per sequence number, kept
 * from the client's mark (its lowest unanswered sequence) on. Sequences are 32-bit and compared as serial numbers
 * (RFC 1982): a window of a few thousand never meets its own past.
 *
 *      answered, forgotten │ mark … records … │ never seen
 */
import { assert } from '../base/assert.ts';

export const RecordStatus = {
  /** Never seen. */
  none: 0,
  /** Appended at this primary, not yet applied: not replicated state. */
  pending: 1,
  applied: 2,
  refused: 3,
  notInteger: 4,
  granted: 5,
  queued: 6,
  busy: 7,
  notHeld: 8,
  /** The lock that was to guard the write was not held under that token (L9). */
  fenced: 12,
  /** It could not be had before what the same session holds is let go of (L10). */
  deadlock: 13,
} as const;

const ALL: ReadonlySet<number> = new Set(Object.values(RecordStatus));

/** An outcome that a record keeps. */
export function isKept(status: number): boolean {
  return status > RecordStatus.pending && ALL.has(status);
}

const RECORDS_MIN = 8;
/** Requests of one session that one partition answers at a time. */
export const RECORDS_MAX = 4096;
/** So many are always granted to a session: whoever lets go of something is not refused for want of memory. */
const RECORDS_FREE = 64;
const FIELDS = 6; // status, epoch, operation, payload high, payload low, position (primary only)
const RECORD_BYTES = FIELDS * 4;

/** What those have that were never asked for a write: none of them is ever anything but 0. */
const NO_RECORDS: Int32Array = new Int32Array(RECORDS_MIN * FIELDS);

/** What the records of many attachments take, besides the least that each has. */
export interface RecordMemory {
  bytes: number;
}

export class Attachment {
  /** Small stable number, for tables keyed by attachment. */
  readonly slot: number;
  /** The committed entry that made it. */
  readonly epoch: number;
  readonly operation: number;
  /** Session id, lower-case hexadecimal. */
  readonly session: string;
  /** Shown in listings: host and process. */
  readonly name: string;
  /** The longest that it has attached for. */
  leaseMs: number;
  /** Lowest sequence the client has no answer for. */
  mark = 0;
  /** Made by the same operation of an earlier epoch: see Attachments. */
  older: Attachment | undefined = undefined;

  // Kept by the primary alone; a new primary starts them afresh (L3).
  /** Monotonic milliseconds at which the last renewal was heard. */
  renewedAtMs = 0;
  /** Its detach entry has been appended: renewals are refused. */
  ending = false;
  /** The connection that it was heard over last; null: none yet. */
  via: object | null = null;

  #records: Int32Array = NO_RECORDS;
  #mask: number = RECORDS_MIN - 1;
  readonly #memory: RecordMemory;

  constructor(
    slot: number,
    epoch: number,
    operation: number,
    session: string,
    name: string,
    leaseMs: number,
    memory: RecordMemory = { bytes: 0 },
  ) {
    this.slot = slot;
    this.epoch = epoch;
    this.operation = operation;
    this.session = session;
    this.name = name;
    this.leaseMs = leaseMs;
    this.#memory = memory;
  }

  /** True when `sequence` lies before the mark: its answer was received, and its record is gone. */
  isBeforeMark(sequence: number): boolean {
    return ((sequence - this.mark) | 0) < 0;
  }

  /** True when `sequence` lies further ahead of `mark` than records are kept. */
  isBeyondWindow(sequence: number, mark: number): boolean {
    return ((sequence - mark) | 0) >= RECORDS_MAX;
  }

  #isOutside(sequence: number): boolean {
    return this.isBeforeMark(sequence) || this.isBeyondWindow(sequence, this.mark);
  }

  #at(sequence: number): number {
    return (sequence & this.#mask) * FIELDS;
  }

  /** Only for sequences from the mark on. */
  status(sequence: number): number {
    if (((sequence - this.mark) | 0) > this.#mask) return RecordStatus.none;
    return this.#records[this.#at(sequence)] as number;
  }

  recordEpoch(sequence: number): number {
    return (this.#records[this.#at(sequence) + 1] as number) >>> 0;
  }

  recordOperation(sequence: number): number {
    return this.#records[this.#at(sequence) + 2] as number;
  }

  payloadHigh(sequence: number): number {
    return this.#records[this.#at(sequence) + 3] as number;
  }

  payloadLow(sequence: number): number {
    return this.#records[this.#at(sequence) + 4] as number;
  }

  /** So many sequences from the mark on may have a record; none behind them has. */
  get recordsEnd(): number {
    return this.#records === NO_RECORDS ? 0 : this.#mask + 1;
  }

  /** Memory of its records, besides the least that each attachment has. */
  get recordBytes(): number {
    return (this.#mask + 1 - RECORDS_MIN) * RECORD_BYTES;
  }

  /** How much of it a request under `sequence` and `mark` would add; 0 for what every session may have. */
  recordBytesNeeded(sequence: number, mark: number): number {
    const from = this.isBeyondWindow(sequence, this.mark) ? mark : this.mark;
    const size = sizeFor((sequence - from) | 0);
    return size <= RECORDS_FREE || size <= this.#mask + 1 ? 0 : (size - this.#mask - 1) * RECORD_BYTES;
  }

  /** Low bits of the log position of a pending entry; the log is never longer than 2^31 entries. */
  pendingPosition(sequence: number): number {
    return this.#records[this.#at(sequence) + 5] as number;
  }

  /** A reign begins, or is over: what was pending here is known to the log alone. */
  beginReign(): void {
    this.ending = false;
    this.via = null;
    for (let at = 0; at < this.#records.length; at += FIELDS) {
      if (this.#records[at] === RecordStatus.pending) this.#records[at] = RecordStatus.none;
    }
  }

  /** Marks `sequence` as appended at `position`; without a place in the window it is not remembered. */
  pend(sequence: number, position: number): void {
    if (this.#isOutside(sequence)) return;
    this.#makeRoom(sequence);
    const at = this.#at(sequence);
    this.#records[at] = RecordStatus.pending;
    this.#records[at + 5] = position;
  }

  /** Keeps the outcome of `sequence`, after moving the mark to `mark`, which may leave it without a place in the window. */
  record(
    sequence: number,
    mark: number,
    status: number,
    epoch: number,
    operation: number,
    payloadHigh: number,
    payloadLow: number,
  ): void {
    this.advance(mark);
    if (this.#isOutside(sequence)) return;
    this.#makeRoom(sequence);
    const at = this.#at(sequence);
    this.#records[at] = status;
    this.#records[at + 1] = epoch;
    this.#records[at + 2] = operation;
    this.#records[at + 3] = payloadHigh;
    this.#records[at + 4] = payloadLow;
  }

  /** Forgets the records before `mark`; the mark never goes back. */
  advance(mark: number): void {
    const steps = (mark - this.mark) | 0;
    if (steps <= 0) return;
    const size = this.#mask + 1;
    if (steps >= size) this.#records.fill(0);
    else
      for (let step = 0; step < steps; step += 1) this.#records[this.#at((this.mark + step) | 0)] = RecordStatus.none;
    this.mark = mark | 0;
  }

  #makeRoom(sequence: number): void {
    const ahead = (sequence - this.mark) | 0;
    assert(ahead >= 0 && ahead < RECORDS_MAX, 'attachment: a record lies within the window');
    if (this.#records === NO_RECORDS) this.#records = new Int32Array(RECORDS_MIN * FIELDS);
    if (ahead <= this.#mask) return;
    const size = sizeFor(ahead);
    this.#memory.bytes += (size - this.#mask - 1) * RECORD_BYTES;
    const larger = new Int32Array(size * FIELDS);
    for (let step = 0; step <= this.#mask; step += 1) {
      const known = (this.mark + step) | 0;
      const from = this.#at(known);
      larger.set(this.#records.subarray(from, from + FIELDS), (known & (size - 1)) * FIELDS);
    }
    this.#records = larger;
    this.#mask = size - 1;
  }
}

/** So many records are kept when there is one so far ahead of the mark. */
function sizeFor(ahead: number): number {
  let size = RECORDS_MIN;
  while (size <= ahead && size < RECORDS_MAX) size *= 2;
  return size;
}
