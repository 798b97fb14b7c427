/**
 * The end of a turn: everything appended since the last one goes to those who follow, one batch per peer, and everything
 * taken from primaries is acknowledged, one batch per peer. Batches are encoded straight into the links' writers.
 */
import { copyBytes, writeU16, writeU32, writeU48 } from '../base/bytes.ts';
import type { FrameWriter } from '../protocol/frame-writer.ts';
import { ACKN, APND } from '../protocol/opcode.ts';
import * as codec from '../protocol/peer-codec.ts';
import { AcceptStatus } from '../replication/backup.ts';
import { EntryKind } from '../replication/entry-kind.ts';
import { type Follower, FollowerState } from '../replication/follower.ts';
import type { PartitionBackup } from './partition-backup.ts';
import type { PartitionPrimary } from './partition-primary.ts';
import type { Peer } from './peer.ts';

/** A batch is closed and another one begun above this, so that a frame stays far below its limit. */
const BATCH_BYTES_MAX = 256 * 1024;
/** More than this unsent on a link: the rest waits for the next turn. */
export const IN_FLIGHT_BYTES_MAX: number = 8 * 1024 * 1024;

export interface ReplicatorHost {
  /** All others, in any order. */
  readonly peers: readonly Peer[];
  /** Who is in a slot of the book, if it is the life that the book names (R3). */
  peerOf(slot: number): Peer | null;
  /** Sends `follower` the large value that the entry at `position` names; true when it has it. */
  hasLarge(partition: PartitionPrimary, follower: Follower, position: number): boolean;
}

export class Replicator {
  readonly #host: ReplicatorHost;
  readonly #incarnation: Uint8Array;
  #changed: PartitionPrimary[] = [];
  #taken: PartitionBackup[] = [];
  #spare: PartitionPrimary[] = [];

  constructor(host: ReplicatorHost, incarnation: Uint8Array) {
    this.#host = host;
    this.#incarnation = incarnation;
  }

  changed(partition: PartitionPrimary): void {
    if (partition.dirty) return;
    partition.dirty = true;
    this.#changed.push(partition);
  }

  taken(partition: PartitionBackup): void {
    if (partition.dirty) return;
    partition.dirty = true;
    this.#taken.push(partition);
  }

  /** True when something is left for the next turn, because a link is full. */
  get pending(): boolean {
    return this.#changed.length > 0;
  }

  endOfTurn(): void {
    if (this.#changed.length > 0) this.#sendEntries();
    if (this.#taken.length > 0) this.#sendAcknowledgements();
  }

  #sendEntries(): void {
    const changed = this.#changed;
    this.#changed = this.#spare;
    for (let index = 0; index < changed.length; index += 1) this.#sendPartition(changed[index] as PartitionPrimary);
    changed.length = 0;
    this.#spare = changed;
    this.batchesTold();
  }

  #sendPartition(partition: PartitionPrimary): void {
    partition.dirty = false;
    if (partition.ended) return;
    partition.advance();
    const { primary, log } = partition;
    const { followers } = primary;
    let allTold = true; // by the entries: who gets none is told by tellCommit
    for (let index = 0; index < followers.length; index += 1) {
      const follower = followers[index] as Follower;
      const peer = this.#host.peerOf(follower.member);
      if (follower.sent === log.next) allTold = false;
      if (peer !== null && peer.control !== null) this.#sendTo(partition, follower, peer, peer.control.frames);
      if (follower.sent < log.next) allTold = false; // some are held back, and with them what they would tell
    }
    if (allTold) partition.commitTold = primary.commit;
  }

  #sendTo(partition: PartitionPrimary, follower: Follower, peer: Peer, frames: FrameWriter): void {
    const { primary, log, holders } = partition;
    if (follower.state === FollowerState.needsSnapshot) return;
    if (follower.sent < log.first) return primary.mismatched(follower, 0, 0);
    let position = follower.sent;
    for (; position < log.next; position += 1) {
      if (frames.queuedBytes > IN_FLIGHT_BYTES_MAX) {
        follower.sent = position;
        return this.changed(partition);
      }
      if (holders.size > 0 && !this.#host.hasLarge(partition, follower, position)) break;
      const offset = log.offset(position);
      this.#record(
        partition,
        peer,
        frames,
        log.epoch(position),
        log.operation(position),
        log.data,
        offset,
        offset + log.length(position),
      );
    }
    follower.sent = position;
  }

  #record(
    partition: PartitionPrimary,
    peer: Peer,
    frames: FrameWriter,
    epoch: number,
    operation: number,
    data: Uint8Array,
    start: number,
    end: number,
  ): void {
    this.#openBatch(peer, frames);
    const bytes = codec.RECORD_KIND + end - start;
    frames.reserve(bytes);
    const { buffer, length: at } = frames;
    const { primary } = partition;
    writeU32(buffer, at, bytes - 4);
    writeU16(buffer, at + codec.RECORD_PARTITION, partition.id);
    writeU32(buffer, at + codec.RECORD_CONFIGURATION, primary.epoch);
    writeU32(buffer, at + codec.RECORD_EPOCH, epoch);
    writeU32(buffer, at + codec.RECORD_OPERATION, operation);
    writeU32(buffer, at + codec.RECORD_COMMIT, epoch === primary.epoch ? primary.commitOperation : 0);
    copyBytes(data, start, end, buffer, at + codec.RECORD_KIND);
    frames.length = at + bytes;
    if (frames.frameBytes > BATCH_BYTES_MAX) this.#closeBatch(peer);
  }

  #openBatch(peer: Peer, frames: FrameWriter): void {
    if (peer.appending) return;
    peer.appending = true;
    frames.begin(APND, 0);
    frames.bytes(this.#incarnation, 0, this.#incarnation.length);
  }

  #closeBatch(peer: Peer): void {
    peer.appending = false;
    peer.control?.frames.end();
  }

  /** Tells the followers of `partition` how far it is committed, when no entry has told them. */
  tellCommit(partition: PartitionPrimary): void {
    const { primary } = partition;
    if (partition.commitTold === primary.commit || primary.commitOperation === 0) return;
    partition.commitTold = primary.commit;
    writeU48(COMMIT_ONLY, 1, partition.logTimeMs());
    for (const follower of primary.followers) {
      const peer = this.#host.peerOf(follower.member);
      if (peer === null || peer.control === null || follower.state !== FollowerState.following) continue;
      this.#record(
        partition,
        peer,
        peer.control.frames,
        primary.epoch,
        primary.commitOperation,
        COMMIT_ONLY,
        0,
        COMMIT_ONLY.length,
      );
    }
  }

  /** Closes the batches that are open. */
  batchesTold(): void {
    const { peers } = this.#host;
    for (let index = 0; index < peers.length; index += 1) {
      const peer = peers[index] as Peer;
      if (peer.appending) this.#closeBatch(peer);
    }
  }

  #sendAcknowledgements(): void {
    const taken = this.#taken;
    for (let index = 0; index < taken.length; index += 1) this.#acknowledge(taken[index] as PartitionBackup);
    taken.length = 0;
    const { peers } = this.#host;
    for (let index = 0; index < peers.length; index += 1) {
      const peer = peers[index] as Peer;
      if (!peer.acknowledging) continue;
      peer.acknowledging = false;
      peer.control?.frames.end();
    }
  }

  /** A partition whose role has changed meanwhile has nothing to say any more: `ended`. */
  #acknowledge(partition: PartitionBackup): void {
    partition.dirty = false;
    const peer = this.#host.peerOf(partition.primaryMember);
    if (partition.ended || peer === null || peer.control === null) return;
    const { backup, ackStatus, kept } = partition;
    const { epochs, log } = kept.replica;
    const lacks = ackStatus === AcceptStatus.mismatch;
    const epoch = lacks ? backup.lacking.epoch : epochs.lastEpoch;
    const operation = lacks ? backup.lacking.operation : epochs.lastOperation(log.next);
    this.#writeAcknowledgement(peer, peer.control.frames, partition, ackStatus, epoch, operation);
  }

  #writeAcknowledgement(
    peer: Peer,
    frames: FrameWriter,
    partition: PartitionBackup,
    status: number,
    epoch: number,
    operation: number,
  ): void {
    if (!peer.acknowledging) {
      peer.acknowledging = true;
      frames.begin(ACKN, 0);
      frames.bytes(this.#incarnation, 0, this.#incarnation.length);
    }
    frames.reserve(codec.ACK_BYTES);
    const { buffer, length: at } = frames;
    writeU16(buffer, at + codec.ACK_PARTITION, partition.id);
    buffer[at + codec.ACK_STATUS] = status;
    writeU32(buffer, at + codec.ACK_CONFIGURATION, partition.epoch);
    writeU32(buffer, at + codec.ACK_EPOCH, epoch);
    writeU32(buffer, at + codec.ACK_OPERATION, operation);
    frames.length = at + codec.ACK_BYTES;
  }
}

/** An entry head without an entry: kind 0 and a time nobody reads. */
const COMMIT_ONLY: Uint8Array = new Uint8Array([EntryKind.commitOnly, 0, 0, 0, 0, 0, 0]);
