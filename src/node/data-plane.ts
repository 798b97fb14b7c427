/**
 * Everything a node does with partitions, put together: roles and reigns (partitions.ts), entries and acknowledgements
 * (replicator.ts), catching up, in-sync sets, hand-overs, reads that wait. It knows the peers, and no socket.
 */
import type { Arena } from '../base/arena.ts';
import type { Log, Random } from '../base/ports.ts';
import { type Book, type BookPartition, NO_MEMBER } from '../cluster/book.ts';
import type { Command } from '../cluster/commands.ts';
import type { KeyvalError } from '../errors.ts';
import { CNFD, LRLS } from '../protocol/opcode.ts';
import type { Follower } from '../replication/follower.ts';
import { CatchUp } from './catch-up.ts';
import { Connection } from './connection.ts';
import { Deadlocks } from './deadlocks.ts';
import { HandOvers } from './hand-overs.ts';
import { InSyncKeeper } from './in-sync-keeper.ts';
import { NO_AGE, sendLargeValue } from './large-values.ts';
import { LargeWrites } from './large-writes.ts';
import { LeasedAnswers } from './leased-answers.ts';
import { LockLosses } from './lock-losses.ts';
import type { NodeMemory } from './node-memory.ts';
import { ParkedRequests } from './parked-requests.ts';
import type { PartitionBackup } from './partition-backup.ts';
import type { PartitionPrimary } from './partition-primary.ts';
import { Partitions } from './partitions.ts';
import type { Peer } from './peer.ts';
import type { NodePorts } from './ports.ts';
import type { PrimaryHost } from './primary-host.ts';
import type { ReignLease } from './reign-lease.ts';
import { Replicator } from './replicator.ts';
import { type ReplyTarget, replyFail } from './reply.ts';
import type { Roster } from './roster.ts';
import type { NodeSettings } from './settings.ts';
import { StaleReads } from './stale-reads.ts';
import { StrictReads } from './strict-reads.ts';

/** A follower whose link broke is waited for so long, and no longer than this much of the log. */
const EXPECTED_BACK_MS = 30_000;
const KEPT_FOR_ABSENT_BYTES: number = 256 * 1024;
/** Nor is more kept for one that is there and not in sync: it gets a snapshot. */
const KEPT_FOR_LINKED_BYTES: number = 16 * 1024 * 1024;
/** A primary that says nothing may not have known this life of this node when it was told: it is told again. */
const ANNOUNCE_AGAIN_MS = 500;
/** In a line of the log. */
const PARTITIONS_SHOWN = 16;
/** A node that has heard no commander for so long serves nothing any more: others may have gone on without it (R9). */
export const ORPHAN_MS = 30_000;

export interface DataPlaneHost {
  readonly settings: NodeSettings;
  readonly ports: NodePorts;
  readonly incarnation: Uint8Array;
  readonly isCommander: boolean;
  readonly arena: Arena;
  readonly memory: NodeMemory;
  readonly roster: Roster;
  readonly peers: readonly Peer[];
  readonly nowMs: number;
  touch(): number;
  /** Reads the clocks, and calls `voidLeases` where they have jumped. */
  checkClocks(): void;
  propose(command: Command): void;
  reportUnreachable(partition: PartitionPrimary, slots: readonly number[]): void;
  handleAgain(to: ReplyTarget, opcode: number, messageId: number, body: Uint8Array): void;
}

export class DataPlane implements PrimaryHost {
  readonly partitions: Partitions;
  readonly catchUp: CatchUp;
  readonly strictReads: StrictReads;
  readonly staleReads: StaleReads;
  readonly parked: ParkedRequests;
  readonly handOvers: HandOvers;
  readonly deadlocks: Deadlocks;
  readonly largeWrites: LargeWrites;
  readonly settings: NodeSettings;
  readonly ports: NodePorts;
  readonly log: Log;
  readonly random: Random;
  readonly arena: Arena;
  readonly readsStrictly: boolean;
  /** Reigns begun here so far, and those ended by the book. */
  reignsBegun = 0;
  reignsEnded = 0;
  readonly #host: DataPlaneHost;
  readonly #replicator: Replicator;
  readonly #inSync: InSyncKeeper;
  readonly #leased: LeasedAnswers;
  /** Partitions whose reign here has begun, or ended, in this turn. */
  readonly #begun: number[] = [];
  readonly #ended: number[] = [];
  readonly #losses: LockLosses = new LockLosses();

  constructor(host: DataPlaneHost) {
    this.#host = host;
    this.settings = host.settings;
    this.ports = host.ports;
    this.log = host.ports.log;
    this.random = host.ports.random;
    this.arena = host.arena;
    this.readsStrictly = host.settings.reads === 'strict';
    this.#replicator = new Replicator(this, host.incarnation);
    this.largeWrites = new LargeWrites(this);
    this.partitions = new Partitions(this);
    this.parked = new ParkedRequests(this);
    this.strictReads = new StrictReads(this);
    this.staleReads = new StaleReads(this);
    this.catchUp = new CatchUp(this);
    this.#inSync = new InSyncKeeper(this);
    this.handOvers = new HandOvers(this);
    this.deadlocks = new Deadlocks(this);
    this.#leased = new LeasedAnswers(this);
  }

  // ---- what the parts ask for

  get nowMs(): number {
    return this.#host.nowMs;
  }

  touch(): number {
    return this.#host.touch();
  }

  checkClocks(): void {
    this.#host.checkClocks();
  }

  get isCommander(): boolean {
    return this.#host.isCommander;
  }

  get roster(): Roster {
    return this.#host.roster;
  }

  get self(): number {
    return this.#host.roster.self;
  }

  get peers(): readonly Peer[] {
    return this.#host.peers;
  }

  get book(): Book | null {
    return this.partitions.book;
  }

  get primaryHost(): PrimaryHost {
    return this;
  }

  get primaries(): readonly (PartitionPrimary | null)[] {
    return this.partitions.primaries;
  }

  get backups(): readonly (PartitionBackup | null)[] {
    return this.partitions.backups;
  }

  peerOf(slot: number): Peer | null {
    return this.#host.roster.peerOf(slot);
  }

  anyPeerOf(slot: number): Peer | null {
    return this.#host.roster.anyPeerOf(slot);
  }

  primaryOf(partition: number): number {
    return this.partitions.primaryMembers[partition] ?? NO_MEMBER;
  }

  leaseUntilMs(slot: number): number {
    return this.#host.roster.leaseUntilMs(slot);
  }

  mayAnswer(lease: ReignLease, to: ReplyTarget): boolean {
    // What others forward shares their link: it is not worth closing, so the clock is read for each of these.
    return to instanceof Connection && to.peer >= 0 ? this.#leased.mayNow(lease) : this.#leased.may(lease, to);
  }

  isElected(partition: number): boolean {
    return this.partitions.isElected(partition);
  }

  propose(command: Command): void {
    this.#host.propose(command);
  }

  isProposing(partition: number): boolean {
    return this.#inSync.isProposing(partition);
  }

  report(partition: PartitionPrimary, unreachable: readonly number[]): void {
    this.#host.reportUnreachable(partition, unreachable);
  }

  handleAgain(to: ReplyTarget, opcode: number, messageId: number, body: Uint8Array): void {
    this.#host.handleAgain(to, opcode, messageId, body);
  }

  wake(): void {
    this.ports.turn.wake();
  }

  locksLost(partition: number, session: string, count: number, key: Uint8Array): void {
    this.#losses.add(partition, session, count, key);
    this.ports.turn.wake();
  }

  unpark(): void {
    this.ports.turn.wake();
  }

  replicate(partition: PartitionPrimary): void {
    this.#replicator.changed(partition);
    this.ports.turn.work += 1;
    this.ports.turn.hold();
    this.ports.turn.wake();
  }

  acknowledge(partition: PartitionBackup): void {
    this.#replicator.taken(partition);
    this.ports.turn.wake();
  }

  hasRoomHere(bytes: number): boolean {
    return this.#host.memory.hasRoom(bytes);
  }

  reserveHere(bytes: number): boolean {
    return this.#host.memory.reserve(bytes);
  }

  hasRoom(bytes: number, partition: PartitionPrimary): boolean {
    if (!this.hasRoomHere(bytes)) return false;
    const { followers } = partition.primary;
    for (let index = 0; index < followers.length; index += 1) {
      const follower = followers[index] as Follower;
      if (follower.mustHold && this.peerOf(follower.member)?.memoryFull === true) return false;
    }
    return true;
  }

  hasRoomForSession(partition: PartitionPrimary): boolean {
    return this.hasRoom(0, partition) || this.#host.memory.hasRoomForSession;
  }

  followerObstacle({ member, mustHold, state }: Follower): string | null {
    if (!mustHold) return null;
    const peer = this.anyPeerOf(member);
    if (peer === null) return `the member in slot ${member} is not there`;
    if (peer.state !== 'up') return `replica ${peer.name}: ${peer.reason}`;
    if (!peer.isNamed) return `replica ${peer.name} was restarted and is not in sync yet`;
    return state === 1 ? null : `replica ${peer.name} has not joined yet`;
  }

  isWaitedFor({ member }: Follower, logBytes: number): boolean {
    const peer = this.peerOf(member);
    if (peer === null) return false;
    if (peer.control !== null && peer.state !== 'silent') return logBytes <= KEPT_FOR_LINKED_BYTES;
    if (peer.control !== null) return logBytes <= KEPT_FOR_ABSENT_BYTES;
    return logBytes <= KEPT_FOR_ABSENT_BYTES && this.nowMs - peer.lostAtMs < EXPECTED_BACK_MS;
  }

  largeGone(partition: PartitionPrimary, position: number, stage: number, holders: ReadonlySet<number>): void {
    this.largeWrites.gone(partition, position, stage, holders);
  }

  hasLarge(partition: PartitionPrimary, follower: Follower, position: number): boolean {
    return this.largeWrites.hasLarge(partition, follower, position);
  }

  sendLarge(
    to: ReplyTarget,
    messageId: number,
    value: Uint8Array,
    epoch: number,
    operation: number,
    ttlMs: number,
    ageMs: number = NO_AGE,
  ): void {
    if (!(to instanceof Connection)) return;
    if (to.peer >= 0)
      return replyFail(to, messageId, 'KV_MOVED', `a value of ${value.length} bytes is served only by its primary`);
    sendLargeValue(to, messageId, value, epoch, operation, ttlMs, ageMs).catch(() => to.destroy());
  }

  park(partition: number, until: number, to: ReplyTarget, messageId: number, opcode: number, body: Uint8Array): void {
    this.parked.park(partition, until, to, messageId, opcode, body);
  }

  confirm(partition: number, to: ReplyTarget, messageId: number, opcode: number, body: Uint8Array): void {
    this.strictReads.add(partition, to, messageId, opcode, body);
  }

  // ---- the book

  bookChanged(book: Book, before: Book | null): void {
    this.#forgetFormerLives(book, before);
    this.staleReads.bookChanging();
    this.partitions.bookChanged(book, before);
    this.ports.turn.wake();
  }

  #forgetFormerLives(book: Book, before: Book | null): void {
    const skipped = before === null || book.version !== before.version + 1;
    for (const partition of this.primaries) {
      if (partition === null) continue;
      for (const follower of partition.primary.followers) {
        const { member } = follower;
        const life = book.members[member]?.incarnation;
        const isOther = life === undefined || before?.members[member]?.incarnation !== life;
        if (!isOther && !(skipped && !follower.inSync)) continue;
        partition.primary.forgot(follower);
        for (const holders of partition.holders.values()) holders.delete(member);
      }
    }
  }

  configured(partition: number): void {
    this.strictReads.configured(partition);
    this.catchUp.configured(partition);
  }

  reignBegan(partition: PartitionPrimary): void {
    this.reignsBegun += 1;
    this.#begun.push(partition.id);
  }

  /** One line for all roles that changed in a turn: a node that is lost takes many along. */
  #logRoles(): void {
    const { version = 0 } = this.book ?? {};
    for (const [event, partitions] of [
      ['primary of partitions', this.#begun.splice(0)],
      ['no longer primary of partitions', this.#ended.splice(0)],
    ] as const) {
      if (partitions.length === 0) continue;
      this.log.write('info', event, {
        count: partitions.length,
        partitions: partitionsText(partitions),
        book: version,
      });
    }
  }

  /** R17: whoever comes next need not wait for leases to run out. */
  reignEnded(partition: PartitionPrimary): void {
    this.reignsEnded += 1;
    this.largeWrites.reignEnded(partition);
    const { id, epoch } = partition;
    const entry = this.book?.partitions[id] as BookPartition;
    const frames = this.peerOf(entry.primary)?.control?.frames;
    this.#ended.push(id);
    if (frames === undefined) return;
    frames.begin(LRLS, 0);
    frames.u16(id);
    frames.u32(epoch);
    frames.end();
  }

  // ---- peers

  /** A peer is another life than before: nothing of it counts (R3, R4). */
  met(peer: Peer): void {
    peer.vouched.void(this.nowMs);
    for (const partition of this.primaries) {
      const follower = partition?.primary.follower(peer.slot) ?? null;
      if (partition === null || follower === null) continue;
      partition.primary.forgot(follower);
      for (const holders of partition.holders.values()) holders.delete(peer.slot);
    }
  }

  /** What was sent and not acknowledged goes out again (R15). */
  linked(peer: Peer): void {
    peer.vouched.linkChanged();
    for (const partition of this.primaries) {
      const follower = partition?.primary.follower(peer.slot) ?? null;
      if (partition === null || follower === null) continue;
      partition.primary.resend(follower);
      partition.commitTold = 0; // the link that broke may have taken it along
      this.replicate(partition);
    }
    for (const backup of this.backups) {
      if (backup === null || backup.primaryMember !== peer.slot) continue;
      backup.announce(this.nowMs);
      this.acknowledge(backup);
    }
  }

  bulkLost(peer: Peer): void {
    this.largeWrites.linkLost(peer);
    this.catchUp.linkLost(peer);
  }

  bulkLinked(peer: Peer): void {
    this.largeWrites.bulkLinked(peer);
    for (const partition of this.primaries)
      if (partition !== null && partition.holders.size > 0) this.replicate(partition);
  }

  staged(peer: Peer, stage: number, error: KeyvalError | null): void {
    this.largeWrites.staged(peer, stage, error);
  }

  /** R10: answers only where nothing is known of a later epoch. */
  confirmEpoch(peer: Peer, connection: Connection, partition: number, epoch: number, round: number): void {
    const entry = this.book?.partitions[partition];
    if (entry === undefined || entry.epoch > epoch || !peer.isNamed || this.self === NO_MEMBER) return;
    if ((this.partitions.replicas[partition]?.replica.promised ?? 0) > epoch) return;
    connection.frames.begin(CNFD, round);
    connection.frames.u16(partition);
    connection.frames.u32(epoch);
    connection.frames.end();
  }

  /** Leases that were granted to this node count no more: a clock here cannot be trusted. */
  voidLeases(): void {
    this.#leased.void();
    this.staleReads.void();
    for (const peer of this.peers) peer.lease.void();
    for (const partition of this.primaries) partition?.lease.void();
  }

  /** What is held for requests and copies on their way. */
  get bytesOnTheWay(): number {
    let bytes = this.largeWrites.bytes + this.catchUp.bytes + this.parked.bytes + this.strictReads.bytes;
    for (const { stages } of this.peers) bytes += stages.bytes;
    for (const replica of this.partitions.replicas) bytes += replica?.namedBytes ?? 0;
    return bytes;
  }

  // ---- time

  endOfTurn(): void {
    if (this.#begun.length > 0 || this.#ended.length > 0) this.#logRoles();
    this.#losses.log(this.log);
    if (this.parked.size > 0) this.parked.retry();
    this.strictReads.endOfTurn();
    if (this.handOvers.size > 0) this.handOvers.tick();
    this.#replicator.endOfTurn();
    this.#leased.endOfTurn();
  }

  /** This node has stood still and heard no commander for too long: it serves nothing until it does. */
  orphaned(): void {
    for (const partition of this.primaries) if (partition !== null) partition.orphan = true;
  }

  /** `paused`: this node had stopped since the last tick. `orphan`: it has heard no commander for too long. */
  tick(paused: boolean, orphan: boolean): void {
    for (const partition of this.primaries) {
      if (partition === null) continue;
      partition.orphan = orphan;
      if (paused) partition.restartSessionClocks();
      partition.tick();
      if (partition.primary.isTiring) this.handOvers.begin(partition.id, this.self);
      this.#replicator.tellCommit(partition);
    }
    this.#replicator.batchesTold();
    this.#announceAgain();
    this.partitions.beginReigns();
    this.#inSync.tick();
    this.handOvers.tick();
    this.catchUp.tick();
    this.strictReads.tick();
    this.deadlocks.tick();
    if (this.parked.size > 0 || this.#replicator.pending) this.ports.turn.wake();
  }

  #announceAgain(): void {
    const { nowMs } = this;
    for (const backup of this.backups) {
      if (backup === null || backup.heard || nowMs - backup.announcedAtMs < ANNOUNCE_AGAIN_MS) continue;
      backup.announce(nowMs);
      this.acknowledge(backup);
    }
  }
}

/** The first of them. */
function partitionsText(partitions: readonly number[]): string {
  const shown = partitions.slice(0, PARTITIONS_SHOWN).join(' ');
  return partitions.length > PARTITIONS_SHOWN ? `${shown} …` : shown;
}
