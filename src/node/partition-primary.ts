/**
 * A partition at its primary, for one reign: takes requests, appends what changes something, and answers when it is
 * committed (R5, R7, R11, R22, R23). No object is made per request; what waits longer (a read of a key that is due, a
 * wait for a lock) is kept aside. When the book names another primary it is closed, and whoever waits is told (R16).
 */
import { hexOf, readI32, readU16, readU32 } from '../base/bytes.ts';
import type { Code } from '../errors.ts';
import * as codec from '../protocol/client-codec.ts';
import { converts } from '../protocol/lock-request.ts';
import type { Attachment } from '../replication/attachment.ts';
import { ATTACHMENTS_MAX } from '../replication/attachments.ts';
import { EntryKind } from '../replication/entry-kind.ts';
import type { Follower } from '../replication/follower.ts';
import { Primary } from '../replication/primary.ts';
import type { ReplicationLog } from '../replication/replication-log.ts';
import { bytesKept, isBackedUp, waitsTooMuch } from './admission.ts';
import { fetchesAt } from './grant-replies.ts';
import { refusedAtOnce } from './instant-refusal.ts';
import { KeyExpiry } from './key-expiry.ts';
import { replyOutcome } from './outcome.ts';
import { PartitionReads } from './partition-reads.ts';
import type { PartitionReplica } from './partition-replica.ts';
import { PartitionSessions } from './partition-sessions.ts';
import { ApplyStatus, type PartitionState } from './partition-state.ts';
import type { PrimaryHost } from './primary-host.ts';
import { PrimaryLocks } from './primary-locks.ts';
import { ReignLease } from './reign-lease.ts';
import { type ReplyTarget, replyFail, replyMoved } from './reply.ts';
import { Retries } from './retries.ts';
import { NO_SESSION_TEXT, ORPHAN_TEXT, refusalText, sessionsText, tooEarlyText } from './texts.ts';

/** Applied large values kept for followers that are to be sent them. */
const LARGE_KEPT_BYTES: number = 64 * 1024 * 1024;

export interface Reign {
  readonly epoch: number;
  /** Wall clock, for a partition that has no entry yet. */
  readonly unixMs: number;
  /** Largest operation number; for tests. */
  readonly operationsMax?: number;
}

export class PartitionPrimary {
  readonly id: number;
  readonly kept: PartitionReplica;
  readonly primary: Primary;
  readonly lease: ReignLease;
  readonly reads: PartitionReads;
  readonly locks: PrimaryLocks;
  /** Listed for the end of this turn. */
  dirty = false;
  /** Commit point that the followers have been told. */
  commitTold = 0;
  /** Of the book's entry that it was configured by. */
  version = 0;
  /** The reign is over. */
  ended = false;
  /** Why no writes are taken although they could be: it is being handed over. */
  closedFor: string | null = null;
  /** This node has heard no commander for too long: nothing is served (R9). */
  orphan = false;
  /** No lock is granted before this moment, monotonic: holders of a former life may believe in theirs (R9). */
  locksFromMs = 0;
  /** By position of an entry that names a large value: members that have the value. */
  readonly holders: Map<number, Set<number>> = new Map();
  readonly #host: PrimaryHost;
  #epochStartMs = 0; // monotonic
  #epochStartLogMs = 0;
  #applying = false;
  /** At the last tick sessions could be renewed here. */
  #renewed = false;
  #expiriesApplied = false;
  readonly #retries: Retries;
  readonly #expiry: KeyExpiry;
  readonly #sessions: PartitionSessions;

  /** Begins the reign; whoever follows is told by `configure`. */
  constructor(kept: PartitionReplica, reign: Reign, host: PrimaryHost) {
    this.id = kept.id;
    this.kept = kept;
    this.#host = host;
    const { replica, state } = kept;
    this.#beginTime(reign.unixMs);
    kept.keepTaken(true);
    for (let position = kept.applied; position < kept.log.next; position += 1) {
      if (kept.stageAt(position) >= 0) this.holders.set(position, new Set());
    }
    this.primary = new Primary(replica, reign.epoch, this.#epochStartLogMs, reign.operationsMax);
    this.lease = new ReignLease(host);
    this.reads = new PartitionReads(this, host, this.lease);
    this.#sessions = new PartitionSessions(state.attachments, this.primary, this);
    this.#expiry = new KeyExpiry(state.keys, this.primary);
    this.locks = new PrimaryLocks(this, host);
    this.#retries = new Retries(this, this.locks.waits, this.locks.grants);
    for (const attachment of state.attachments) attachment.beginReign();
    this.#sessions.restartClocks();
  }

  get state(): PartitionState {
    return this.kept.state;
  }

  get log(): ReplicationLog {
    return this.kept.replica.log;
  }

  /** Every entry before this position is applied. */
  get applied(): number {
    return this.kept.applied;
  }

  get nowMs(): number {
    return this.#host.nowMs;
  }

  // ---- epoch and time

  /**
   * R23: log time goes on where the last entry left it, with the monotonic time that has passed since that was taken in:
   * no wall clock is trusted, except by a partition that has no entry yet.
   */
  #beginTime(unixMs: number): void {
    const { lastTimeMs, lastTakenAtMs } = this.kept.replica;
    this.#epochStartMs = this.#host.nowMs;
    const passedMs = Math.max(0, this.#host.nowMs - lastTakenAtMs);
    this.#epochStartLogMs = lastTimeMs === 0 ? Math.floor(unixMs) : Math.floor(lastTimeMs + passedMs);
  }

  /** Log time: the epoch's start plus the primary's monotonic time since; never before the last entry (R23). */
  logTimeMs(): number {
    const now = Math.floor(this.#epochStartLogMs + this.#host.nowMs - this.#epochStartMs);
    const { lastTimeMs } = this.kept.replica;
    return now > lastTimeMs ? now : lastTimeMs;
  }

  /** Something was appended: it leaves at the end of the turn; without followers to wait for it is committed already. */
  changed(): void {
    if (this.primary.followers.length === 0) this.advance();
    else this.#host.replicate(this);
  }

  /** Looks whether more is committed, and applies it. */
  advance(): void {
    if (this.primary.advance()) this.applyCommitted();
  }

  // ---- what stands in the way

  /** R7, R11: the barrier is committed, and the in-sync set is large enough. */
  get serving(): boolean {
    return this.primary.serving && !this.primary.frozen && !this.ended && !this.orphan;
  }

  /** True when writes are taken. */
  get writable(): boolean {
    return this.serving && this.closedFor === null && !this.primary.exhausted;
  }

  /** It does not serve, but is about to: whoever asks may wait. */
  get starting(): boolean {
    return !this.ended && !this.orphan && !this.primary.frozen && (!this.primary.serving || this.closedFor !== null);
  }

  /** Why nothing can be written now, for people. */
  obstacle(): string {
    if (this.orphan) return `partition ${this.id}: ${ORPHAN_TEXT}`;
    if (this.closedFor !== null) return `partition ${this.id}: ${this.closedFor}`;
    if (this.primary.exhausted) return `partition ${this.id}: a new epoch is being opened`;
    const reasons = this.primary.followers
      .map((follower) => this.#host.followerObstacle(follower))
      .filter((reason) => reason !== null);
    const what = this.primary.frozen ? 'too few replicas are in sync' : 'its first entry is not yet on every replica';
    return `partition ${this.id}: ${[what, ...reasons].join('; ')}`;
  }

  /** Certainly not done: nothing was appended (R7). */
  refuseNow(to: ReplyTarget, messageId: number): false {
    if (this.ended) replyMoved(to, messageId, this.id, this.#host.primaryOf(this.id));
    else replyFail(to, messageId, 'KV_NO_QUORUM', this.obstacle());
    return false;
  }

  get epoch(): number {
    return this.primary.epoch;
  }

  get commitOperation(): number {
    return this.primary.commitOperation;
  }

  /** Appends the expiry of a slot, unless one is on its way; gives its position, −1 when nothing can be appended. */
  expire(slot: number): number {
    if (!this.writable) return -1;
    const pending = this.#expiry.pending(slot);
    return pending < 0 ? this.#expiry.append(slot, this.logTimeMs()) : pending;
  }

  // ---- writes

  /**
   * A write of a client: `bytes[start, end)` is its body. Kinds as in EntryKind. True when an entry was appended; false
   * when the request was answered without one.
   */
  write(kind: number, to: ReplyTarget, messageId: number, bytes: Uint8Array, start: number, end: number): boolean {
    if (!this.writable) return this.refuseNow(to, messageId);
    const attachment = this.state.attachments.find(
      readU32(bytes, start + codec.WRITE_ATTACH_EPOCH),
      readI32(bytes, start + codec.WRITE_ATTACH_OPERATION),
    );
    if (attachment === undefined || attachment.ending) return refuse(to, messageId, 'KV_NO_SESSION', NO_SESSION_TEXT);
    const sequence = readI32(bytes, start + codec.WRITE_SEQUENCE);
    if (this.#retries.answeredBefore(kind, attachment, sequence, to, messageId, bytes, start)) return false;
    const mark = readI32(bytes, start + codec.WRITE_MARK);
    const refusal = this.#refusal(kind, attachment, sequence, mark, bytes, start, end);
    if (refusal !== null) return refuse(to, messageId, refusal, this.#refusalText(refusal));
    this.#settleDue(bytes, start);
    const isSettled = this.applied === this.log.next && !this.#host.readsStrictly;
    if (isSettled && refusedAtOnce(this, kind, to, messageId, bytes, start, end)) return false;
    const position = this.primary.append(kind, this.logTimeMs(), bytes, start + codec.WRITE_ATTACH_EPOCH, end);
    this.log.own(position, to, messageId);
    // Beyond the window of what is applied, a retry cannot join; applied twice it has no second effect.
    if (!attachment.isBeyondWindow(sequence, attachment.mark)) attachment.pend(sequence, position);
    this.changed();
    return true;
  }

  #refusalText(code: Code): string {
    return code === 'KV_NO_QUORUM' ? tooEarlyText(this.locksFromMs - this.#host.nowMs) : refusalText(code);
  }

  #refusal(
    kind: number,
    attachment: Attachment,
    sequence: number,
    mark: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): Code | null {
    if (attachment.isBeyondWindow(sequence, mark)) return 'KV_OVERLOADED';
    if (isBackedUp(this.log, this.applied)) return 'KV_OVERLOADED';
    if (!this.hasRoomForRecord(attachment, sequence, mark)) return 'KV_OUT_OF_MEMORY';
    if (kind === EntryKind.acquire && converts(bytes, start)) return null; // of a lock that is there
    if (kind === EntryKind.acquire && this.#host.nowMs < this.locksFromMs) return 'KV_NO_QUORUM';
    if (kind === EntryKind.acquire && waitsTooMuch(this.state.locks, attachment.slot)) return 'KV_OVERLOADED';
    const stores = ((bytes[start + codec.WRITE_FLAGS] as number) & codec.WriteFlag.store) !== 0;
    const needed = bytesKept(kind, stores, readU16(bytes, start + codec.WRITE_KEY_LENGTH), end - start);
    return needed === 0 || this.#host.hasRoom(needed, this) ? null : 'KV_OUT_OF_MEMORY';
  }

  /** R22: whether there is memory for the records of an attachment when there is one of `sequence`. */
  hasRoomForRecord(attachment: Attachment, sequence: number, mark: number): boolean {
    const needed = attachment.recordBytesNeeded(sequence, mark);
    return needed === 0 || this.#host.hasRoom(needed, this) || this.#host.hasRoomForSession(this);
  }

  /** A write to a key that is due comes after its expiry. */
  #settleDue(bytes: Uint8Array, start: number): void {
    const { keys } = this.state;
    if (keys.earliestDeadlineMs() > this.logTimeMs()) return;
    const keyStart = start + codec.WRITE_KEY;
    const slot = keys.find(bytes, keyStart, keyStart + readU16(bytes, start + codec.WRITE_KEY_LENGTH));
    if (slot < 0 || keys.deadlineMs(slot) === 0 || keys.deadlineMs(slot) > this.logTimeMs()) return;
    this.expire(slot);
  }

  // ---- commit

  /** A follower has acknowledged: applies and answers what that commits. */
  acknowledged(follower: Follower, epoch: number, operation: number): void {
    if (this.primary.acknowledged(follower, epoch, operation)) this.applyCommitted();
  }

  /** Applies and answers everything committed. An expiry that commits brings the next one, without recursion. */
  applyCommitted(): void {
    if (this.#applying) return;
    this.#applying = true;
    do {
      this.#applyAll();
    } while (this.#expiriesApplied && this.#expireDue() && this.applied < this.primary.commit && !this.ended);
    this.#applying = false;
    this.#dropAcknowledged();
  }

  #applyAll(): void {
    const { primary, log, state, kept } = this;
    this.#expiriesApplied = false;
    while (kept.applied < primary.commit) {
      const position = kept.applied;
      kept.applied += 1;
      const kind = log.kind(position);
      state.apply(log, position);
      this.#answer(kind, position);
      if (kind === EntryKind.expireKey) this.#expiryApplied(position);
    }
  }

  /** What every follower holds that may still be helped from the log, and what is applied here, needs no resending. */
  #dropAcknowledged(): void {
    const { kept, log } = this;
    if (this.holders.size > 0) this.#dropLarge();
    const position = Math.min(kept.applied, this.#neededFrom());
    if (position > log.first) kept.replica.dropBefore(position);
  }

  /** Entries whose large values are no longer at hand cannot be sent again. */
  #dropLarge(): void {
    const { kept } = this;
    const from = this.#neededFrom();
    for (const [position, holders] of this.holders) {
      if (position >= kept.applied) continue;
      if (position >= from && kept.takenBytes <= LARGE_KEPT_BYTES) continue; // some follower is to be sent it yet
      const stage = position >= kept.log.first ? kept.stageAt(position) : -1;
      this.holders.delete(position);
      this.#host.largeGone(this, position, stage, holders);
      kept.letGo(stage);
      if (position >= kept.log.first) kept.replica.dropBefore(position + 1);
    }
  }

  /** The first position that some follower lacks, as far as they are waited for. */
  #neededFrom(): number {
    const { followers } = this.primary;
    let from = this.log.next;
    for (let index = 0; index < followers.length; index += 1) {
      const follower = followers[index] as Follower;
      const { neededFrom } = follower;
      if (neededFrom < from && (follower.mustHold || this.#host.isWaitedFor(follower, this.log.usedBytes))) {
        from = neededFrom;
      }
    }
    return from;
  }

  #expiryApplied(position: number): void {
    this.#expiry.applied(position);
    this.#expiriesApplied = true;
    this.#host.unpark();
  }

  /** One expiry at a time is enough: each that commits brings the next. True when one was appended. */
  #expireDue(): boolean {
    const slot = this.state.keys.dueSlot(this.logTimeMs());
    if (slot < 0 || this.#expiry.pending(slot) >= 0 || this.expire(slot) < 0) return false;
    this.changed();
    return true;
  }

  #answer(kind: number, position: number): void {
    const { state, log } = this;
    const to = log.owner(position) as ReplyTarget | null;
    const messageId = log.tag(position);
    if (state.status === ApplyStatus.queued) this.locks.queued(state.queuedRequest, to, messageId, position);
    if (state.status === ApplyStatus.attached) this.#sessions.attached(state.epoch, state.operation, to);
    if (to !== null) {
      log.own(position, null, 0);
      const { status, epoch, operation, payloadHigh, payloadLow } = state;
      if (status === ApplyStatus.granted && fetchesAt(log, position))
        this.locks.grants.grantedAt(position, to, messageId);
      else replyOutcome(kind, status, to, messageId, epoch, operation, payloadHigh, payloadLow);
    }
    this.locks.tellNews(kind);
  }

  // ---- sessions

  /** ATCH: `bytes[start, end)` is its body. */
  attach(to: ReplyTarget, messageId: number, bytes: Uint8Array, start: number, end: number): void {
    if (!this.writable) return void this.refuseNow(to, messageId);
    const { size } = this.state.attachments;
    if (size >= ATTACHMENTS_MAX || isBackedUp(this.log, this.applied)) {
      return replyFail(to, messageId, 'KV_OVERLOADED', sessionsText(this.id, size));
    }
    if (!this.#host.hasRoomForSession(this)) {
      return replyFail(to, messageId, 'KV_OUT_OF_MEMORY', sessionsText(this.id, size));
    }
    // L3: whoever is attached counts its lease from when it has sent this, and may not be ended before this is applied.
    this.renew(hexOf(bytes, start + codec.ATTACH_SESSION, start + codec.ATTACH_SESSION + codec.SESSION_BYTES));
    const position = this.primary.append(
      EntryKind.attach,
      this.logTimeMs(),
      bytes,
      start + codec.ATTACH_PARTITION,
      end,
    );
    this.log.own(position, to, messageId);
    this.changed();
  }

  /** Its lease has run out, and its end is about to be appended. */
  ranOut(attachment: Attachment): void {
    this.locks.ranOut(attachment);
  }

  heardAnew(attachment: Attachment): void {
    this.locks.breaks.heardAnew(attachment);
  }

  /** L3: renews the session's lease here, which was heard over `via`; false: it is not attached, or its end is already appended. */
  renew(session: string, via: object | null = null): boolean {
    return this.#sessions.renew(session, via);
  }

  /** The session says good-bye. True when nothing of it will remain once what is appended has committed. */
  leave(session: string): boolean {
    return this.#sessions.leave(session);
  }

  /** R16: the book names another primary. Who waits for an entry is told that its outcome is not known here. */
  end(): void {
    this.ended = true;
    this.kept.keepTaken(false);
    const { log, kept } = this;
    // R23: who reigns here next goes on from what the clock of this reign shows: its entries were taken in from nobody.
    kept.replica.lastTakenAtMs = this.#host.nowMs - (this.logTimeMs() - kept.replica.lastTimeMs);
    const primary = this.#host.primaryOf(this.id);
    for (let position = kept.applied; position < log.next; position += 1) {
      const to = log.owner(position) as ReplyTarget | null;
      if (to !== null) replyMoved(to, log.tag(position), this.id, primary, codec.MovedFlag.unknown);
      log.own(position, null, 0);
    }
    this.locks.waits.moved(this.id, primary);
    this.locks.breaks.end();
    for (const attachment of this.state.attachments) attachment.beginReign();
  }

  restartSessionClocks(): void {
    this.#sessions.restartClocks();
  }

  /** Everything that time does: keys, sessions and waits that are due. Called every tick. */
  tick(): void {
    if (this.log.first < this.applied) this.#dropAcknowledged();
    // L3: who could not renew here, because this primary might not have been the only one, is not counted as silent.
    const renews = this.serving && this.lease.holds;
    if (renews && !this.#renewed) this.#sessions.restartClocks();
    this.#renewed = renews;
    if (!renews) return;
    this.#expireDue();
    this.#sessions.tick();
    this.locks.tick();
  }
}

/** Answers with an error; nothing was appended. */
function refuse(to: ReplyTarget, messageId: number, code: Code, text: string): false {
  replyFail(to, messageId, code, text);
  return false;
}
