/**
 * What one partition knows: its keys, its locks and the sessions attached to it, driven by committed entries alone
 * (R16). `apply` is deterministic: every replica that applied the same entries holds the same. Conditions (compare and
 * set, who gets a lock) are decided here, when an entry is applied, so the primary needs no picture of what is still
 * uncommitted, and a deposed one has nothing to undo.
 *
 * The outcome of the entry applied last stands in the fields below; the primary turns it into a reply.
 */
import type { Arena } from '../base/arena.ts';
import { readI32, readU16, readU32, readU48 } from '../base/bytes.ts';
import { AcquireOutcome, LockTable } from '../lock/lock-table.ts';
import { fenceEpoch, fenceLength, fenceOperation, lockKeyEnd } from '../protocol/fence.ts';
import { type Attachment, RecordStatus } from '../replication/attachment.ts';
import { ATTACHMENT_BYTES, Attachments } from '../replication/attachments.ts';
import { EntryKind } from '../replication/entry-kind.ts';
import * as layout from '../replication/entry-layout.ts';
import { ENTRY_HEAD_BYTES, type ReplicationLog } from '../replication/replication-log.ts';
import { KeyTable } from '../store/key-table.ts';
import { DECIMAL_BYTES_MAX, isInt64, parseDecimal, writeDecimal } from './decimal.ts';

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
} as const;

const NONE = -1;

export class PartitionState {
  readonly keys: KeyTable;
  readonly locks: LockTable;
  readonly attachments: Attachments = new Attachments();

  // Outcome of the entry applied last.
  status: number = ApplyStatus.internal;
  epoch = 0;
  operation = 0;
  payloadHigh = 0;
  payloadLow = 0;
  /** The waiter that was queued, with `queued`. */
  queuedWaiter: number = NONE;
  /** Waiters that now hold their lock under the token (grantEpoch, grantOperation). */
  readonly granted: number[] = [];
  /** Their locks, by slot. */
  readonly grantedSlots: number[] = [];
  grantedCount = 0;
  grantEpoch = 0;
  grantOperation = 0;
  /** Waiters whose wait ended without a grant. */
  readonly ended: number[] = [];
  endedCount = 0;
  /** Told after each entry, while somebody waits for one. */
  onApplied: (() => void) | null = null;

  readonly #takeStage: (stage: number) => Uint8Array;
  readonly #decimal: Uint8Array = new Uint8Array(DECIMAL_BYTES_MAX);
  // The entry being applied.
  #data: Uint8Array = new Uint8Array(0);
  #body = 0;
  #end = 0;
  #entryEpoch = 0;
  #entryOperation = 0;
  #timeMs = 0;

  /** `takeStage` hands over a staged value, which must be there: its entry was appended only after all replicas had it. */
  constructor(arena: Arena, takeStage: (stage: number) => Uint8Array) {
    this.keys = new KeyTable(arena);
    this.locks = new LockTable(arena);
    this.#takeStage = takeStage;
  }

  /** Gives its memory back; another state has taken its place. */
  discard(): void {
    this.keys.clear();
    this.locks.discard();
  }

  /** Memory held, about. */
  get bytes(): number {
    return this.keys.bytes + this.locks.bytes + this.attachments.size * ATTACHMENT_BYTES;
  }

  /** Applies the entry at `position`; afterwards the fields above tell what came of it. */
  apply(log: ReplicationLog, position: number): void {
    this.#data = log.data;
    this.#body = log.offset(position) + ENTRY_HEAD_BYTES;
    this.#end = log.offset(position) + log.length(position);
    this.#entryEpoch = log.epoch(position);
    this.#entryOperation = log.operation(position);
    this.#timeMs = log.timeMs(position);
    this.grantedCount = 0;
    this.endedCount = 0;
    this.status = ApplyStatus.internal;
    this.#dispatch(log.kind(position));
    if (this.onApplied !== null) this.onApplied();
  }

  /** The entry applied last; 0: none yet. */
  get appliedEpoch(): number {
    return this.#entryEpoch;
  }

  get appliedOperation(): number {
    return this.#entryOperation;
  }

  /** Its log time. */
  get appliedTimeMs(): number {
    return this.#timeMs;
  }

  /** Everything was put back as it was when the entry (epoch, operation) had been applied (R21). */
  restoredAt(epoch: number, operation: number, timeMs: number): void {
    this.#entryEpoch = epoch;
    this.#entryOperation = operation;
    this.#timeMs = timeMs;
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
      case EntryKind.barrier:
        return;
      default:
        return this.#clientWrite(kind);
    }
  }

  #clientWrite(kind: number): void {
    const { attachments } = this;
    const attachment = attachments.find(
      readU32(this.#data, this.#body + layout.ENTRY_ATTACH_EPOCH),
      readI32(this.#data, this.#body + layout.ENTRY_ATTACH_OPERATION),
    );
    if (attachment === undefined) {
      this.status = ApplyStatus.noSession;
      this.#dropStage(kind);
      return;
    }
    const sequence = readI32(this.#data, this.#body + layout.ENTRY_SEQUENCE);
    if (this.#appliedBefore(attachment, sequence)) {
      this.#dropStage(kind);
      return;
    }
    this.#refuse(RecordStatus.refused, 0, 0);
    if (this.#fenceHolds()) this.#write(kind, attachment, sequence);
    else {
      this.#dropStage(kind);
      this.#refuse(RecordStatus.fenced, 0, 0);
    }
    const mark = readI32(this.#data, this.#body + layout.ENTRY_MARK);
    attachment.record(sequence, mark, this.status, this.epoch, this.operation, this.payloadHigh, this.payloadLow);
  }

  /** A sequence that has its outcome has no second effect: the outcome stands (R22). */
  #appliedBefore(attachment: Attachment, sequence: number): boolean {
    if (attachment.isBeforeMark(sequence)) return false;
    const status = attachment.status(sequence);
    if (status <= RecordStatus.pending) return false;
    this.#refuse(status, attachment.recordEpoch(sequence), attachment.recordOperation(sequence));
    if (status === RecordStatus.queued) this.#whatBecameOfWait(attachment, sequence);
    this.payloadHigh = attachment.payloadHigh(sequence);
    this.payloadLow = attachment.payloadLow(sequence);
    return true;
  }

  /** A wait that was queued waits still, holds its lock, or has ended. */
  #whatBecameOfWait(attachment: Attachment, sequence: number): void {
    this.queuedWaiter = this.locks.waiterOf(attachment.slot, sequence);
    if (this.queuedWaiter !== NONE) return;
    const slot = this.locks.heldFor(attachment.slot, sequence);
    if (slot === NONE) this.#refuse(RecordStatus.busy, 0, 0);
    else this.#refuse(RecordStatus.granted, this.locks.tokenEpoch(slot), this.locks.tokenOperation(slot));
  }

  #write(kind: number, attachment: Attachment, sequence: number): void {
    const keyLength = readU16(this.#data, this.#body + layout.ENTRY_KEY_LENGTH);
    const keyStart = this.#body + layout.ENTRY_KEY;
    const keyEnd = keyStart + keyLength;
    switch (kind) {
      case EntryKind.put:
        return this.#put(keyStart, keyEnd);
      case EntryKind.remove:
        return this.#remove(keyStart, keyEnd);
      case EntryKind.increment:
        return this.#increment(keyStart, keyEnd);
      case EntryKind.acquire:
        return this.#acquire(keyStart, keyEnd, attachment, sequence);
      case EntryKind.release:
        return this.#release(keyStart, keyEnd, attachment);
    }
  }

  #applied(): void {
    this.status = RecordStatus.applied;
    this.epoch = this.#entryEpoch;
    this.operation = this.#entryOperation;
  }

  #refuse(status: number, epoch: number, operation: number): void {
    this.status = status;
    this.epoch = epoch;
    this.operation = operation;
    this.payloadHigh = 0;
    this.payloadLow = 0;
  }

  #flags(): number {
    return this.#data[this.#body + layout.ENTRY_FLAGS] as number;
  }

  #isStaged(): boolean {
    return (this.#flags() & layout.EntryFlag.staged) !== 0;
  }

  /** A write without effect uses its staged value up all the same. */
  #dropStage(kind: number): void {
    if ((kind === EntryKind.put || kind === EntryKind.release) && this.#isStaged()) this.#takeStage(this.#stage());
  }

  #stage(): number {
    const keyLength = readU16(this.#data, this.#body + layout.ENTRY_KEY_LENGTH);
    return readU32(this.#data, this.#body + layout.ENTRY_KEY + keyLength);
  }

  /** L9: a write under a fence counts only while that lock is held under exactly that token. What follows ends before it. */
  #fenceHolds(): boolean {
    if ((this.#flags() & layout.EntryFlag.fenced) === 0) return true;
    const data = this.#data;
    const end = this.#end;
    const keyStart = this.#body + layout.ENTRY_KEY;
    const keyEnd = keyStart + readU16(data, this.#body + layout.ENTRY_KEY_LENGTH);
    this.#end = end - fenceLength(data, keyEnd, end);
    const isOwn = this.#end === lockKeyEnd(end);
    const slot = isOwn ? this.locks.find(data, keyStart, keyEnd) : this.locks.find(data, this.#end, lockKeyEnd(end));
    if (slot < 0) return false;
    return (
      this.locks.tokenEpoch(slot) === fenceEpoch(data, end) &&
      this.locks.tokenOperation(slot) === fenceOperation(data, end)
    );
  }

  /** Whether the key in `slot` (−1: absent) has the revision that the entry asks for, if it asks for one. */
  #conditionHolds(slot: number): boolean {
    if ((this.#flags() & layout.EntryFlag.ifRevision) === 0) return true;
    const epoch = readU32(this.#data, this.#body + layout.ENTRY_EPOCH);
    const operation = readI32(this.#data, this.#body + layout.ENTRY_OPERATION);
    if (slot < 0) return epoch === 0 && operation === 0;
    return this.keys.epoch(slot) === epoch && this.keys.operation(slot) === operation;
  }

  #conflict(slot: number): void {
    if (slot < 0) this.#refuse(RecordStatus.refused, 0, 0);
    else this.#refuse(RecordStatus.refused, this.keys.epoch(slot), this.keys.operation(slot));
  }

  #put(keyStart: number, keyEnd: number): void {
    if (this.#flags() !== 0) {
      const slot = this.keys.find(this.#data, keyStart, keyEnd);
      if (!this.#conditionHolds(slot)) {
        this.#dropStage(EntryKind.put);
        return this.#conflict(slot);
      }
    }
    this.#store(keyStart, keyEnd);
    this.#applied();
  }

  #store(keyStart: number, keyEnd: number): void {
    const data = this.#data;
    const large = this.#isStaged() ? this.#takeStage(this.#stage()) : null;
    const span = readU48(data, this.#body + layout.ENTRY_SPAN);
    const deadline = span === 0 ? 0 : this.#timeMs + span;
    const epoch = this.#entryEpoch;
    const operation = this.#entryOperation;
    if (large === null) this.keys.put(data, keyStart, keyEnd, data, keyEnd, this.#end, epoch, operation, deadline);
    else this.keys.putLarge(data, keyStart, keyEnd, large, epoch, operation, deadline);
  }

  #remove(keyStart: number, keyEnd: number): void {
    const slot = this.keys.find(this.#data, keyStart, keyEnd);
    if (!this.#conditionHolds(slot)) return this.#conflict(slot);
    if (slot < 0) {
      // Nothing was there: done, and no revision was made.
      this.#applied();
      this.epoch = 0;
      this.operation = 0;
      return;
    }
    this.keys.remove(slot);
    this.#applied();
  }

  #increment(keyStart: number, keyEnd: number): void {
    const data = this.#data;
    const slot = this.keys.find(data, keyStart, keyEnd);
    const sum = this.#sum(slot, keyEnd);
    if (sum === null) return this.#refuse(RecordStatus.notInteger, 0, 0);
    const length = writeDecimal(this.#decimal, sum);
    const deadline = slot < 0 ? 0 : this.keys.deadlineMs(slot);
    this.keys.put(data, keyStart, keyEnd, this.#decimal, 0, length, this.#entryEpoch, this.#entryOperation, deadline);
    this.#applied();
    this.payloadHigh = Number(BigInt.asIntN(32, sum >> 32n));
    this.payloadLow = Number(BigInt.asIntN(32, sum));
  }

  /** Present value plus the summand behind the key; null when either is no 64-bit integer. */
  #sum(slot: number, keyEnd: number): bigint | null {
    const summand = (BigInt(readI32(this.#data, keyEnd)) << 32n) | BigInt(readU32(this.#data, keyEnd + 4));
    if (slot < 0) return summand;
    const { keys } = this;
    if (keys.valueLength(slot) > DECIMAL_BYTES_MAX) return null;
    const offset = keys.valueOffset(slot);
    const value = parseDecimal(keys.valueChunk(slot), offset, offset + keys.valueLength(slot));
    if (value === null || !isInt64(value + summand)) return null;
    return value + summand;
  }

  #acquire(keyStart: number, keyEnd: number, attachment: Attachment, sequence: number): void {
    const mayWait = readU48(this.#data, this.#body + layout.ENTRY_SPAN) > 0;
    const outcome = this.locks.acquire(
      this.#data,
      keyStart,
      keyEnd,
      attachment.slot,
      sequence,
      this.#entryEpoch,
      this.#entryOperation,
      this.#timeMs,
      mayWait,
    );
    this.epoch = this.#entryEpoch;
    this.operation = this.#entryOperation;
    if (outcome === AcquireOutcome.granted) this.status = RecordStatus.granted;
    else if (outcome === AcquireOutcome.busy) this.status = RecordStatus.busy;
    else {
      this.status = RecordStatus.queued;
      this.queuedWaiter = this.locks.queuedWaiter;
    }
  }

  /** L6: needs the holder's session and its token; anything else changes nothing. L8: the value is stored in the same step. */
  #release(keyStart: number, keyEnd: number, attachment: Attachment): void {
    const { locks } = this;
    const slot = locks.find(this.#data, keyStart, keyEnd);
    const held =
      slot >= 0 &&
      locks.holder(slot) === attachment.slot &&
      locks.tokenEpoch(slot) === readU32(this.#data, this.#body + layout.ENTRY_EPOCH) &&
      locks.tokenOperation(slot) === readI32(this.#data, this.#body + layout.ENTRY_OPERATION);
    if (!held) {
      this.#dropStage(EntryKind.release);
      return this.#refuse(RecordStatus.notHeld, 0, 0);
    }
    if ((this.#flags() & layout.EntryFlag.store) !== 0) this.#store(keyStart, keyEnd);
    this.#releaseSlot(slot);
    this.#applied();
  }

  /** Lets go of a lock; it passes to its first waiter, whose token is this entry's revision. */
  #releaseSlot(slot: number): void {
    const waiter = this.locks.release(slot, this.#entryEpoch, this.#entryOperation, this.#timeMs);
    if (waiter === NONE) return;
    this.grantEpoch = this.#entryEpoch;
    this.grantOperation = this.#entryOperation;
    this.granted[this.grantedCount] = waiter;
    this.grantedSlots[this.grantedCount] = slot;
    this.grantedCount += 1;
  }

  #endWait(waiter: number): void {
    this.locks.cancel(waiter);
    this.ended[this.endedCount] = waiter;
    this.endedCount += 1;
  }

  #cancel(): void {
    const data = this.#data;
    const attachment = this.#named();
    if (attachment === undefined) return;
    const sequence = readI32(data, this.#body + layout.CANCEL_SEQUENCE);
    const waiter = this.locks.waiterOf(attachment.slot, sequence);
    if (waiter !== NONE) this.#endWait(waiter);
    if (data[this.#body + layout.CANCEL_RELEASE] === 0) return;
    const slot = this.locks.heldFor(attachment.slot, sequence);
    if (slot !== NONE) this.#releaseSlot(slot);
    this.#forbid(attachment, sequence);
  }

  /** A request that was given up must not be granted when it arrives late, over a connection that broke (L5). */
  #forbid(attachment: Attachment, sequence: number): void {
    if (attachment.isBeforeMark(sequence) || attachment.isBeyondWindow(sequence, attachment.mark)) return;
    attachment.record(sequence, attachment.mark, RecordStatus.busy, 0, 0, 0, 0);
  }

  /** The attachment whose revision the body begins with. */
  #named(): Attachment | undefined {
    return this.attachments.find(readU32(this.#data, this.#body), readI32(this.#data, this.#body + 4));
  }

  #attach(): void {
    const data = this.#data;
    const body = this.#body;
    const session = hex(data, body + layout.ATTACH_ENTRY_SESSION, body + layout.ATTACH_ENTRY_LEASE);
    const nameLength = data[body + layout.ATTACH_ENTRY_NAME_LENGTH] as number;
    const nameStart = body + layout.ATTACH_ENTRY_NAME;
    const attachment =
      this.attachments.ofSession(session) ??
      this.attachments.add(
        this.#entryEpoch,
        this.#entryOperation,
        session,
        text(data, nameStart, nameStart + nameLength),
        readU32(data, body + layout.ATTACH_ENTRY_LEASE),
      );
    this.status = ApplyStatus.attached;
    this.epoch = attachment.epoch;
    this.operation = attachment.operation;
  }

  /** A session's end: its waits end first, so that none of its locks passes to itself; then its locks pass on (L5). */
  #detach(): void {
    const attachment = this.#named();
    if (attachment === undefined) return;
    const { locks } = this;
    const owner = attachment.slot;
    for (let waiter = locks.firstWait(owner); waiter !== NONE; waiter = locks.firstWait(owner)) this.#endWait(waiter);
    for (let slot = locks.firstHeld(owner); slot !== NONE; slot = locks.firstHeld(owner)) this.#releaseSlot(slot);
    this.attachments.remove(attachment);
  }

  /** R23: a due key is gone when this entry commits, unless it was written again in between. */
  #expireKey(): void {
    const data = this.#data;
    const keyStart = this.#body + layout.EXPIRE_KEY;
    const slot = this.keys.find(data, keyStart, keyStart + readU16(data, this.#body + layout.EXPIRE_KEY_LENGTH));
    if (slot < 0) return;
    if (this.keys.epoch(slot) !== readU32(data, this.#body)) return;
    if (this.keys.operation(slot) !== readI32(data, this.#body + 4)) return;
    this.keys.remove(slot);
  }
}

function hex(bytes: Uint8Array, start: number, end: number): string {
  let out = '';
  for (let at = start; at < end; at += 1) out += (bytes[at] as number).toString(16).padStart(2, '0');
  return out;
}

const utf8 = new TextDecoder();

function text(bytes: Uint8Array, start: number, end: number): string {
  return utf8.decode(bytes.subarray(start, end));
}
