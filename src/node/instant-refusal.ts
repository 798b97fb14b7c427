/**
 * With nothing uncommitted, what would surely be refused needs no entry: a read, in truth, which a primary may answer only
 * under its lease (R12).
 */
import { readI32, readU16, readU32, readU48 } from '../base/bytes.ts';
import * as codec from '../protocol/client-codec.ts';
import { converts, modeAsked } from '../protocol/lock-request.ts';
import { EntryKind } from '../replication/entry-kind.ts';
import type { PartitionState } from './partition-state.ts';
import type { ReignLease } from './reign-lease.ts';
import { type ReplyTarget, replyDone, replyFail } from './reply.ts';
import { BUSY_TEXT } from './texts.ts';

/** Their outcome depends on more than the revision of the key. */
const MORE_THAN_REVISION: number = codec.WriteFlag.staged | codec.WriteFlag.fenced;

export interface SettledPartition {
  readonly state: PartitionState;
  readonly lease: ReignLease;
}

/** True when the request was answered; `bytes[start, end)` is its body. */
export function refusedAtOnce(
  { state, lease }: SettledPartition,
  kind: number,
  to: ReplyTarget,
  messageId: number,
  bytes: Uint8Array,
  start: number,
  end: number,
): boolean {
  const keyStart = start + codec.WRITE_KEY;
  const keyEnd = keyStart + readU16(bytes, start + codec.WRITE_KEY_LENGTH);
  const flags = bytes[start + codec.WRITE_FLAGS] as number;
  if (kind === EntryKind.acquire) {
    if (readU48(bytes, start + codec.WRITE_SPAN) > 0 || converts(bytes, start)) return false;
    const lock = state.locks.find(bytes, keyStart, keyEnd);
    if (lock < 0 || state.locks.isFreeFor(lock, modeAsked(bytes, keyEnd, end)) || !lease.holds) return false;
    replyFail(to, messageId, 'KV_LOCK_BUSY', BUSY_TEXT);
    return true;
  }
  if ((flags & codec.WriteFlag.ifRevision) === 0 || (flags & MORE_THAN_REVISION) !== 0) return false;
  const { keys } = state;
  const slot = keys.find(bytes, keyStart, keyEnd);
  const epoch = slot < 0 ? 0 : keys.epoch(slot);
  const operation = slot < 0 ? 0 : keys.operation(slot);
  const isAsAsked =
    epoch === readU32(bytes, start + codec.WRITE_EPOCH) && operation === readI32(bytes, start + codec.WRITE_OPERATION);
  if (isAsAsked || !lease.holds) return false;
  replyDone(to, messageId, codec.DoneOutcome.refused, epoch, operation);
  return true;
}
