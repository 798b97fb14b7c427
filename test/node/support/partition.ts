/**
 * A partition's primary under the test's control, with its backups if it has any: the clock stands still until it is
 * moved, entries and acknowledgements travel when the test says so.
 */
import { Arena } from '../../../src/base/arena.ts';
import { writeU16, writeU32 } from '../../../src/base/bytes.ts';
import { PartitionBackup } from '../../../src/node/partition-backup.ts';
import { PartitionPrimary } from '../../../src/node/partition-primary.ts';
import type { PrimaryHost } from '../../../src/node/primary-host.ts';
import type { ReplyTarget } from '../../../src/node/reply.ts';
import * as op from '../../../src/protocol/opcode.ts';
import * as codec from '../../../src/protocol/peer-codec.ts';
import { AcceptStatus } from '../../../src/replication/backup.ts';
import { BackupState } from '../../../src/replication/primary.ts';

export const PARTITION = 7;
export const EPOCH = 9;
/** Wall time at which the epoch opens. */
export const UNIX_MS = 1_700_000_000_000;
const COMMIT_ONLY = new Uint8Array(7);

export interface ParkedRead {
  readonly position: number;
  readonly to: ReplyTarget;
  readonly messageId: number;
  readonly opcode: number;
  readonly body: Uint8Array;
}

export interface PartitionWorldOptions {
  /** Member 0 is primary, so many behind it are its backups; default 0. */
  readonly backups?: number;
  /** Whether its first epoch is opened, and everything serves; default true. */
  readonly opens?: boolean;
}

export class PartitionWorld implements PrimaryHost {
  /** Monotonic milliseconds. */
  nowMs = 5000;
  /** Whether anything more may be kept. */
  room = true;
  /** Members that cannot be counted on, and why. */
  readonly obstacles: Map<number, string> = new Map();
  readonly parked: ParkedRead[] = [];
  /** Values sent in pieces: message id and length. */
  readonly sentLarge: [number, number][] = [];
  readonly stages: Map<number, Uint8Array> = new Map();
  readonly primary: PartitionPrimary;
  readonly backups: readonly PartitionBackup[];

  constructor({ backups = 0, opens = true }: PartitionWorldOptions = {}) {
    const members = Array.from({ length: backups }, (_, index) => index + 1);
    const takeStage = (stage: number): Uint8Array => this.#takeStage(stage);
    this.primary = new PartitionPrimary(PARTITION, members, new Arena(), this, takeStage);
    this.backups = members.map(() => new PartitionBackup(PARTITION, 0, new Arena(), takeStage));
    if (opens) this.open();
  }

  #takeStage(stage: number): Uint8Array {
    const value = this.stages.get(stage);
    if (value === undefined) throw new Error(`no value was staged under ${stage}`);
    return value;
  }

  open(): void {
    this.primary.open(EPOCH, UNIX_MS);
    this.settle();
  }

  /** Moves the clock, and lets the partition do what is due. */
  pass(ms: number): void {
    this.nowMs += ms;
    this.primary.tick();
  }

  // ---- replication

  /** Hands a backup at most `entriesMax` entries. */
  send(backup: number, entriesMax: number = Number.POSITIVE_INFINITY): void {
    const { primary, log } = this.primary;
    const from = primary.sent[backup] as number;
    const to = Math.min(log.next, from + entriesMax);
    for (let position = from; position < to; position += 1) {
      const offset = log.offset(position);
      const entry = log.data.subarray(offset, offset + log.length(position));
      this.#record(backup, log.epoch(position), log.operation(position), entry);
    }
    primary.sent[backup] = to;
  }

  #record(backup: number, epoch: number, operation: number, entry: Uint8Array): void {
    const { primary } = this.primary;
    const record = new Uint8Array(codec.RECORD_KIND + entry.length);
    writeU32(record, 0, record.length - 4);
    writeU16(record, codec.RECORD_PARTITION, PARTITION);
    writeU32(record, codec.RECORD_EPOCH, epoch);
    writeU32(record, codec.RECORD_OPERATION, operation);
    writeU32(record, codec.RECORD_COMMIT, epoch === primary.epoch ? primary.commitOperation : 0);
    record.set(entry, codec.RECORD_KIND);
    this.backups[backup]?.record(0, record, codec.RECORD_PARTITION, record.length);
  }

  /** Tells the primary what a backup holds. */
  acknowledge(backup: number): void {
    const { backup: core, ackStatus } = this.backups[backup] as PartitionBackup;
    if (ackStatus === AcceptStatus.held) this.primary.acknowledged(backup, core.epoch, core.operation);
  }

  /** Tells a backup how far everything is committed. */
  tellCommit(backup: number): void {
    const { epoch, commitOperation } = this.primary.primary;
    this.#record(backup, epoch, commitOperation, COMMIT_ONLY);
  }

  /** Carries everything there and back until nothing is left to do. */
  settle(): void {
    do {
      for (const backup of this.backups.keys()) {
        this.send(backup);
        this.acknowledge(backup);
      }
    } while ([...this.primary.primary.sent].some((sent) => sent < this.primary.log.next));
    for (const backup of this.backups.keys()) this.tellCommit(backup);
  }

  /** Answers the reads that were put aside and need not wait any longer. */
  retryParked(): void {
    for (const read of this.parked.splice(0)) {
      const { position, to, messageId, opcode, body } = read;
      if (this.primary.applied <= position) this.parked.push(read);
      else if (opcode === op.GETK) this.primary.get(to, messageId, body, 0, opcode);
      else this.primary.scan(to, messageId, body, 0, body.length, opcode);
    }
  }

  // ---- what the primary asks of its node

  replicate(): void {}

  unpark(): void {}

  hasRoomForSession(): boolean {
    return true;
  }

  hasRoom(): boolean {
    return this.room;
  }

  backupHealthy(member: number): boolean {
    return !this.obstacles.has(member);
  }

  backupObstacle(member: number, state: number): string | null {
    const reason = this.obstacles.get(member);
    if (reason !== undefined) return reason;
    return state === BackupState.following ? null : `replica ${member} has not joined yet`;
  }

  sendLarge(_to: ReplyTarget, messageId: number, value: Uint8Array): void {
    this.sentLarge.push([messageId, value.length]);
  }

  park(
    _partition: PartitionPrimary,
    position: number,
    to: ReplyTarget,
    messageId: number,
    opcode: number,
    body: Uint8Array,
  ): void {
    this.parked.push({ position, to, messageId, opcode, body });
  }
}
