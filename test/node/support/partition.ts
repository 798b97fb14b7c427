/**
 * A partition at one primary after the other, under the test's control, with its backups if it has any: the clock stands
 * still until it is moved, entries and acknowledgements travel when the test says so.
 */
import { Arena } from '../../../src/base/arena.ts';
import { writeU16, writeU32 } from '../../../src/base/bytes.ts';
import { PartitionBackup } from '../../../src/node/partition-backup.ts';
import { PartitionPrimary } from '../../../src/node/partition-primary.ts';
import { PartitionReplica } from '../../../src/node/partition-replica.ts';
import { PartitionState } from '../../../src/node/partition-state.ts';
import { type PrimaryHost, Until } from '../../../src/node/primary-host.ts';
import type { ReignLease } from '../../../src/node/reign-lease.ts';
import type { ReplyTarget } from '../../../src/node/reply.ts';
import * as op from '../../../src/protocol/opcode.ts';
import * as codec from '../../../src/protocol/peer-codec.ts';
import { AcceptStatus } from '../../../src/replication/backup.ts';
import { type Follower, FollowerState } from '../../../src/replication/follower.ts';

export const PARTITION = 7;
export const EPOCH = 9;
/** Wall time at which the first epoch begins. */
export const UNIX_MS = 1_700_000_000_000;
const COMMIT_ONLY = new Uint8Array(7);

export interface WaitingRead {
  readonly to: ReplyTarget;
  readonly messageId: number;
  readonly opcode: number;
  readonly body: Uint8Array;
}

export interface ParkedRead extends WaitingRead {
  readonly until: number;
}

export interface PartitionWorldOptions {
  /** Member 0 is primary, so many behind it are its backups, all in sync; default 0. */
  readonly backups?: number;
  /** Whether everybody is heard from the beginning, so that everything serves; default true. If not, all are silent. */
  readonly opens?: boolean;
  /** Largest operation number of an epoch. */
  readonly operationsMax?: number;
}

export class PartitionWorld implements PrimaryHost {
  /** Monotonic milliseconds, as of the beginning of the turn. */
  nowMs = 5000;
  /** The wall clock, as whoever is elected reads it. */
  unixMs: number = UNIX_MS;
  /** So much later it really is: the process has slept since. */
  sleptMs = 0;
  /** Whether anything more may be kept. */
  room = true;
  roomForSessions = true;
  readsStrictly = false;
  /** Of members: why they cannot be counted on. */
  readonly obstacles: Map<number, string> = new Map();
  /** Places in `backups` that nothing reaches, and that are not heard. */
  readonly silent: Set<number> = new Set();
  /** Until when members have granted their leases; those that are not here, for ever. */
  readonly leases: Map<number, number> = new Map();
  /** Members whose log is not kept for them any longer, unless they are in sync. */
  readonly given: Set<number> = new Set();
  readonly parked: ParkedRead[] = [];
  /** Reads that wait for a round. */
  readonly confirming: WaitingRead[] = [];
  /** Values sent in pieces: message id and length. */
  readonly sentLarge: [number, number][] = [];
  readonly losses: string[] = [];
  readonly stages: Map<number, Uint8Array> = new Map();
  readonly kept: readonly PartitionReplica[];
  primary: PartitionPrimary;
  /** Those of the others, in the order of their members; the primary's followers stand in the same order. */
  backups: readonly PartitionBackup[];
  /** Member that the book names. */
  primaryMember = 0;
  readonly #operationsMax: number | undefined;

  constructor({ backups = 0, opens = true, operationsMax }: PartitionWorldOptions = {}) {
    const takeStage = (stage: number): Uint8Array => this.#takeStage(stage);
    this.kept = Array.from(
      { length: backups + 1 },
      () => new PartitionReplica(PARTITION, () => new PartitionState(new Arena(), takeStage)),
    );
    this.#operationsMax = operationsMax;
    if (!opens) for (let backup = 0; backup < backups; backup += 1) this.silent.add(backup);
    [this.primary, this.backups] = this.#begin(EPOCH);
    this.primary.changed();
    this.settle();
    this.primary.tick();
  }

  #takeStage(stage: number): Uint8Array {
    const value = this.stages.get(stage);
    if (value === undefined) throw new Error(`no value was staged under ${stage}`);
    return value;
  }

  /** The member that the book names begins its reign, everybody else follows it. */
  #begin(epoch: number): [PartitionPrimary, PartitionBackup[]] {
    const { primaryMember, unixMs } = this;
    const limit = this.#operationsMax === undefined ? {} : { operationsMax: this.#operationsMax };
    const kept = this.kept[primaryMember] as PartitionReplica;
    const primary = new PartitionPrimary(kept, { epoch, unixMs, ...limit }, this);
    const others = [...this.kept.keys()].filter((member) => member !== primaryMember);
    for (const member of others) primary.primary.follow(member).inSync = true;
    primary.lease.needs(others);
    return [primary, others.map((member) => new PartitionBackup(this.keptBy(member), epoch, primaryMember))];
  }

  keptBy(member: number): PartitionReplica {
    return this.kept[member] as PartitionReplica;
  }

  /** The book names `member`: whoever reigned is told, and the next reign begins. What was under way is lost. */
  elect(member: number, epoch: number): void {
    this.primaryMember = member;
    this.primary.end();
    for (const backup of this.backups) backup.ended = true;
    [this.primary, this.backups] = this.#begin(epoch);
    this.primary.changed();
  }

  /** The member has granted its lease until then, and no longer: what was known of it is forgotten. */
  lease(member: number, untilMs: number): void {
    this.leases.set(member, untilMs);
    this.primary.lease.void();
  }

  /** Moves the clock, and lets the partition do what is due. */
  pass(ms: number): void {
    this.nowMs += ms;
    this.primary.tick();
  }

  /** R7: the book has left fewer in sync than may commit. */
  freeze(): void {
    this.primary.primary.frozen = true;
  }

  /** There are enough again. */
  thaw(): void {
    this.primary.primary.frozen = false;
    this.primary.advance();
  }

  // ---- replication

  follower(backup: number): Follower {
    return this.primary.primary.followers[backup] as Follower;
  }

  /** Hands a backup at most `entriesMax` entries. */
  send(backup: number, entriesMax: number = Number.POSITIVE_INFINITY): void {
    const { log } = this.primary;
    const follower = this.follower(backup);
    const from = follower.sent;
    const to = Math.min(log.next, from + entriesMax);
    for (let position = from; position < to; position += 1) {
      const offset = log.offset(position);
      const entry = log.data.subarray(offset, offset + log.length(position));
      this.#record(backup, log.epoch(position), log.operation(position), entry);
    }
    follower.sent = to;
  }

  #record(backup: number, epoch: number, operation: number, entry: Uint8Array): void {
    const { primary } = this.primary;
    const record = new Uint8Array(codec.RECORD_KIND + entry.length);
    writeU32(record, 0, record.length - 4);
    writeU16(record, codec.RECORD_PARTITION, PARTITION);
    writeU32(record, codec.RECORD_CONFIGURATION, primary.epoch);
    writeU32(record, codec.RECORD_EPOCH, epoch);
    writeU32(record, codec.RECORD_OPERATION, operation);
    writeU32(record, codec.RECORD_COMMIT, epoch === primary.epoch ? primary.commitOperation : 0);
    record.set(entry, codec.RECORD_KIND);
    this.backups[backup]?.record(record, 0, record.length, this.nowMs);
  }

  /** Tells the primary what a backup holds. */
  acknowledge(backup: number): void {
    const { backup: core, ackStatus, kept } = this.backups[backup] as PartitionBackup;
    const { epoch, operation } = ackStatus === AcceptStatus.mismatch ? core.lacking : kept.replica.last;
    if (ackStatus === AcceptStatus.held) this.primary.acknowledged(this.follower(backup), epoch, operation);
    else if (ackStatus === AcceptStatus.mismatch) {
      this.primary.primary.mismatched(this.follower(backup), epoch, operation);
    }
  }

  /** Tells a backup how far everything is committed. */
  tellCommit(backup: number): void {
    const { epoch, commitOperation } = this.primary.primary;
    this.#record(backup, epoch, commitOperation, COMMIT_ONLY);
  }

  /** Everybody who is not silent. */
  get #heard(): number[] {
    return [...this.backups.keys()].filter((backup) => !this.silent.has(backup));
  }

  /** Carries everything there and back until nothing is left to do. */
  settle(): void {
    do {
      for (const backup of this.#heard) {
        this.send(backup);
        this.acknowledge(backup);
      }
    } while (this.#heard.some((backup) => this.follower(backup).sent < this.primary.log.next));
    for (const backup of this.#heard) this.tellCommit(backup);
  }

  // ---- reads that wait

  /** Answers the reads that were put aside and need not wait any longer. */
  retryParked(): void {
    for (const read of this.parked.splice(0)) {
      const waits =
        read.until === Until.leased ? !this.primary.lease.holds : read.until >= 0 && this.primary.applied <= read.until;
      if (waits) this.parked.push(read);
      else this.#read(read, false);
    }
  }

  /** A round has confirmed the primary: answers the reads that waited for it. */
  confirmed(): void {
    for (const read of this.confirming.splice(0)) this.#read(read, true);
  }

  #read({ to, messageId, opcode, body }: WaitingRead, confirmed: boolean): void {
    const { reads } = this.primary;
    if (opcode === op.GETK) reads.get(to, messageId, body, 0, opcode, confirmed);
    else reads.scan(to, messageId, body, 0, body.length, opcode, confirmed);
  }

  // ---- what the primary asks of its node

  touch(): number {
    return this.nowMs + this.sleptMs;
  }

  leaseUntilMs(member: number): number {
    return this.leases.get(member) ?? Number.POSITIVE_INFINITY;
  }

  mayAnswer(lease: ReignLease): boolean {
    return lease.holds;
  }

  primaryOf(): number {
    return this.primaryMember;
  }

  largeGone(): void {}

  replicate(): void {}

  locksLost(partition: number, session: string, count: number, key: Uint8Array): void {
    this.losses.push(`${partition} ${session} ${count} ${Buffer.from(key)}`);
  }

  unpark(): void {}

  hasRoomForSession(): boolean {
    return this.roomForSessions;
  }

  hasRoom(): boolean {
    return this.room;
  }

  followerObstacle({ member, state }: Follower): string | null {
    const reason = this.obstacles.get(member);
    if (reason !== undefined) return reason;
    return state === FollowerState.following ? null : `replica ${member} has not joined yet`;
  }

  isWaitedFor({ member }: Follower): boolean {
    return !this.given.has(member);
  }

  sendLarge(_to: ReplyTarget, messageId: number, value: Uint8Array): void {
    this.sentLarge.push([messageId, value.length]);
  }

  park(_: number, until: number, to: ReplyTarget, messageId: number, opcode: number, body: Uint8Array): void {
    this.parked.push({ until, to, messageId, opcode, body });
  }

  confirm(_: number, to: ReplyTarget, messageId: number, opcode: number, body: Uint8Array): void {
    this.confirming.push({ to, messageId, opcode, body });
  }
}
