/**
 * Writes of values too large for one frame. The value first goes to every replica that must hold it, in pieces on the bulk
 * link; when all of them have it whole, one small entry of the log names it and commits like any other. Until then nothing
 * is appended: a replica that is lost on the way means "not done". A follower that comes later gets the value before the
 * entry that names it, too.
 */
import type { Log, Random } from '../base/ports.ts';
import type { KeyvalError } from '../errors.ts';
import { DROP } from '../protocol/opcode.ts';
import { sendStage } from '../protocol/pieces.ts';
import type { Follower } from '../replication/follower.ts';
import type { Connection } from './connection.ts';
import type { PartitionPrimary } from './partition-primary.ts';
import type { Peer } from './peer.ts';
import { replyFail, replyMoved } from './reply.ts';
import { renameStage } from './request-handler.ts';

/** Drops told on a link that breaks and told again on the next one, at most: what was told before has come. */
const DROPS_REPEATED_MAX = 256;

export interface LargeWritesHost {
  readonly log: Log;
  readonly random: Random;
  /** Who is in a slot of the book, if it is the life that the book names. */
  peerOf(slot: number): Peer | null;
  primaryOf(partition: number): number;
  /** A follower can be sent more. */
  replicate(partition: PartitionPrimary): void;
}

interface LargeWrite {
  readonly stage: number;
  readonly partition: PartitionPrimary;
  readonly kind: number;
  readonly to: Connection;
  readonly messageId: number;
  readonly body: Uint8Array;
  readonly value: Uint8Array;
  /** Slots of those that are to have the value. */
  readonly members: readonly number[];
  /** Of them, those that have not yet said that they have it. */
  readonly missing: Set<number>;
  /** Peers to which pieces are still on their way. */
  readonly sending: Set<Peer>;
  failed: boolean;
}

/** A value that a follower needs before an entry that is in the log already. */
interface Carried {
  readonly peer: Peer;
  readonly stage: number;
  readonly partition: PartitionPrimary;
  readonly position: number;
  readonly member: number;
  ended: boolean;
}

export class LargeWrites {
  readonly #host: LargeWritesHost;
  readonly #writes: Map<number, LargeWrite> = new Map();
  readonly #carried: Set<Carried> = new Set();
  #bytes = 0;

  constructor(host: LargeWritesHost) {
    this.#host = host;
  }

  /** Memory held by values that no entry names yet. */
  get bytes(): number {
    return this.#bytes;
  }

  begin(
    partition: PartitionPrimary,
    kind: number,
    to: Connection,
    messageId: number,
    body: Uint8Array,
    value: Uint8Array,
  ): void {
    const members = partition.primary.followers.filter(({ mustHold }) => mustHold).map(({ member }) => member);
    const write: LargeWrite = {
      stage: this.#newStage(partition),
      partition,
      kind,
      to,
      messageId,
      body,
      value,
      members,
      missing: new Set(members),
      sending: new Set(),
      failed: false,
    };
    this.#writes.set(write.stage, write);
    this.#bytes += value.length;
    if (members.length === 0) return this.#append(write);
    for (const member of members) if (!write.failed) this.#send(write, member);
  }

  /** Numbers of several primaries may meet in one log: chance keeps them apart. */
  #newStage(partition: PartitionPrimary): number {
    for (;;) {
      const stage = this.#host.random.u32();
      if (!this.#writes.has(stage) && !partition.kept.hasNamed(stage)) return stage;
    }
  }

  #send(write: LargeWrite, member: number): void {
    const peer = this.#host.peerOf(member);
    const link = peer?.bulk ?? null;
    if (peer === null || !peer.healthy || link === null) {
      return this.#fail(write, peer === null ? `the member in slot ${member} is away` : `${peer.name}: ${peer.reason}`);
    }
    write.sending.add(peer);
    sendStage(link.queue, write.stage, write.stage, write.value, () => !this.#writes.has(write.stage))
      .then(() => this.#sentTo(write, peer))
      .catch((error: unknown) => this.#notSent(peer, link, error));
  }

  #notSent(peer: Peer, link: Connection, error: unknown): void {
    this.#host.log.write('error', 'large value not sent', { peer: peer.name, message: String(error) });
    link.destroy();
  }

  /** All pieces have left, or the write has failed meanwhile: then the peer is told to forget what it got. */
  #sentTo(write: LargeWrite, peer: Peer): void {
    write.sending.delete(peer);
    if (write.failed) this.#tellDrop(write.stage, peer);
  }

  /** A peer has the whole value, or could not take it. */
  staged(peer: Peer, stage: number, error: KeyvalError | null): void {
    const write = this.#writes.get(stage);
    if (write === undefined) return this.#cameLater(peer, stage, error);
    if (error !== null) return this.#fail(write, error.message);
    write.missing.delete(peer.slot);
    if (write.missing.size === 0) this.#append(write);
  }

  #append(write: LargeWrite): void {
    const { partition, stage, body, members } = write;
    this.#writes.delete(stage);
    this.#bytes -= write.value.length;
    renameStage(body, stage);
    partition.kept.name(stage, write.value);
    const position = partition.log.next;
    const appended = partition.write(write.kind, write.to, write.messageId, body, 0, body.length);
    if (!appended) {
      partition.kept.unname(stage);
      return this.#dropAt(write);
    }
    for (let at = position; at < partition.log.next; at += 1) {
      if (at >= partition.applied && partition.kept.stageAt(at) === stage) partition.holders.set(at, new Set(members));
    }
    if (partition.applied === partition.log.next) partition.kept.letGo(stage);
  }

  #fail(write: LargeWrite, reason: string): void {
    if (!this.#writes.delete(write.stage)) return;
    this.#bytes -= write.value.length;
    this.#dropAt(write);
    replyFail(write.to, write.messageId, 'KV_NO_QUORUM', `partition ${write.partition.id}: ${reason}`);
  }

  #dropAt(write: LargeWrite): void {
    write.failed = true;
    for (const member of write.members) {
      const peer = this.#host.peerOf(member);
      if (peer !== null && !write.sending.has(peer)) this.#tellDrop(write.stage, peer);
    }
  }

  // ---- followers that come later

  /** True when `follower` may be sent the entry at `position`; otherwise its value is on the way, and comes first. */
  hasLarge(partition: PartitionPrimary, follower: Follower, position: number): boolean {
    const holders = partition.holders.get(position);
    if (holders === undefined || holders.has(follower.member)) return true;
    this.#carry(partition, follower.member, position);
    return false;
  }

  #carry(partition: PartitionPrimary, member: number, position: number): void {
    const stage = partition.kept.stageAt(position);
    const peer = this.#host.peerOf(member);
    const link = peer?.bulk ?? null;
    const value = partition.kept.named(stage);
    if (peer === null || link === null || value === null) return;
    for (const one of this.#carried) if (one.peer === peer && one.stage === stage) return;
    const carried: Carried = { peer, stage, partition, position, member, ended: false };
    this.#carried.add(carried);
    sendStage(link.queue, stage, stage, value, () => carried.ended).catch((error: unknown) =>
      this.#notSent(peer, link, error),
    );
  }

  #cameLater(peer: Peer, stage: number, error: KeyvalError | null): void {
    for (const carried of this.#carried) {
      if (carried.peer !== peer || carried.stage !== stage) continue;
      this.#carried.delete(carried);
      const holders = carried.partition.holders.get(carried.position);
      if (error === null && holders !== undefined) holders.add(carried.member);
      else if (error === null) this.#tellDrop(stage, peer); // too late: the entry has left the log
      this.#host.replicate(carried.partition);
    }
  }

  // ---- ends

  /** The primary's reign is over: what was not appended is certainly not done. */
  reignEnded(partition: PartitionPrimary): void {
    for (const write of [...this.#writes.values()]) {
      if (write.partition !== partition) continue;
      this.#writes.delete(write.stage);
      this.#bytes -= write.value.length;
      this.#dropAt(write);
      replyMoved(write.to, write.messageId, partition.id, this.#host.primaryOf(partition.id));
    }
    for (const carried of [...this.#carried]) if (carried.partition === partition) this.#endCarried(carried);
  }

  /** An entry left the log before it was sent to some who have its value: they are to forget it. */
  gone(partition: PartitionPrimary, position: number, stage: number, holders: ReadonlySet<number>): void {
    if (stage < 0) return;
    for (const member of holders) {
      const follower = partition.primary.follower(member);
      const peer = this.#host.peerOf(member);
      if (peer !== null && follower !== null && follower.sent <= position) this.#tellDrop(stage, peer);
    }
  }

  #endCarried(carried: Carried): void {
    carried.ended = true;
    this.#carried.delete(carried);
    this.#tellDrop(carried.stage, carried.peer);
  }

  /** On the bulk link, behind the pieces; while there is none, as soon as there is one. */
  #tellDrop(stage: number, peer: Peer): void {
    if (peer.bulk === null) {
      peer.dropsOwed.push(stage);
      return;
    }
    peer.bulk.frames.begin(DROP, stage);
    peer.bulk.frames.end();
    peer.dropsTold.push(stage);
    if (peer.dropsTold.length > DROPS_REPEATED_MAX) peer.dropsTold.shift();
  }

  /** A number is hardly ever used again, so a drop may be told twice. */
  bulkLinked(peer: Peer): void {
    const owed = [...peer.dropsTold.splice(0), ...peer.dropsOwed.splice(0)];
    for (const stage of owed) this.#tellDrop(stage, peer);
  }

  /** The bulk link of a peer broke: what it had not confirmed is not done. */
  linkLost(peer: Peer): void {
    for (const write of [...this.#writes.values()]) {
      if (write.missing.has(peer.slot)) this.#fail(write, `the bulk link to ${peer.name} broke`);
    }
    for (const carried of [...this.#carried]) if (carried.peer === peer) this.#endCarried(carried);
  }
}
