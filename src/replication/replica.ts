/**
 * What one replica of a partition holds, whatever its role: the log, how far it is known to be committed, and the newest
 * epoch it has taken part in (R2). The roles come and go with the book: primary.ts, backup.ts.
 */
import { assert } from '../base/assert.ts';
import { type EntryName, type EpochStart, EpochStarts } from './epoch-starts.ts';
import { ReplicationLog } from './replication-log.ts';

export class Replica {
  readonly log: ReplicationLog = new ReplicationLog();
  readonly epochs: EpochStarts = new EpochStarts();
  /** Entries before this position are known to be committed; it never goes back. */
  commit = 0;
  /** Newest epoch of the partition's configuration that it has taken part in: it acknowledges none below (R2). */
  promised = 0;
  /** Time of the last entry, log milliseconds; and when it was taken in, monotonic milliseconds (R23). */
  lastTimeMs = 0;
  lastTakenAtMs = 0;

  /** The last entry held. */
  get last(): EntryName {
    return this.epochs.lastBefore(this.log.next);
  }

  /** True when it never held an entry. */
  get isEmpty(): boolean {
    return this.log.next === 0;
  }

  /** R23: the primary's log time was at least `timeMs` at `nowMs`, monotonic; what is told late may be old by then. */
  sawTime(timeMs: number, nowMs: number): void {
    if (timeMs <= this.lastTimeMs) return;
    this.lastTimeMs = timeMs;
    this.lastTakenAtMs = nowMs;
  }

  promise(epoch: number): void {
    assert(epoch >= this.promised, 'R2: an epoch is never taken back');
    this.promised = epoch;
  }

  /** R15: forgets `position` and all behind it. */
  truncate(position: number): void {
    assert(position >= this.commit, 'R15: a committed entry is never cut off');
    this.log.truncate(position);
    this.epochs.truncate(position);
  }

  dropBefore(position: number): void {
    this.log.dropBefore(position);
    this.epochs.forgetBefore(position);
  }

  /** R21: the state of a snapshot stands for everything before `position`, whose entry before is the last of `epochs`. */
  restart(position: number, epochs: readonly EpochStart[], timeMs: number, nowMs: number): void {
    assert(position >= this.commit, 'R21: a snapshot never takes back what is committed');
    this.log.startAt(position);
    this.epochs.reset(epochs);
    this.commit = position;
    this.lastTimeMs = timeMs;
    this.lastTakenAtMs = nowMs;
  }

  /** R9: the partition begins anew, empty. */
  forget(): void {
    this.log.startAt(0);
    this.epochs.reset([]);
    this.commit = 0;
  }
}
