/** What a partition's primary asks of the node it is on. */
import type { Follower } from '../replication/follower.ts';
import type { PartitionPrimary } from './partition-primary.ts';
import type { LeaseHost, ReignLease } from './reign-lease.ts';
import type { ReplyTarget } from './reply.ts';

/** In place of a position: what a request that was put aside waits for. */
export const Until = {
  /** The partition serves here. */
  serving: -1,
  /** Its primary holds the lease of everybody who could elect another (R12). */
  leased: -2,
} as const;

export interface PrimaryHost extends LeaseHost {
  /** Monotonic milliseconds, as of the start of this turn's work. */
  readonly nowMs: number;
  /** Reads that do not say how are confirmed by a round (R10). */
  readonly readsStrictly: boolean;
  /** The partition has entries to send at the end of the turn. */
  replicate(partition: PartitionPrimary): void;
  /** Slot of the primary that the book names. */
  primaryOf(partition: number): number;
  /** Whether `bytes` more may be kept, here and at those in sync. */
  hasRoom(bytes: number, partition: PartitionPrimary): boolean;
  /** Whether one more session, or more records of one, may be kept: while memory is used up, too, so that clients that are new can delete. */
  hasRoomForSession(partition: PartitionPrimary): boolean;
  /** Why a follower cannot be counted on now, in words, or null. */
  followerObstacle(follower: Follower): string | null;
  /** Whether what it lacks is kept for it, of a log that has `logBytes`: it is there, or was until a moment ago. */
  isWaitedFor(follower: Follower, logBytes: number): boolean;
  /** Streams a value that does not fit one frame. */
  sendLarge(
    to: ReplyTarget,
    messageId: number,
    value: Uint8Array,
    epoch: number,
    operation: number,
    ttlMs: number,
  ): void;
  /** Whether an answer that rests on `lease` may be written to `to` now (R12). */
  mayAnswer(lease: ReignLease, to: ReplyTarget): boolean;
  /** The entry at `position` left the log, and with it the value of `stage` that `holders` were sent. */
  largeGone(partition: PartitionPrimary, position: number, stage: number, holders: ReadonlySet<number>): void;
  /** A session whose lease has run out held so many locks, that of `key` among them. */
  locksLost(partition: number, session: string, count: number, key: Uint8Array): void;
  /** Requests set aside may go on. */
  unpark(): void;
  /** Puts a request aside until `partition` has applied the entry at `until`, or until what `until` names. */
  park(partition: number, until: number, to: ReplyTarget, messageId: number, opcode: number, body: Uint8Array): void;
  /** Answers a read once a round has confirmed that nobody has passed the primary's epoch (R10). */
  confirm(partition: number, to: ReplyTarget, messageId: number, opcode: number, body: Uint8Array): void;
}
