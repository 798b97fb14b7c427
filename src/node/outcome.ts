/** The reply that tells what came of an entry, or of the record kept of one (R22). */
import { DoneOutcome } from '../protocol/client-codec.ts';
import { EntryKind } from '../replication/entry-kind.ts';
import { ApplyStatus } from './partition-state.ts';
import { type ReplyTarget, replyDone, replyFail, replyLocked, replyQueued, replySum } from './reply.ts';
import {
  BUSY_TEXT,
  CONVERSION_DEADLOCK_TEXT,
  FENCED_TEXT,
  FORGOTTEN_TEXT,
  NO_SESSION_TEXT,
  NOT_HELD_TEXT,
  NOT_INTEGER_TEXT,
} from './texts.ts';

export function replyOutcome(
  kind: number,
  status: number,
  to: ReplyTarget,
  messageId: number,
  epoch: number,
  operation: number,
  payloadHigh: number,
  payloadLow: number,
): void {
  switch (status) {
    case ApplyStatus.applied:
      if (kind === EntryKind.increment) return replySum(to, messageId, epoch, operation, payloadHigh, payloadLow);
      return replyDone(to, messageId, DoneOutcome.applied, epoch, operation);
    case ApplyStatus.attached:
      return replyDone(to, messageId, DoneOutcome.applied, epoch, operation);
    case ApplyStatus.refused:
      return replyDone(to, messageId, DoneOutcome.refused, epoch, operation);
    case ApplyStatus.granted:
      return replyLocked(to, messageId, epoch, operation);
    case ApplyStatus.queued:
      return replyQueued(to, messageId);
    case ApplyStatus.busy:
      return replyFail(to, messageId, 'KV_LOCK_BUSY', BUSY_TEXT);
    case ApplyStatus.deadlock:
      return replyFail(to, messageId, 'KV_DEADLOCK', CONVERSION_DEADLOCK_TEXT);
    case ApplyStatus.notHeld:
      return replyFail(to, messageId, 'KV_NOT_HELD', NOT_HELD_TEXT);
    case ApplyStatus.fenced:
      return replyFail(to, messageId, 'KV_FENCED', FENCED_TEXT);
    case ApplyStatus.notInteger:
      return replyFail(to, messageId, 'KV_NOT_INTEGER', NOT_INTEGER_TEXT);
    case ApplyStatus.forgotten:
      return replyFail(to, messageId, 'KV_AMBIGUOUS', FORGOTTEN_TEXT);
    case ApplyStatus.noSession:
      return replyFail(to, messageId, 'KV_NO_SESSION', NO_SESSION_TEXT);
    default:
      return replyDone(to, messageId, DoneOutcome.applied, epoch, operation);
  }
}
