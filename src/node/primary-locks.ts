/**
 * The locks of a partition at its primary: who is told of a grant and of the end of a wait, whose time is up, who wants to hear
 * that somebody waits, and what was lost (L5, L7, L13, L14). Who holds what is committed state (`lock/lock-table.ts`).
 */
import { readI32, readU32, readU48, writeU32 } from '../base/bytes.ts';
import * as codec from '../protocol/client-codec.ts';
import { type Attachment, RECORDS_MAX } from '../replication/attachment.ts';
import { EntryKind } from '../replication/entry-kind.ts';
import * as layout from '../replication/entry-layout.ts';
import type { Primary } from '../replication/primary.ts';
import { ENTRY_HEAD_BYTES, type ReplicationLog } from '../replication/replication-log.ts';
import { isBackedUp } from './admission.ts';
import { unitsOfRequests } from './fair-share.ts';
import { fetchesAt, GrantReplies } from './grant-replies.ts';
import { LockBreaks } from './lock-breaks.ts';
import { LockDelays } from './lock-delays.ts';
import { LockNotices } from './lock-notices.ts';
import { LockWaits } from './lock-waits.ts';
import type { PartitionState } from './partition-state.ts';
import { type ReplyTarget, replyDone, replyFail } from './reply.ts';
import { NO_SESSION_TEXT, NOT_HELD_TEXT, refusalText } from './texts.ts';

const NONE = -1;

/** The reign that the locks belong to. */
export interface LockingPartition {
  readonly id: number;
  readonly state: PartitionState;
  readonly log: ReplicationLog;
  readonly primary: Primary;
  readonly applied: number;
  readonly serving: boolean;
  readonly writable: boolean;
  readonly lease: { readonly holds: boolean };
  logTimeMs(): number;
  changed(): void;
  hasRoomForRecord(attachment: Attachment, sequence: number, mark: number): boolean;
  refuseNow(to: ReplyTarget, messageId: number): false;
}

interface LossesHost {
  locksLost(partition: number, session: string, locks: number, key: Uint8Array): void;
}

export class PrimaryLocks {
  readonly grants: GrantReplies;
  readonly waits: LockWaits;
  readonly breaks: LockBreaks;
  readonly #partition: LockingPartition;
  readonly #host: LossesHost;
  readonly #delays: LockDelays;
  readonly #notices: LockNotices;

  constructor(partition: LockingPartition, host: LossesHost) {
    const { id, state, primary } = partition;
    this.#partition = partition;
    this.#host = host;
    this.grants = new GrantReplies(partition);
    this.waits = new LockWaits(this.grants);
    this.breaks = new LockBreaks(partition);
    this.#delays = new LockDelays(state.locks, primary);
    this.#notices = new LockNotices(id, state.locks);
  }

  // ---- what was applied

  /** The acquire in the entry at `position` has queued `request`. */
  queued(request: number, to: ReplyTarget | null, messageId: number, position: number): void {
    const { log } = this.#partition;
    const span = readU48(log.data, log.offset(position) + ENTRY_HEAD_BYTES + layout.ENTRY_SPAN);
    this.waits.queued(request, to, messageId, fetchesAt(log, position), log.timeMs(position), span);
    this.#notices.queued(request);
  }

  /** Tells those whose waits the entry of that kind, applied last, has ended, by a grant or without. */
  tellNews(kind: number): void {
    const { locks } = this.#partition.state;
    for (let index = 0; index < locks.grantedCount; index += 1) this.waits.granted(locks.granted[index] as number);
    for (let index = 0; index < locks.endedCount; index += 1)
      this.waits.ended(locks.ended[index] as number, kind === EntryKind.detach);
    this.breaks.tellNews();
  }

  // ---- what clients ask

  /** CNCL: ends the wait `sequence`, or takes back what it was granted (L5). */
  cancel(to: ReplyTarget, messageId: number, bytes: Uint8Array, start: number, end: number): void {
    const partition = this.#partition;
    if (!partition.writable) return void partition.refuseNow(to, messageId);
    const attachment = this.#attachmentIn(bytes, start);
    if (attachment === undefined) return replyFail(to, messageId, 'KV_NO_SESSION', NO_SESSION_TEXT);
    to.units += unitsOfRequests(partition.state.locks.looksFor(attachment.slot));
    const sequence = readI32(bytes, end - 4);
    const firstKept = (sequence - RECORDS_MAX + 1) | 0;
    if (isBackedUp(partition.log, partition.applied) || !partition.hasRoomForRecord(attachment, sequence, firstKept))
      return replyFail(to, messageId, 'KV_OVERLOADED', refusalText('KV_OVERLOADED'));
    const position = this.#appendCancel(attachment, sequence, true);
    partition.log.own(position, to, messageId);
    partition.changed();
  }

  #attachmentIn(bytes: Uint8Array, start: number): Attachment | undefined {
    const epoch = readU32(bytes, start + codec.WRITE_ATTACH_EPOCH);
    return this.#partition.state.attachments.find(epoch, readI32(bytes, start + codec.WRITE_ATTACH_OPERATION));
  }

  #appendCancel({ epoch, operation }: Attachment, sequence: number, takesBack: boolean): number {
    const body = new Uint8Array(layout.CANCEL_BYTES);
    writeU32(body, 0, epoch);
    writeU32(body, 4, operation);
    writeU32(body, layout.CANCEL_SEQUENCE, sequence);
    body[layout.CANCEL_RELEASE] = takesBack ? 1 : 0;
    return this.#partition.primary.append(EntryKind.cancel, this.#partition.logTimeMs(), body, 0, body.length);
  }

  /** L10: ends the wait `sequence` of that attachment, and tells why. False: there is none, or nobody is there to be told. */
  condemn(epoch: number, operation: number, sequence: number, text: string): boolean {
    const partition = this.#partition;
    if (!partition.writable) return false;
    const { attachments, locks } = partition.state;
    const attachment = attachments.find(epoch, operation);
    const waiter = attachment === undefined ? NONE : locks.waiterOf(attachment.slot, sequence);
    if (attachment === undefined || waiter === NONE || !this.waits.condemn(waiter, text)) return false;
    this.#appendCancel(attachment, sequence, false);
    partition.changed();
    return true;
  }

  /** WANT: whoever holds the lock under that token wants to hear who waits for it, or only whether it is held (R12). */
  watch(to: ReplyTarget, messageId: number, bytes: Uint8Array, start: number, end: number): void {
    const { state, serving, lease } = this.#partition;
    if (!serving || !lease.holds) return void this.#partition.refuseNow(to, messageId);
    const attachment = this.#attachmentIn(bytes, start);
    if (attachment !== undefined) to.units += unitsOfRequests(state.locks.looksFor(attachment.slot));
    const held = attachment === undefined ? NONE : state.locks.heldFor(attachment.slot, readI32(bytes, end - 4));
    const epoch = readU32(bytes, start + codec.WRITE_EPOCH);
    const operation = readI32(bytes, start + codec.WRITE_OPERATION);
    if (held === NONE || !state.locks.requests.hasToken(held, epoch, operation))
      return replyFail(to, messageId, 'KV_NOT_HELD', NOT_HELD_TEXT);
    replyDone(to, messageId, codec.DoneOutcome.applied, epoch, operation);
    if (readU48(bytes, start + codec.WRITE_SPAN) === codec.WantSpan.watch) this.#notices.watch(held, to);
  }

  // ---- what time does

  /** Waits whose time is up, lock-delays that are over, and watches of what is not held any more. */
  tick(): void {
    this.#notices.forgetGone();
    const partition = this.#partition;
    if (!partition.writable) return;
    const now = partition.logTimeMs();
    const waitsEnd = this.#endWaits(now);
    const delaysEnd = this.#delays.endDue(now);
    if (waitsEnd || delaysEnd) partition.changed();
  }

  #endWaits(now: number): boolean {
    const { locks, attachments } = this.#partition.state;
    let some = false;
    for (let waiter = this.waits.takeDue(now); waiter >= 0; waiter = this.waits.takeDue(now)) {
      const attachment = attachments.atSlot(locks.requests.attachment(waiter));
      if (attachment === null || !locks.isWaiting(waiter)) continue;
      this.#appendCancel(attachment, locks.waitSequence(waiter), false);
      some = true;
    }
    return some;
  }

  /** L14: what a session loses whose lease has run out. */
  ranOut({ slot, name }: Attachment): void {
    const { locks } = this.#partition.state;
    const first = locks.firstHeld(slot);
    if (first === NONE) return;
    let held = 0;
    for (let request = first; request !== NONE; request = locks.heldAfter(request)) held += 1;
    const lock = locks.requests.lock(first);
    const key = new Uint8Array(locks.keyLength(lock));
    locks.copyKey(lock, key, 0);
    this.#host.locksLost(this.#partition.id, name, held, key);
  }
}
