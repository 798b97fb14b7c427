/** Bounds of one partition: what a primary refuses before it appends anything (R7, L12). */
import type { LockTable } from '../lock/lock-table.ts';
import { EntryKind } from '../replication/entry-kind.ts';
import type { ReplicationLog } from '../replication/replication-log.ts';
import { bytesNeeded } from '../store/key-table.ts';

/** Entries appended and not yet committed; one more is refused with KV_OVERLOADED. */
export const PENDING_ENTRIES_MAX = 65_536;
/** Bytes of entries that some backup lacks; above, writers are refused with KV_OVERLOADED. */
export const PENDING_BYTES_MAX: number = 32 * 1024 * 1024;
/** Above so much that is appended on all partitions together and not yet committed, a node is congested. */
export const CONGESTED_ENTRIES = 256;
export const CONGESTED_BYTES: number = 4 * 1024 * 1024;
/** Waits for locks of one session, and of all. */
export const WAITS_PER_SESSION_MAX = 16_384;
export const WAITS_MAX = 131_072;
/** A lock, or a wait, takes about this much besides its key and its label. */
const LOCK_BYTES = 192;

/** Too much is appended and not yet held by all. */
export function isBackedUp(log: ReplicationLog, applied: number): boolean {
  return log.next - applied >= PENDING_ENTRIES_MAX || log.usedBytes > PENDING_BYTES_MAX;
}

interface Appending {
  readonly writable: boolean;
  readonly applied: number;
  readonly log: ReplicationLog;
}

/** What waits for a backup that is away does not count: it may be long. */
export function isCongested(partitions: readonly (Appending | null)[]): boolean {
  let entries = 0;
  let bytes = 0;
  for (let id = 0; id < partitions.length; id += 1) {
    const partition = partitions[id] as Appending | null;
    if (partition === null || partition.log.next === partition.applied || !partition.writable) continue;
    entries += partition.log.next - partition.applied;
    bytes += partition.log.bytesFrom(partition.applied);
  }
  return entries > CONGESTED_ENTRIES || bytes > CONGESTED_BYTES;
}

export function waitsTooMuch(locks: LockTable, attachment: number): boolean {
  return locks.waitsOf(attachment) >= WAITS_PER_SESSION_MAX || locks.waiting >= WAITS_MAX;
}

/** Memory that a write may add for good; 0 for what only takes away, which is never refused for lack of it. */
export function bytesKept(kind: number, stores: boolean, keyLength: number, bodyBytes: number): number {
  if (kind === EntryKind.remove || (kind === EntryKind.release && !stores)) return 0;
  return kind === EntryKind.acquire ? LOCK_BYTES + bodyBytes : bytesNeeded(keyLength, bodyBytes);
}
