/** A backup of the random schedule: one life after another, and what the life of the primary that it follows has appended. */
import { readU32 } from '../../../src/base/bytes.ts';
import { AcceptStatus, Backup } from '../../../src/replication/backup.ts';
import { EntryKind } from '../../../src/replication/entry-kind.ts';
import { ENTRY_HEAD_BYTES, ReplicationLog } from '../../../src/replication/replication-log.ts';
import { describeEntry } from './entries.ts';

/** All that one life of a primary appended, and how much of it became committed. */
export interface History {
  readonly life: number;
  readonly entries: string[];
  committed: number;
}

export interface SentRecord {
  readonly history: History;
  readonly epoch: number;
  readonly operation: number;
  /** The entry from its kind on; null: only the commit point, or, with `existed`, not even that. */
  readonly raw: Uint8Array | null;
  readonly existed?: boolean;
  readonly commit: number;
}

export interface Acknowledgement {
  readonly status: number;
  readonly epoch: number;
  readonly operation: number;
}

export class Replica {
  backup: Backup = new Backup(new ReplicationLog());
  /** Lives of the process. */
  incarnation = 0;
  /** Whose entries it holds; null while it holds none. */
  history: History | null = null;
  /** Position of the first of them in its own log. */
  #base = 0;
  #commitSeen = 0;

  restart(): void {
    this.backup = new Backup(new ReplicationLog());
    this.incarnation += 1;
    this.history = null;
    this.#base = 0;
    this.#commitSeen = 0;
  }

  /** Takes one batch; its last entry decides the answer, as in the driver. */
  take(records: readonly SentRecord[]): Acknowledgement | null {
    const { backup } = this;
    let status = -1;
    for (const record of records) {
      if (record.existed) {
        backup.existed(record.history.life);
        continue;
      }
      if (record.raw !== null) status = this.#accept(record, record.raw);
      else if (record.history.life !== backup.life) continue;
      backup.committed(record.epoch, record.commit);
      backup.log.dropBefore(backup.commit);
    }
    return status < 0 ? null : { status, epoch: backup.epoch, operation: backup.operation };
  }

  #accept({ history, epoch, operation }: SentRecord, raw: Uint8Array): number {
    const { backup } = this;
    const status = backup.accept(history.life, epoch, operation, raw, 0, raw.length);
    const isFirst = raw[0] === EntryKind.barrier && readU32(raw, ENTRY_HEAD_BYTES) === 0;
    if (status === AcceptStatus.held && isFirst && backup.epoch === epoch && backup.operation === 1) {
      this.history = history;
      this.#base = backup.log.next - 1;
    }
    return status;
  }

  /** Entries of `history` that it holds, or held before it dropped what is committed. */
  held(history: History): number {
    return this.history === history ? this.backup.log.next - this.#base : 0;
  }

  /** What is wrong with it, or null. */
  violation(): string | null {
    const { backup, history } = this;
    if (backup.commit < this.#commitSeen) return 'its commit point went back';
    this.#commitSeen = backup.commit;
    if (history === null) return backup.log.next === 0 ? null : 'it holds entries of nobody';
    if (backup.commit - this.#base > history.committed) return 'R5: it counts as committed what is not';
    for (let position = Math.max(backup.log.first, this.#base); position < backup.log.next; position += 1) {
      const expected = history.entries[position - this.#base];
      if (describeEntry(backup.log, position) !== expected)
        return `R6: another entry than the primary's at ${position}`;
    }
    return null;
  }
}
