/**
 * What one partition knows: its keys, its locks and the sessions attached to it, driven by committed entries alone
 * (R16). `apply` is deterministic: every replica that applied the same entries holds the same. Conditions (compare and
 * set, who gets a lock) are decided here, when an entry is applied, so the primary needs no picture of what is still
 * uncommitted, and a deposed one has nothing to undo.
 *
 * The outcome of the entry applied last stands in the fields below; the primary turns it into a reply.
 */
import type { Arena } from '../base/arena.ts';
import { hexOf, readI32, readU16, readU32 } from '../base/bytes.ts';
import { mayWrite } from '../base/lock-mode.ts';
import { LockTable } from '../lock/lock-table.ts';
import { Losses } from '../lock/losses.ts';
import { fenceEpoch, fenceLength, fenceOperation, lockKeyEnd } from '../protocol/fence.ts';
import { type Attachment, RECORDS_MAX, RecordStatus } from '../replication/attachment.ts';
import { Attachments } from '../replication/attachments.ts';
import { EntryKind } from '../replication/entry-kind.ts';
import * as layout from '../replication/entry-layout.ts';
import type { ReplicationLog } from '../replication/replication-log.ts';
import { KeyTable } from '../store/key-table.ts';
import { DECIMAL_BYTES_MAX, isInt64, parseDecimal, writeDecimal } from './decimal.ts';
import { EntryView } from './entry-view.ts';
import { LockEntries } from './lock-entries.ts';

/** Outcomes: those kept in records (RecordStatus, same numbers) and those that are not. */
export const ApplyStatus = {
  applied: 2,
  refused: 3,
  notInteger: 4,
  granted: 5,
  queued: 6,
  busy: 7,
  notHeld: 8,
  /** The session was no longer attached when the entry was applied: it had no effect (R22). */
  noSession: 9,
  /** An entry that answers nobody. */
  internal: 10,
  attached: 11,
  fenced: 12,
  deadlock: 13,
  /** It came when its answer had been received: it had no effect, and nothing is known of it any more (R22). */
  forgotten: 14,
} as const;

const NONE = -1;

export class PartitionState {
  readonly keys: KeyTable;
  readonly locks: LockTable;
  readonly attachments: Attachments = new Attachments();
  /** Locks that were lost (L14). */
  readonly losses: Losses = new Losses();

  // Outcome of the entry applied last.
  status: number = ApplyStatus.internal;
  epoch = 0;
  operation = 0;
  payloadHigh = 0;
  payloadLow = 0;
  /** The request for a lock that was queued, with `queued`. What else became of requests, `locks` tells. */
  queuedRequest: number = NONE;
  /** Told after each entry, while somebody waits for one. */
  onApplied: (() => void) | null = null;

  readonly #takeStage: (stage: number) => Uint8Array;
  readonly #decimal: Uint8Array = new Uint8Array(DECIMAL_BYTES_MAX);
  // The entry being applied.
  readonly #entry: EntryView = new EntryView();
  readonly #lockEntries: LockEntries;

  /** `takeStage` hands over a staged value, which must be there: its entry was appended only after all replicas had it. */
  constructor(arena: Arena, takeStage: (stage: number) => Uint8Array) {
    this.keys = new KeyTable(arena);
    this.locks = new LockTable(arena);
    this.#takeStage = takeStage;
    this.#lockEntries = new LockEntries(this.locks, this.#entry, this);
  }

  /** Gives its memory back; another state has taken its place. */
  discard(): void {
    this.keys.clear();
    this.locks.discard();
  }

  /** Memory held, about. */
  get bytes(): number {
    return this.keys.bytes + this.locks.bytes + this.attachments.bytes + this.losses.bytes;
  }

  /** Applies the entry at `position`; afterwards the fields above tell what came of it. */
  apply(log: ReplicationLog, position: number): void {
    this.#entry.read(log, position);
    this.locks.forgetNews();
    if (this.losses.sinceMs === 0) this.losses.sinceMs = this.#entry.timeMs;
    this.status = ApplyStatus.internal;
    this.#dispatch(log.kind(position));
    if (this.onApplied !== null) this.onApplied();
  }

  /** The entry applied last; 0: none yet. */
  get appliedEpoch(): number {
    return this.#entry.epoch;
  }

  get appliedOperation(): number {
    return this.#entry.operation;
  }

  /** Its log time. */
  get appliedTimeMs(): number {
    return this.#entry.timeMs;
  }

  /** Everything was put back as it was when the entry (epoch, operation) had been applied (R21). */
  restoredAt(epoch: number, operation: number, timeMs: number): void {
    this.#entry.epoch = epoch;
    this.#entry.operation = operation;
    this.#entry.timeMs = timeMs;
  }

  #dispatch(kind: number): void {
    switch (kind) {
      case EntryKind.attach:
        return this.#attach();
      case EntryKind.detach:
        return this.#detach();
      case EntryKind.expireKey:
        return this.#expireKey();
      case EntryKind.cancel:
        return this.#cancel();
      case EntryKind.endDelay:
        return this.#lockEntries.endDelay();
      case EntryKind.barrier:
        return;
      default:
        return this.#clientWrite(kind);
    }
  }

  #clientWrite(kind: number): void {
    const { attachments } = this;
    const attachment = attachments.find(
      readU32(this.#entry.data, this.#entry.body + layout.ENTRY_ATTACH_EPOCH),
      readI32(this.#entry.data, this.#entry.body + layout.ENTRY_ATTACH_OPERATION),
    );
    if (attachment === undefined) {
      this.status = ApplyStatus.noSession;
      this.#dropStage(kind);
      return;
    }
    const sequence = readI32(this.#entry.data, this.#entry.body + layout.ENTRY_SEQUENCE);
    if (this.#appliedBefore(kind, attachment, sequence)) {
      this.#dropStage(kind);
      return;
    }
    this.refuse(RecordStatus.refused, 0, 0);
    if (this.#fenceHolds()) this.#write(kind, attachment, sequence);
    else {
      this.#dropStage(kind);
      this.refuse(RecordStatus.fenced, 0, 0);
    }
    const mark = readI32(this.#entry.data, this.#entry.body + layout.ENTRY_MARK);
    attachment.record(sequence, mark, this.status, this.epoch, this.operation, this.payloadHigh, this.payloadLow);
  }

  /** A sequence that has its outcome has no second effect: the outcome stands (R22). */
  #appliedBefore(kind: number, attachment: Attachment, sequence: number): boolean {
    if (attachment.isBeforeMark(sequence)) {
      this.refuse(ApplyStatus.forgotten, 0, 0);
      if (kind === EntryKind.acquire) this.#lockEntries.whatBecameOfWait(attachment, sequence);
      return true;
    }
    const status = attachment.status(sequence);
    if (status <= RecordStatus.pending) return false;
    this.refuse(status, attachment.recordEpoch(sequence), attachment.recordOperation(sequence));
    if (status === RecordStatus.queued) this.#lockEntries.whatBecameOfWait(attachment, sequence);
    this.payloadHigh = attachment.payloadHigh(sequence);
    this.payloadLow = attachment.payloadLow(sequence);
    return true;
  }

  #write(kind: number, attachment: Attachment, sequence: number): void {
    const { keyStart, keyEnd } = this.#entry;
    switch (kind) {
      case EntryKind.put:
        return this.#put(keyStart, keyEnd);
      case EntryKind.remove:
        return this.#remove(keyStart, keyEnd);
      case EntryKind.increment:
        return this.#increment(keyStart, keyEnd);
      case EntryKind.acquire:
        return this.#lockEntries.acquire(attachment, sequence);
      case EntryKind.release:
        return this.#release(keyStart, keyEnd, attachment);
    }
  }

  /** It took effect; its revision is that of the entry. */
  applied(): void {
    this.status = RecordStatus.applied;
    this.epoch = this.#entry.epoch;
    this.operation = this.#entry.operation;
  }

  /** It had no effect, or another than a revision of its own. */
  refuse(status: number, epoch: number, operation: number): void {
    this.status = status;
    this.epoch = epoch;
    this.operation = operation;
    this.payloadHigh = 0;
    this.payloadLow = 0;
  }

  #isStaged(): boolean {
    return this.#entry.hasFlag(layout.EntryFlag.staged);
  }

  /** A write without effect uses its staged value up all the same. */
  #dropStage(kind: number): void {
    if ((kind === EntryKind.put || kind === EntryKind.release) && this.#isStaged()) this.#takeStage(this.#stage());
  }

  #stage(): number {
    return readU32(this.#entry.data, this.#entry.keyEnd);
  }

  /** L9: a write under a fence counts only while that lock is held under exactly that token. What follows ends before it. */
  #fenceHolds(): boolean {
    const entry = this.#entry;
    if (!entry.hasFlag(layout.EntryFlag.fenced)) return true;
    const { data, end, keyStart, keyEnd } = entry;
    entry.end = end - fenceLength(data, keyEnd, end);
    const isOwn = entry.end === lockKeyEnd(end);
    const slot = isOwn ? this.locks.find(data, keyStart, keyEnd) : this.locks.find(data, entry.end, lockKeyEnd(end));
    return slot >= 0 && this.locks.isHeldUnder(slot, fenceEpoch(data, end), fenceOperation(data, end));
  }

  /** Whether the key in `slot` (−1: absent) has the revision that the entry asks for, if it asks for one. */
  #conditionHolds(slot: number): boolean {
    if (!this.#entry.hasFlag(layout.EntryFlag.ifRevision)) return true;
    const { namedEpoch, namedOperation } = this.#entry;
    if (slot < 0) return namedEpoch === 0 && namedOperation === 0;
    return this.keys.epoch(slot) === namedEpoch && this.keys.operation(slot) === namedOperation;
  }

  #conflict(slot: number): void {
    if (slot < 0) this.refuse(RecordStatus.refused, 0, 0);
    else this.refuse(RecordStatus.refused, this.keys.epoch(slot), this.keys.operation(slot));
  }

  #put(keyStart: number, keyEnd: number): void {
    if (this.#entry.hasFlags) {
      const slot = this.keys.find(this.#entry.data, keyStart, keyEnd);
      if (!this.#conditionHolds(slot)) {
        this.#dropStage(EntryKind.put);
        return this.#conflict(slot);
      }
    }
    this.#store(keyStart, keyEnd);
    this.applied();
  }

  #store(keyStart: number, keyEnd: number): void {
    const { data, end, epoch, operation, span, timeMs } = this.#entry;
    const large = this.#isStaged() ? this.#takeStage(this.#stage()) : null;
    const deadline = span === 0 ? 0 : timeMs + span;
    if (large === null) this.keys.put(data, keyStart, keyEnd, data, keyEnd, end, epoch, operation, deadline);
    else this.keys.putLarge(data, keyStart, keyEnd, large, epoch, operation, deadline);
  }

  #remove(keyStart: number, keyEnd: number): void {
    const slot = this.keys.find(this.#entry.data, keyStart, keyEnd);
    if (!this.#conditionHolds(slot)) return this.#conflict(slot);
    if (slot < 0) {
      // Nothing was there: done, and no revision was made.
      this.applied();
      this.epoch = 0;
      this.operation = 0;
      return;
    }
    this.keys.remove(slot);
    this.applied();
  }

  #increment(keyStart: number, keyEnd: number): void {
    const data = this.#entry.data;
    const slot = this.keys.find(data, keyStart, keyEnd);
    const sum = this.#sum(slot, keyEnd);
    if (sum === null) return this.refuse(RecordStatus.notInteger, 0, 0);
    const length = writeDecimal(this.#decimal, sum);
    const deadline = slot < 0 ? 0 : this.keys.deadlineMs(slot);
    this.keys.put(data, keyStart, keyEnd, this.#decimal, 0, length, this.#entry.epoch, this.#entry.operation, deadline);
    this.applied();
    this.payloadHigh = Number(BigInt.asIntN(32, sum >> 32n));
    this.payloadLow = Number(BigInt.asIntN(32, sum));
  }

  /** Present value plus the summand behind the key; null when either is no 64-bit integer. */
  #sum(slot: number, keyEnd: number): bigint | null {
    const summand = (BigInt(readI32(this.#entry.data, keyEnd)) << 32n) | BigInt(readU32(this.#entry.data, keyEnd + 4));
    if (slot < 0) return summand;
    const { keys } = this;
    if (keys.valueLength(slot) > DECIMAL_BYTES_MAX) return null;
    const offset = keys.valueOffset(slot);
    const value = parseDecimal(keys.valueChunk(slot), offset, offset + keys.valueLength(slot));
    if (value === null || !isInt64(value + summand)) return null;
    return value + summand;
  }

  /** L6: needs the holder's session and its token; anything else changes nothing. L8: the value is stored in the same step. */
  #release(keyStart: number, keyEnd: number, attachment: Attachment): void {
    const held = this.#lockEntries.holding(attachment, this.#lockEntries.takeGrantSequence());
    const stores = this.#entry.hasFlag(layout.EntryFlag.store);
    if (held === NONE || (stores && !mayWrite(this.locks.requests.mode(held)))) {
      this.#dropStage(EntryKind.release);
      return this.refuse(held === NONE ? RecordStatus.notHeld : RecordStatus.fenced, 0, 0);
    }
    if (stores) this.#store(keyStart, keyEnd);
    if (this.#entry.hasFlag(layout.EntryFlag.givenBack)) this.#lockEntries.giveBack(held, attachment);
    else this.#lockEntries.release(held);
    this.applied();
  }

  #cancel(): void {
    const { data, body, end } = this.#entry;
    const attachment = this.#named();
    if (attachment === undefined) return;
    const sequence = readI32(data, body + layout.CANCEL_SEQUENCE);
    const takesBack = data[body + layout.CANCEL_RELEASE] !== 0;
    const isBroken = end > body + layout.CANCEL_BROKEN && data[body + layout.CANCEL_BROKEN] === 1;
    if (isBroken) this.#lockEntries.break(attachment, sequence);
    else this.#lockEntries.cancel(attachment, sequence, takesBack);
    if (takesBack) forbid(attachment, sequence);
  }

  /** The attachment whose revision the body begins with. */
  #named(): Attachment | undefined {
    return this.attachments.find(
      readU32(this.#entry.data, this.#entry.body),
      readI32(this.#entry.data, this.#entry.body + 4),
    );
  }

  #attach(): void {
    const data = this.#entry.data;
    const body = this.#entry.body;
    const session = hexOf(data, body + layout.ATTACH_ENTRY_SESSION, body + layout.ATTACH_ENTRY_LEASE);
    const nameLength = data[body + layout.ATTACH_ENTRY_NAME_LENGTH] as number;
    const nameStart = body + layout.ATTACH_ENTRY_NAME;
    const leaseMs = readU32(data, body + layout.ATTACH_ENTRY_LEASE);
    const name = text(data, nameStart, nameStart + nameLength);
    const { epoch, operation } = this.#entry;
    const attachment =
      this.attachments.ofSession(session) ?? this.attachments.add(epoch, operation, session, name, leaseMs);
    if (leaseMs > attachment.leaseMs) attachment.leaseMs = leaseMs;
    this.status = ApplyStatus.attached;
    this.epoch = attachment.epoch;
    this.operation = attachment.operation;
  }

  #detach(): void {
    const attachment = this.#named();
    if (attachment === undefined) return;
    this.#lockEntries.detach(attachment);
    this.attachments.remove(attachment);
  }

  /** R23: a due key is gone when this entry commits, unless it was written again in between. */
  #expireKey(): void {
    const data = this.#entry.data;
    const keyStart = this.#entry.body + layout.EXPIRE_KEY;
    const slot = this.keys.find(data, keyStart, keyStart + readU16(data, this.#entry.body + layout.EXPIRE_KEY_LENGTH));
    if (slot < 0) return;
    if (this.keys.epoch(slot) !== readU32(data, this.#entry.body)) return;
    if (this.keys.operation(slot) !== readI32(data, this.#entry.body + 4)) return;
    this.keys.remove(slot);
  }
}

/**
 * A request that was given up must not be granted when it arrives late, over a connection that broke (L5). It says with its mark
 * that what lies a window before it was answered, which may not have been heard here: what is refused at once is no entry.
 */
function forbid(attachment: Attachment, sequence: number): void {
  if (attachment.isBeforeMark(sequence)) return;
  const isBeyond = attachment.isBeyondWindow(sequence, attachment.mark);
  const mark = isBeyond ? (sequence - RECORDS_MAX + 1) | 0 : attachment.mark;
  attachment.record(sequence, mark, RecordStatus.busy, 0, 0, 0, 0);
}

const utf8 = new TextDecoder();

function text(bytes: Uint8Array, start: number, end: number): string {
  return utf8.decode(bytes.subarray(start, end));
}
