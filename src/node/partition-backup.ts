/** A partition at one of its backups: holds the log, applies what is committed, says what it has. */
import type { Arena } from '../base/arena.ts';
import { readI32, readU32 } from '../base/bytes.ts';
import * as codec from '../protocol/peer-codec.ts';
import { AcceptStatus, Backup } from '../replication/backup.ts';
import { EntryKind } from '../replication/entry-kind.ts';
import { ReplicationLog } from '../replication/replication-log.ts';
import { stageNamedBy } from './entry-check.ts';
import { PartitionState } from './partition-state.ts';
import type { Stages } from './stages.ts';

export class PartitionBackup {
  readonly id: number;
  readonly primaryMember: number;
  readonly state: PartitionState;
  readonly log: ReplicationLog = new ReplicationLog();
  readonly backup: Backup;
  #applied = 0;
  /** Values in pieces that entries name which are not yet applied. */
  readonly #named: Map<number, Uint8Array> = new Map();
  #namedBytes = 0;
  /** What to tell the primary at the end of this turn; null: nothing. */
  ackStatus: number = AcceptStatus.held;
  /** Listed for the end of this turn. */
  dirty = false;

  constructor(id: number, primaryMember: number, arena: Arena, takeStage: (stage: number) => Uint8Array) {
    this.id = id;
    this.primaryMember = primaryMember;
    this.state = new PartitionState(arena, (stage) => this.#takeNamed(stage) ?? takeStage(stage));
    this.backup = new Backup(this.log);
  }

  #takeNamed(stage: number): Uint8Array | undefined {
    const value = this.#named.get(stage);
    if (value === undefined) return undefined;
    this.#named.delete(stage);
    this.#namedBytes -= value.length;
    return value;
  }

  /** Its primary has told that entries existed which this replica, restarted, does not have (R4). */
  get isLost(): boolean {
    return this.backup.holdsEntries && this.backup.epoch === 0;
  }

  /** Memory of values that entries name which are not yet applied. */
  get namedBytes(): number {
    return this.#namedBytes;
  }

  /**
   * Before `record`, for the record at `at`: false when it cannot be what a primary sends. A new entry may name a value
   * in pieces, which is taken out of `stages` now, so that nothing can befall it until the entry is applied.
   */
  canTake(life: number, bytes: Uint8Array, at: number, stages: Stages): boolean {
    const { backup } = this;
    if (backup.cutsCommitted(readU32(bytes, at + codec.RECORD_EPOCH), bytes, at + codec.RECORD_KIND)) return false;
    const stage = stageNamedBy(bytes, at + codec.RECORD_KIND);
    if (stage < 0) return true;
    const isNext =
      life === backup.life &&
      readU32(bytes, at + codec.RECORD_EPOCH) === backup.epoch &&
      readI32(bytes, at + codec.RECORD_OPERATION) === backup.operation + 1;
    if (!isNext || this.#named.has(stage)) return true;
    const value = stages.take(stage);
    if (value === null) return false;
    this.#named.set(stage, value);
    this.#namedBytes += value.length;
    return true;
  }

  /** One record of an APND frame, `bytes[start, end)` behind its length. True when it calls for an acknowledgement. */
  record(life: number, bytes: Uint8Array, start: number, end: number): boolean {
    const { backup } = this;
    const at = start - codec.RECORD_PARTITION; // offsets of the codec count from the record's length field
    const epoch = readU32(bytes, at + codec.RECORD_EPOCH);
    const operation = readI32(bytes, at + codec.RECORD_OPERATION);
    if (bytes[at + codec.RECORD_KIND] === EntryKind.existed) {
      backup.existed(life);
      return false;
    }
    const isEntry = bytes[at + codec.RECORD_KIND] !== EntryKind.commitOnly;
    if (isEntry) this.ackStatus = backup.accept(life, epoch, operation, bytes, at + codec.RECORD_KIND, end);
    else if (life !== backup.life) return false;
    if (backup.committed(epoch, readI32(bytes, at + codec.RECORD_COMMIT))) this.#applyCommitted();
    return isEntry;
  }

  #applyCommitted(): void {
    const { backup, log, state } = this;
    for (; this.#applied < backup.commit; this.#applied += 1) state.apply(log, this.#applied);
    log.dropBefore(this.#applied);
  }
}
