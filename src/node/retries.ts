/** Requests that a primary has seen before join the one under way, or get the answer that was kept (R22). */
import { readU48 } from '../base/bytes.ts';
import * as codec from '../protocol/client-codec.ts';
import { type Attachment, RecordStatus } from '../replication/attachment.ts';
import { EntryKind } from '../replication/entry-kind.ts';
import type { ReplicationLog } from '../replication/replication-log.ts';
import { unitsOfRequests } from './fair-share.ts';
import type { GrantReplies } from './grant-replies.ts';
import type { LockWaits } from './lock-waits.ts';
import { replyOutcome } from './outcome.ts';
import type { PartitionState } from './partition-state.ts';
import { type ReplyTarget, replyFail, replyQueued } from './reply.ts';
import { BUSY_TEXT, FORGOTTEN_TEXT } from './texts.ts';

export interface RetriedPartition {
  readonly state: PartitionState;
  readonly log: ReplicationLog;
  logTimeMs(): number;
}

export class Retries {
  readonly #partition: RetriedPartition;
  readonly #waits: LockWaits;
  readonly #grants: GrantReplies;

  constructor(partition: RetriedPartition, waits: LockWaits, grants: GrantReplies) {
    this.#partition = partition;
    this.#waits = waits;
    this.#grants = grants;
  }

  /** True when the request was seen before; then it is answered, or will be. `bytes` hold its body from `start` on. */
  answeredBefore(
    kind: number,
    attachment: Attachment,
    sequence: number,
    to: ReplyTarget,
    messageId: number,
    bytes: Uint8Array,
    start: number,
  ): boolean {
    if (attachment.isBeforeMark(sequence)) {
      this.#joinWait(kind, attachment, sequence, to, messageId, bytes, start);
      return true;
    }
    const status = attachment.status(sequence);
    if (status === RecordStatus.none) return false;
    if (status === RecordStatus.pending) {
      this.#partition.log.own(attachment.pendingPosition(sequence), to, messageId);
    } else if (
      status === RecordStatus.queued ||
      (status === RecordStatus.granted && this.#isHeld(attachment, sequence))
    ) {
      this.#joinWait(kind, attachment, sequence, to, messageId, bytes, start);
    } else replyRecord(kind, attachment, sequence, status, to, messageId);
    return true;
  }

  #isHeld(attachment: Attachment, sequence: number): boolean {
    return this.#partition.state.locks.heldFor(attachment.slot, sequence) >= 0;
  }

  /** A queued wait outlives the mark: it is found among the waiters, or, granted meanwhile, among the locks. */
  #joinWait(
    kind: number,
    attachment: Attachment,
    sequence: number,
    to: ReplyTarget,
    messageId: number,
    bytes: Uint8Array,
    start: number,
  ): void {
    const { locks } = this.#partition.state;
    const fetches = ((bytes[start + codec.WRITE_FLAGS] as number) & codec.WriteFlag.wantsValue) !== 0;
    if (kind !== EntryKind.acquire) return replyFail(to, messageId, 'KV_AMBIGUOUS', FORGOTTEN_TEXT);
    to.units += unitsOfRequests(locks.looksFor(attachment.slot));
    const waiter = locks.waiterOf(attachment.slot, sequence);
    if (waiter >= 0) {
      // Of a wait that was queued under a former primary nobody here knows how long it was to be.
      const spanMs = readU48(bytes, start + codec.WRITE_SPAN);
      if (this.#waits.isKnown(waiter)) this.#waits.answerTo(waiter, to, messageId, fetches);
      else this.#waits.queued(waiter, to, messageId, fetches, this.#partition.logTimeMs(), spanMs);
      return replyQueued(to, messageId);
    }
    const held = locks.heldFor(attachment.slot, sequence);
    if (held >= 0) return this.#grants.answer(held, to, messageId, fetches);
    replyFail(to, messageId, 'KV_LOCK_BUSY', BUSY_TEXT);
  }
}

function replyRecord(
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
