/**
 * A partition at its primary: takes requests, appends what changes something, and answers when it is committed
 * (R5, R7, R11, R22, R23). No object is made per request; what waits longer (a read of a key that is due, a wait for a
 * lock) is kept aside.
 */
import type { Arena } from '../base/arena.ts';
import { readI32, readU16, readU32, readU48, writeU32 } from '../base/bytes.ts';
import type { Code } from '../errors.ts';
import * as codec from '../protocol/client-codec.ts';
import { INLINE_VALUE_BYTES_MAX } from '../protocol/limits.ts';
import { type Attachment, RecordStatus } from '../replication/attachment.ts';
import { ATTACHMENTS_MAX } from '../replication/attachments.ts';
import { EntryKind } from '../replication/entry-kind.ts';
import * as layout from '../replication/entry-layout.ts';
import { BackupState, Primary } from '../replication/primary.ts';
import { ENTRY_HEAD_BYTES, ReplicationLog } from '../replication/replication-log.ts';
import { bytesKept, isBackedUp, waitsTooMuch } from './admission.ts';
import { KeyExpiry } from './key-expiry.ts';
import { LockWaits } from './lock-waits.ts';
import { replyOutcome } from './outcome.ts';
import { PartitionSessions } from './partition-sessions.ts';
import { ApplyStatus, PartitionState } from './partition-state.ts';
import type { PrimaryHost } from './primary-host.ts';
import { type ReplyTarget, replyDone, replyFail, replyGot, replyLocked, replyQueued } from './reply.ts';
import { writeScanPage } from './scan-page.ts';
import { BUSY_TEXT, FORGOTTEN_TEXT, NO_SESSION_TEXT, refusalText, sessionsText } from './texts.ts';

export class PartitionPrimary {
  readonly id: number;
  /** Members that are backups; their order is that of the replication core. */
  readonly backupMembers: readonly number[];
  readonly state: PartitionState;
  readonly log: ReplicationLog = new ReplicationLog();
  readonly primary: Primary;
  /** Every entry before this position is applied. */
  applied = 0;
  /** Listed for the end of this turn. */
  dirty = false;
  /** Commit point that the backups have been told. */
  commitTold = 0;
  readonly #host: PrimaryHost;
  #epochStartMs = 0; // monotonic
  #epochStartLogMs = 0;
  #applying = false;
  #expiriesApplied = false;
  readonly #waits: LockWaits = new LockWaits();
  readonly #expiry: KeyExpiry;
  readonly #sessions: PartitionSessions;

  constructor(
    id: number,
    backupMembers: readonly number[],
    arena: Arena,
    host: PrimaryHost,
    takeStage: (stage: number) => Uint8Array,
  ) {
    this.id = id;
    this.backupMembers = backupMembers;
    this.#host = host;
    this.state = new PartitionState(arena, takeStage);
    this.primary = new Primary(this.log, backupMembers.length);
    this.#sessions = new PartitionSessions(this.state.attachments, this.primary, this);
    this.#expiry = new KeyExpiry(this.state.keys, this.primary);
  }

  get nowMs(): number {
    return this.#host.nowMs;
  }

  // ---- epoch and time

  /** Opens the first epoch, or a higher one in its place while nothing was served. */
  open(epoch: number, unixMs: number): void {
    this.#epochStartMs = this.#host.nowMs;
    this.#epochStartLogMs = Math.max(this.primary.lastTimeMs, Math.floor(unixMs));
    if (this.primary.epoch === 0) this.primary.open(epoch, this.#epochStartLogMs);
    else this.primary.reopen(epoch, this.#epochStartLogMs);
    this.changed();
  }

  /** Log time: the epoch's start plus the primary's monotonic time since; never before the last entry (R23). */
  logTimeMs(): number {
    const now = Math.floor(this.#epochStartLogMs + this.#host.nowMs - this.#epochStartMs);
    return now > this.primary.lastTimeMs ? now : this.primary.lastTimeMs;
  }

  /** Something was appended: it leaves at the end of the turn; without backups it is committed already. */
  changed(): void {
    if (this.primary.backups === 0) this.applyCommitted();
    else this.#host.replicate(this);
  }

  // ---- what stands in the way

  /** True when every in-sync member is there to acknowledge (R7). */
  get writable(): boolean {
    const { primary, backupMembers } = this;
    if (!primary.serving) return false;
    for (let backup = 0; backup < backupMembers.length; backup += 1) {
      if (primary.states[backup] !== BackupState.following) return false;
      if (!this.#host.backupHealthy(backupMembers[backup] as number)) return false;
    }
    return true;
  }

  /** Why nothing can be written now, for people. */
  obstacle(): string {
    const reasons: string[] = [];
    this.backupMembers.forEach((member, backup) => {
      const reason = this.#host.backupObstacle(member, this.primary.states[backup] as number);
      if (reason !== null) reasons.push(reason);
    });
    if (this.primary.existed && !reasons.some((reason) => reason.includes('KV_RESTARTED'))) {
      reasons.push(
        'KV_RESTARTED: this node was restarted and lost what it held; stop all nodes and start them again to begin empty',
      );
    }
    if (reasons.length === 0) reasons.push('its first entry is not yet on every replica; the cluster is starting');
    return `partition ${this.id}: ${reasons.join('; ')}`;
  }

  #refuseBelowMin(to: ReplyTarget, messageId: number): false {
    return refuse(to, messageId, 'KV_NO_QUORUM', this.obstacle());
  }

  // ---- reads

  /** Reads committed state. Nobody else can be primary while the table is static, so it is never stale. */
  get(to: ReplyTarget, messageId: number, bytes: Uint8Array, bodyStart: number, opcode: number): void {
    if (!this.primary.serving) return void this.#refuseBelowMin(to, messageId);
    const keyStart = bodyStart + codec.READ_KEY;
    const keyEnd = keyStart + readU16(bytes, bodyStart + codec.READ_KEY_LENGTH);
    const { keys } = this.state;
    const slot = keys.find(bytes, keyStart, keyEnd);
    if (slot < 0) return replyGot(to, messageId, keys, -1, 0);
    const deadline = keys.deadlineMs(slot);
    if (deadline === 0) return this.#got(to, messageId, slot, 0);
    const ttlMs = deadline - this.logTimeMs();
    if (ttlMs > 0) return this.#got(to, messageId, slot, ttlMs);
    this.#awaitExpiry(slot, to, messageId, opcode, bytes, bodyStart, keyEnd);
  }

  #got(to: ReplyTarget, messageId: number, slot: number, ttlMs: number): void {
    const { keys } = this.state;
    const large = keys.largeValue(slot);
    if (large === null || large.length <= INLINE_VALUE_BYTES_MAX) replyGot(to, messageId, keys, slot, ttlMs);
    else this.#host.sendLarge(to, messageId, large, keys.epoch(slot), keys.operation(slot), ttlMs);
  }

  /** R23: a read that finds a key due waits until its expiry is committed. */
  #awaitExpiry(
    slot: number,
    to: ReplyTarget,
    messageId: number,
    opcode: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void {
    const position = this.#expire(slot);
    if (position < 0) return void this.#refuseBelowMin(to, messageId);
    this.#host.park(this, position, to, messageId, opcode, bytes.slice(start, end));
    this.changed();
  }

  /** Appends the expiry of a slot, unless one is on its way; gives its position, −1 when nothing can be appended. */
  #expire(slot: number): number {
    if (!this.writable) return -1;
    const pending = this.#expiry.pending(slot);
    return pending < 0 ? this.#expiry.append(slot, this.logTimeMs()) : pending;
  }

  /** One page of the partition's committed state. */
  scan(
    to: ReplyTarget,
    messageId: number,
    bytes: Uint8Array,
    bodyStart: number,
    bodyEnd: number,
    opcode: number,
  ): void {
    if (!this.primary.serving) return void this.#refuseBelowMin(to, messageId);
    const due = this.state.keys.dueSlot(this.logTimeMs());
    if (due >= 0) return this.#awaitExpiry(due, to, messageId, opcode, bytes, bodyStart, bodyEnd);
    writeScanPage(
      to,
      messageId,
      this.id,
      this.state.keys,
      this.logTimeMs(),
      this.#committedRevision(),
      bytes,
      bodyStart,
    );
  }

  #committedRevision(): { epoch: number; operation: number } {
    return { epoch: this.primary.epoch, operation: this.primary.commitOperation };
  }

  // ---- writes

  /**
   * A write of a client: `bytes[start, end)` is its body. Kinds as in EntryKind. True when an entry was appended; false
   * when the request was answered without one.
   */
  write(kind: number, to: ReplyTarget, messageId: number, bytes: Uint8Array, start: number, end: number): boolean {
    if (!this.writable) return this.#refuseBelowMin(to, messageId);
    const attachment = this.state.attachments.find(
      readU32(bytes, start + codec.WRITE_ATTACH_EPOCH),
      readI32(bytes, start + codec.WRITE_ATTACH_OPERATION),
    );
    if (attachment === undefined || attachment.ending) return refuse(to, messageId, 'KV_NO_SESSION', NO_SESSION_TEXT);
    const sequence = readI32(bytes, start + codec.WRITE_SEQUENCE);
    if (this.#answeredBefore(kind, attachment, sequence, to, messageId)) return false;
    const mark = readI32(bytes, start + codec.WRITE_MARK);
    const refusal = this.#refusal(kind, attachment, sequence, mark, bytes, start, end);
    if (refusal !== null) return refuse(to, messageId, refusal, refusalText(refusal));
    this.#settleDue(bytes, start);
    if (this.applied === this.log.next && this.#refusedAtOnce(kind, to, messageId, bytes, start)) return false;
    const position = this.primary.append(kind, this.logTimeMs(), bytes, start + codec.WRITE_ATTACH_EPOCH, end);
    this.log.own(position, to, messageId);
    // Beyond the window of what is applied, a retry cannot join; applied twice it has no second effect.
    if (!attachment.isBeyondWindow(sequence, attachment.mark)) attachment.pend(sequence, position);
    this.changed();
    return true;
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
    if (kind === EntryKind.acquire && waitsTooMuch(this.state.locks, attachment.slot)) return 'KV_OVERLOADED';
    const needed = bytesKept(kind, readU16(bytes, start + codec.WRITE_KEY_LENGTH), end - start);
    return needed === 0 || this.#host.hasRoom(needed, this) ? null : 'KV_OUT_OF_MEMORY';
  }

  /** A write to a key that is due comes after its expiry. */
  #settleDue(bytes: Uint8Array, start: number): void {
    const { keys } = this.state;
    if (keys.earliestDeadlineMs() > this.logTimeMs()) return;
    const keyStart = start + codec.WRITE_KEY;
    const slot = keys.find(bytes, keyStart, keyStart + readU16(bytes, start + codec.WRITE_KEY_LENGTH));
    if (slot < 0 || keys.deadlineMs(slot) === 0 || keys.deadlineMs(slot) > this.logTimeMs()) return;
    this.#expire(slot);
  }

  /** With nothing uncommitted, what would surely be refused needs no entry. */
  #refusedAtOnce(kind: number, to: ReplyTarget, messageId: number, bytes: Uint8Array, start: number): boolean {
    const keyStart = start + codec.WRITE_KEY;
    const keyEnd = keyStart + readU16(bytes, start + codec.WRITE_KEY_LENGTH);
    if (kind === EntryKind.acquire) {
      if (readU48(bytes, start + codec.WRITE_SPAN) > 0) return false;
      if (this.state.locks.find(bytes, keyStart, keyEnd) < 0) return false;
      replyFail(to, messageId, 'KV_LOCK_BUSY', BUSY_TEXT);
      return true;
    }
    if (
      kind === EntryKind.release ||
      ((bytes[start + codec.WRITE_FLAGS] as number) & codec.WriteFlag.ifRevision) === 0
    ) {
      return false;
    }
    if (((bytes[start + codec.WRITE_FLAGS] as number) & codec.WriteFlag.staged) !== 0) return false;
    const { keys } = this.state;
    const slot = keys.find(bytes, keyStart, keyEnd);
    const epoch = slot < 0 ? 0 : keys.epoch(slot);
    const operation = slot < 0 ? 0 : keys.operation(slot);
    if (
      epoch === readU32(bytes, start + codec.WRITE_EPOCH) &&
      operation === readI32(bytes, start + codec.WRITE_OPERATION)
    ) {
      return false;
    }
    replyDone(to, messageId, codec.DoneOutcome.refused, epoch, operation);
    return true;
  }

  // ---- retries (R22)

  /** A request seen before joins the one under way or gets the answer kept. */
  #answeredBefore(kind: number, attachment: Attachment, sequence: number, to: ReplyTarget, messageId: number): boolean {
    if (attachment.isBeforeMark(sequence)) {
      this.#joinWait(kind, attachment, sequence, to, messageId);
      return true;
    }
    const status = attachment.status(sequence);
    if (status === RecordStatus.none) return false;
    if (status === RecordStatus.pending) this.log.own(attachment.pendingPosition(sequence), to, messageId);
    else if (status === RecordStatus.queued) this.#joinWait(kind, attachment, sequence, to, messageId);
    else this.#replyRecord(kind, attachment, sequence, status, to, messageId);
    return true;
  }

  /** A queued wait outlives the mark: it is found among the waiters, or, granted meanwhile, among the locks. */
  #joinWait(kind: number, attachment: Attachment, sequence: number, to: ReplyTarget, messageId: number): void {
    const { locks } = this.state;
    if (kind !== EntryKind.acquire) return replyFail(to, messageId, 'KV_AMBIGUOUS', FORGOTTEN_TEXT);
    const waiter = locks.waiterOf(attachment.slot, sequence);
    if (waiter >= 0) {
      this.#waits.answerTo(waiter, to, messageId);
      return replyQueued(to, messageId);
    }
    const slot = locks.heldFor(attachment.slot, sequence);
    if (slot >= 0) return replyLocked(to, messageId, locks.tokenEpoch(slot), locks.tokenOperation(slot));
    replyFail(to, messageId, 'KV_LOCK_BUSY', BUSY_TEXT);
  }

  #replyRecord(
    kind: number,
    from: Attachment,
    sequence: number,
    status: number,
    to: ReplyTarget,
    messageId: number,
  ): void {
    replyOutcome(
      kind,
      status,
      to,
      messageId,
      from.recordEpoch(sequence),
      from.recordOperation(sequence),
      from.payloadHigh(sequence),
      from.payloadLow(sequence),
    );
  }

  // ---- commit

  /** A backup has acknowledged: applies and answers what that commits. */
  acknowledged(backup: number, epoch: number, operation: number): void {
    if (this.primary.acknowledged(backup, epoch, operation)) this.applyCommitted();
  }

  /** Applies and answers everything committed. An expiry that commits brings the next one, without recursion. */
  applyCommitted(): void {
    if (this.#applying) return;
    this.#applying = true;
    do {
      this.#applyAll();
    } while (this.#expiriesApplied && this.#expireDue() && this.applied < this.primary.commit);
    this.#applying = false;
    this.#dropAcknowledged();
  }

  #applyAll(): void {
    const { primary, log, state } = this;
    this.#expiriesApplied = false;
    while (this.applied < primary.commit) {
      const position = this.applied;
      this.applied += 1;
      const kind = log.kind(position);
      state.apply(log, position);
      this.#answer(kind, position);
      if (kind === EntryKind.expireKey) this.#expiryApplied(position);
    }
  }

  /** What every backup holds and is applied here needs no resending; a lone barrier stays for a backup that starts over. */
  #dropAcknowledged(): void {
    if (this.primary.holdsEntries) this.log.dropBefore(Math.min(this.applied, this.primary.commit));
  }

  #expiryApplied(position: number): void {
    this.#expiry.applied(position);
    this.#expiriesApplied = true;
    this.#host.unpark();
  }

  /** One expiry at a time is enough: each that commits brings the next. True when one was appended. */
  #expireDue(): boolean {
    const slot = this.state.keys.dueSlot(this.logTimeMs());
    if (slot < 0 || this.#expiry.pending(slot) >= 0 || this.#expire(slot) < 0) return false;
    this.changed();
    return true;
  }

  #answer(kind: number, position: number): void {
    const { state, log } = this;
    const to = log.owner(position) as ReplyTarget | null;
    const messageId = log.tag(position);
    if (state.status === ApplyStatus.queued) this.#remember(state.queuedWaiter, to, messageId, position);
    if (state.status === ApplyStatus.attached) this.#sessions.attached(state.epoch, state.operation);
    if (to !== null) {
      log.own(position, null, 0);
      const { status, epoch, operation, payloadHigh, payloadLow } = state;
      replyOutcome(kind, status, to, messageId, epoch, operation, payloadHigh, payloadLow);
    }
    for (let index = 0; index < state.grantedCount; index += 1)
      this.#waits.granted(state.granted[index] as number, state.grantEpoch, state.grantOperation);
    for (let index = 0; index < state.endedCount; index += 1) this.#waits.ended(state.ended[index] as number);
  }

  // ---- waits for locks

  #remember(waiter: number, to: ReplyTarget | null, messageId: number, position: number): void {
    const { log } = this;
    const span = readU48(log.data, log.offset(position) + ENTRY_HEAD_BYTES + layout.ENTRY_SPAN);
    this.#waits.queued(waiter, to, messageId, log.timeMs(position), span);
  }

  /** CNCL: ends the wait `sequence`, or lets go of what it was granted (L5). */
  cancel(to: ReplyTarget, messageId: number, bytes: Uint8Array, start: number, end: number): void {
    if (!this.writable) return void this.#refuseBelowMin(to, messageId);
    if (isBackedUp(this.log, this.applied))
      return void refuse(to, messageId, 'KV_OVERLOADED', refusalText('KV_OVERLOADED'));
    const epoch = readU32(bytes, start + codec.WRITE_ATTACH_EPOCH);
    const operation = readI32(bytes, start + codec.WRITE_ATTACH_OPERATION);
    if (this.state.attachments.find(epoch, operation) === undefined)
      return void refuse(to, messageId, 'KV_NO_SESSION', NO_SESSION_TEXT);
    const position = this.#appendCancel(epoch, operation, readI32(bytes, end - 4), true);
    this.log.own(position, to, messageId);
    this.changed();
  }

  #appendCancel(epoch: number, operation: number, sequence: number, releaseGrant: boolean): number {
    const body = new Uint8Array(layout.CANCEL_BYTES);
    writeU32(body, 0, epoch);
    writeU32(body, 4, operation);
    writeU32(body, layout.CANCEL_SEQUENCE, sequence);
    body[layout.CANCEL_RELEASE] = releaseGrant ? 1 : 0;
    return this.primary.append(EntryKind.cancel, this.logTimeMs(), body, 0, body.length);
  }

  // ---- sessions

  /** ATCH: `bytes[start, end)` is its body. */
  attach(to: ReplyTarget, messageId: number, bytes: Uint8Array, start: number, end: number): void {
    if (!this.writable) return void this.#refuseBelowMin(to, messageId);
    const { size } = this.state.attachments;
    if (size >= ATTACHMENTS_MAX || isBackedUp(this.log, this.applied)) {
      return replyFail(to, messageId, 'KV_OVERLOADED', sessionsText(this.id, size));
    }
    if (!this.#host.hasRoomForSession(this)) {
      return replyFail(to, messageId, 'KV_OUT_OF_MEMORY', sessionsText(this.id, size));
    }
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

  /** L3: renews the session's lease here; false: it is not attached, or its end is already appended. */
  renew(session: string): boolean {
    return this.#sessions.renew(session);
  }

  /** The session says good-bye. True when nothing of it will remain once what is appended has committed. */
  leave(session: string): boolean {
    return this.#sessions.leave(session);
  }

  restartSessionClocks(): void {
    this.#sessions.restartClocks();
  }

  /** Everything that time does: keys, sessions and waits that are due. Called every tick. */
  tick(): void {
    if (!this.primary.serving) return;
    this.#expireDue();
    this.#sessions.tick();
    this.#endWaits();
  }

  #endWaits(): void {
    if (!this.writable) return;
    const { locks, attachments } = this.state;
    const now = this.logTimeMs();
    for (let waiter = this.#waits.takeDue(now); waiter >= 0; waiter = this.#waits.takeDue(now)) {
      const attachment = attachments.atSlot(locks.waiterAttachment(waiter));
      if (attachment === null || locks.waiterLock(waiter) < 0) continue;
      this.#appendCancel(attachment.epoch, attachment.operation, locks.waiterSequence(waiter), false);
      this.changed();
    }
  }
}

/** Answers with an error; nothing was appended. */
function refuse(to: ReplyTarget, messageId: number, code: Code, text: string): false {
  replyFail(to, messageId, code, text);
  return false;
}
