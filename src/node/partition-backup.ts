/**
 * A partition at one that follows its primary, in sync or to become so: takes the log, applies what is committed, says
 * what it holds.
 */
import { readI32, readU32, readU48 } from '../base/bytes.ts';
import * as codec from '../protocol/peer-codec.ts';
import { AcceptStatus, Backup } from '../replication/backup.ts';
import { EntryKind } from '../replication/entry-kind.ts';
import { stageNamedBy } from './entry-check.ts';
import type { PartitionReplica } from './partition-replica.ts';
import type { Stages } from './stages.ts';

export class PartitionBackup {
  readonly id: number;
  /** Epoch of the book's entry by which it follows. */
  readonly epoch: number;
  /** Slot of the primary. */
  readonly primaryMember: number;
  readonly kept: PartitionReplica;
  readonly backup: Backup;
  /** What to tell the primary at the end of this turn. */
  ackStatus: number = AcceptStatus.held;
  /** Listed for the end of this turn. */
  dirty = false;
  /** The primary has said something in this configuration: it knows where this log ends. */
  heard = false;
  /** When it was told last where this log ends, monotonic milliseconds. */
  announcedAtMs: number = Number.NEGATIVE_INFINITY;
  /** It has another role now, or follows somebody else. */
  ended = false;

  constructor(kept: PartitionReplica, epoch: number, primaryMember: number) {
    this.id = kept.id;
    this.kept = kept;
    this.epoch = epoch;
    this.primaryMember = primaryMember;
    this.backup = new Backup(kept.replica);
    kept.replica.promise(epoch);
  }

  /** Tells the primary where the log ends, so that it goes on from there. */
  announce(nowMs: number): void {
    this.announcedAtMs = nowMs;
    this.heard = false;
    this.backup.lacking = this.kept.replica.last;
    this.ackStatus = AcceptStatus.mismatch;
  }

  /**
   * Before `record`, for the record at `at`: false when it cannot be what a primary sends. A new entry may name a value
   * in pieces, which is taken out of `stages` now, so that nothing can befall it until the entry is applied.
   */
  canTake(bytes: Uint8Array, at: number, stages: Stages): boolean {
    const epoch = readU32(bytes, at + codec.RECORD_EPOCH);
    const operation = readI32(bytes, at + codec.RECORD_OPERATION);
    const stage = stageNamedBy(bytes, at + codec.RECORD_KIND);
    if (stage < 0 && this.backup.isNext(epoch, operation)) return true; // nearly all of them
    const place = this.backup.placeOf(epoch, operation, bytes, at + codec.RECORD_KIND);
    if (this.backup.cutsCommitted(place)) return false;
    if (stage < 0 || place < 0 || this.kept.hasNamed(stage)) return true;
    const value = stages.take(stage);
    if (value === null) return false;
    this.kept.name(stage, value);
    return true;
  }

  /** One record of an APND frame, at `bytes[at, end)`, taken at `nowMs`. True when it calls for an acknowledgement. */
  record(bytes: Uint8Array, at: number, end: number, nowMs: number): boolean {
    const { backup } = this;
    this.heard = true;
    const epoch = readU32(bytes, at + codec.RECORD_EPOCH);
    const isEntry = bytes[at + codec.RECORD_KIND] !== EntryKind.commitOnly;
    if (isEntry) this.#accept(epoch, bytes, at, end, nowMs);
    else this.kept.replica.sawTime(readU48(bytes, at + codec.RECORD_KIND + 1), nowMs);
    if (backup.committed(epoch, readI32(bytes, at + codec.RECORD_COMMIT))) this.#applyCommitted();
    return isEntry;
  }

  #accept(epoch: number, bytes: Uint8Array, at: number, end: number, nowMs: number): void {
    const { backup } = this;
    const { truncated } = backup;
    const operation = readI32(bytes, at + codec.RECORD_OPERATION);
    this.ackStatus = backup.accept(this.epoch, epoch, operation, bytes, at + codec.RECORD_KIND, end, nowMs);
    if (backup.truncated !== truncated) this.kept.dropUnnamed();
  }

  #applyCommitted(): void {
    const { kept } = this;
    const { replica, log, state } = kept;
    for (; kept.applied < replica.commit; kept.applied += 1) state.apply(log, kept.applied);
    replica.dropBefore(kept.applied);
  }
}
