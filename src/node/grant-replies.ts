/**
 * L8: with the grant of a lock comes the value of its key, for whoever asked for it so. It is the state as of the grant, or of
 * a later moment at which the lock was still held: a read of the past it is not. What is due to expire (R23), or too large for
 * one frame, the holder asks for by itself.
 */
import { readU16 } from '../base/bytes.ts';
import { INLINE_VALUE_BYTES_MAX, KEY_BYTES_MAX } from '../protocol/limits.ts';
import * as layout from '../replication/entry-layout.ts';
import { ENTRY_HEAD_BYTES, type ReplicationLog } from '../replication/replication-log.ts';
import type { PartitionState } from './partition-state.ts';
import { type ReplyTarget, replyLocked, replyLockedApart, replyLockedWith } from './reply.ts';

/** With more than this unsent to whoever waits, values are asked for: one session's end may grant thousands of locks. */
const UNSENT_BYTES_MAX: number = 1024 * 1024;
/** The key of the lock at hand. */
const KEY: Uint8Array = new Uint8Array(KEY_BYTES_MAX);

export interface GrantingPartition {
  readonly state: PartitionState;
  readonly log: ReplicationLog;
  logTimeMs(): number;
}

/** Whether the acquire in the entry at `position` asks for the value of its key. */
export function fetchesAt(log: ReplicationLog, position: number): boolean {
  const flags = log.data[log.offset(position) + ENTRY_HEAD_BYTES + layout.ENTRY_FLAGS] as number;
  return (flags & layout.EntryFlag.wantsValue) !== 0;
}

export class GrantReplies {
  readonly #partition: GrantingPartition;

  constructor(partition: GrantingPartition) {
    this.#partition = partition;
  }

  /** The acquire in the entry at `position`, which was applied last, has been granted. */
  grantedAt(position: number, to: ReplyTarget, messageId: number): void {
    const { log, state } = this.#partition;
    const body = log.offset(position) + ENTRY_HEAD_BYTES;
    const keyStart = body + layout.ENTRY_KEY;
    const keyEnd = keyStart + readU16(log.data, body + layout.ENTRY_KEY_LENGTH);
    this.#granted(to, messageId, state.epoch, state.operation, log.data, keyStart, keyEnd);
  }

  /** To whoever was granted its lock by `request`. */
  answer(request: number, to: ReplyTarget, messageId: number, fetches: boolean): void {
    if (fetches) return this.#withValue(request, to, messageId);
    const { requests } = this.#partition.state.locks;
    replyLocked(to, messageId, requests.tokenEpoch(request), requests.tokenOperation(request));
  }

  #withValue(request: number, to: ReplyTarget, messageId: number): void {
    const { locks } = this.#partition.state;
    const { requests } = locks;
    const slot = requests.lock(request);
    const length = locks.keyLength(slot);
    locks.copyKey(slot, KEY, 0);
    this.#granted(to, messageId, requests.tokenEpoch(request), requests.tokenOperation(request), KEY, 0, length);
  }

  /** The lock of the key `bytes[start, end)` is granted under the token (epoch, operation). */
  #granted(
    to: ReplyTarget,
    messageId: number,
    epoch: number,
    operation: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void {
    const { keys } = this.#partition.state;
    const slot = keys.find(bytes, start, end);
    const deadlineMs = slot < 0 ? 0 : keys.deadlineMs(slot);
    const ttlMs = deadlineMs === 0 ? 0 : deadlineMs - this.#partition.logTimeMs();
    const isFull = to.frames.queuedBytes > UNSENT_BYTES_MAX;
    const isLarge = slot >= 0 && keys.valueLength(slot) > (isFull ? 0 : INLINE_VALUE_BYTES_MAX);
    if (isLarge || ttlMs < 0 || (deadlineMs > 0 && ttlMs === 0)) replyLockedApart(to, messageId, epoch, operation);
    else replyLockedWith(to, messageId, epoch, operation, keys, slot, ttlMs);
  }
}
