/**
 * The end of a turn: everything appended since the last one goes to the backups, one batch per peer, and everything taken
 * from primaries is acknowledged, one batch per peer. Batches are encoded straight into the links' writers.
 */
import { copyBytes, writeU16, writeU32 } from '../base/bytes.ts';
import type { FrameWriter } from '../protocol/frame-writer.ts';
import { ACKN, APND } from '../protocol/opcode.ts';
import * as codec from '../protocol/peer-codec.ts';
import { EntryKind } from '../replication/entry-kind.ts';
import type { PartitionBackup } from './partition-backup.ts';
import type { PartitionPrimary } from './partition-primary.ts';
import type { Peer } from './peer.ts';

/** A batch is closed and another one begun above this, so that a frame stays far below its limit. */
const BATCH_BYTES_MAX = 256 * 1024;
/** More than this unsent on a link: the rest waits for the next turn. */
export const IN_FLIGHT_BYTES_MAX: number = 8 * 1024 * 1024;

export class Replicator {
  readonly #peers: readonly (Peer | null)[];
  readonly #incarnation: Uint8Array;
  #changed: PartitionPrimary[] = [];
  #taken: PartitionBackup[] = [];
  readonly #existed: Set<PartitionPrimary> = new Set();
  #spare: PartitionPrimary[] = [];

  constructor(peers: readonly (Peer | null)[], incarnation: Uint8Array) {
    this.#peers = peers;
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
    if (this.#existed.size > 0) this.#tellExisted();
    if (this.#taken.length > 0) this.#sendAcknowledgements();
  }

  #sendEntries(): void {
    const changed = this.#changed;
    this.#changed = this.#spare;
    for (let index = 0; index < changed.length; index += 1) this.#sendPartition(changed[index] as PartitionPrimary);
    changed.length = 0;
    this.#spare = changed;
    for (let index = 0; index < this.#peers.length; index += 1) {
      const peer = this.#peers[index] as Peer | null;
      if (peer?.appending) this.#closeBatch(peer);
    }
  }

  #sendPartition(partition: PartitionPrimary): void {
    partition.dirty = false;
    const { backupMembers, primary, log } = partition;
    let allTold = true; // by the entries: who gets none is told by tellCommit
    for (let backup = 0; backup < backupMembers.length; backup += 1) {
      const peer = this.#peers[backupMembers[backup] as number] as Peer;
      if (primary.sent[backup] === log.next) allTold = false;
      if (peer.control !== null) this.#sendToBackup(partition, backup, peer, peer.control.frames);
    }
    if (allTold) partition.commitTold = primary.commit;
  }

  #sendToBackup(partition: PartitionPrimary, backup: number, peer: Peer, frames: FrameWriter): void {
    const { primary, log } = partition;
    let position = primary.sent[backup] as number;
    for (; position < log.next; position += 1) {
      if (frames.queuedBytes > IN_FLIGHT_BYTES_MAX) {
        primary.sent[backup] = position;
        return this.changed(partition);
      }
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
    primary.sent[backup] = position;
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
    writeU32(buffer, at, bytes - 4);
    writeU16(buffer, at + codec.RECORD_PARTITION, partition.id);
    writeU32(buffer, at + codec.RECORD_EPOCH, epoch);
    writeU32(buffer, at + codec.RECORD_OPERATION, operation);
    writeU32(
      buffer,
      at + codec.RECORD_COMMIT,
      epoch === partition.primary.epoch ? partition.primary.commitOperation : 0,
    );
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

  /** Tells the backups of `partition` how far it is committed, when no entry has told them. */
  tellCommit(partition: PartitionPrimary): void {
    const { primary } = partition;
    if (partition.commitTold === primary.commit || primary.commitOperation === 0) return;
    partition.commitTold = primary.commit;
    for (const member of partition.backupMembers) {
      const peer = this.#peers[member] as Peer;
      if (peer.control === null) continue;
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

  /** At the end of the turn, backups that lack what existed are told that it existed. */
  existed(partition: PartitionPrimary): void {
    this.#existed.add(partition);
  }

  #tellExisted(): void {
    for (const partition of this.#existed) this.#tellBackupsExisted(partition);
    this.#existed.clear();
    this.batchesTold();
  }

  #tellBackupsExisted(partition: PartitionPrimary): void {
    const { primary, backupMembers } = partition;
    for (let backup = 0; backup < backupMembers.length; backup += 1) {
      const peer = this.#peers[backupMembers[backup] as number] as Peer;
      if (peer.control === null || !primary.mustBeTold(backup)) continue;
      this.#record(partition, peer, peer.control.frames, primary.epoch, 0, EXISTED, 0, EXISTED.length);
    }
  }

  /** Closes the batches that are open. */
  batchesTold(): void {
    for (const peer of this.#peers) if (peer?.appending) this.#closeBatch(peer);
  }

  #sendAcknowledgements(): void {
    const taken = this.#taken;
    for (let index = 0; index < taken.length; index += 1) this.#acknowledge(taken[index] as PartitionBackup);
    taken.length = 0;
    for (let index = 0; index < this.#peers.length; index += 1) {
      const peer = this.#peers[index] as Peer | null;
      if (peer === null || !peer.acknowledging) continue;
      peer.acknowledging = false;
      peer.control?.frames.end();
    }
  }

  #acknowledge(partition: PartitionBackup): void {
    partition.dirty = false;
    const peer = this.#peers[partition.primaryMember] as Peer;
    if (peer.control === null) return;
    const { frames } = peer.control;
    if (!peer.acknowledging) {
      peer.acknowledging = true;
      frames.begin(ACKN, 0);
      frames.bytes(this.#incarnation, 0, this.#incarnation.length);
    }
    const { backup } = partition;
    frames.reserve(codec.ACK_BYTES);
    const { buffer, length: at } = frames;
    writeU16(buffer, at + codec.ACK_PARTITION, partition.id);
    buffer[at + codec.ACK_STATUS] = partition.ackStatus;
    writeU32(buffer, at + codec.ACK_EPOCH, backup.epoch);
    writeU32(buffer, at + codec.ACK_OPERATION, backup.operation);
    frames.length = at + codec.ACK_BYTES;
  }
}

/** An entry head without an entry: kind 0 and a time nobody reads. */
const COMMIT_ONLY: Uint8Array = new Uint8Array([EntryKind.commitOnly, 0, 0, 0, 0, 0, 0]);
const EXISTED: Uint8Array = new Uint8Array([EntryKind.existed, 0, 0, 0, 0, 0, 0]);
