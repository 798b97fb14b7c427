/** What a partition's primary asks of the node it is on. */
import type { PartitionPrimary } from './partition-primary.ts';
import type { ReplyTarget } from './reply.ts';

export interface PrimaryHost {
  /** Monotonic milliseconds, as of the start of this turn's work. */
  readonly nowMs: number;
  /** The partition has entries to send at the end of the turn. */
  replicate(partition: PartitionPrimary): void;
  /** Whether `bytes` more may be kept, here and at the backups. */
  hasRoom(bytes: number, partition: PartitionPrimary): boolean;
  /** Whether one more session may attach: while memory is used up, too, so that clients that are new can delete. */
  hasRoomForSession(partition: PartitionPrimary): boolean;
  /** Why a backup cannot be counted on now, in words, or null. */
  backupObstacle(member: number, state: number): string | null;
  backupHealthy(member: number): boolean;
  /** Streams a value that does not fit one frame. */
  sendLarge(
    to: ReplyTarget,
    messageId: number,
    value: Uint8Array,
    epoch: number,
    operation: number,
    ttlMs: number,
  ): void;
  /** Requests set aside may go on. */
  unpark(): void;
  /** Puts a request aside until `partition` has applied `position`. */
  park(
    partition: PartitionPrimary,
    position: number,
    to: ReplyTarget,
    messageId: number,
    opcode: number,
    body: Uint8Array,
  ): void;
}
