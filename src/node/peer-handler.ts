/**
 * Messages of peers: batches of log entries, acknowledgements, heartbeats with leases, pieces of staged values and of
 * snapshots, the control plane, forwarded requests and the replies to them. What speaks of a partition carries the sender's
 * incarnation, or comes on a link that is bound to one (R2); only the life that the book names counts (R3).
 */
import { hexOf, readI32, readU16, readU32, readU48 } from '../base/bytes.ts';
import type { Log } from '../base/ports.ts';
import { KeyvalError } from '../errors.ts';
import { OWNER_BYTES } from '../protocol/hello-codec.ts';
import * as op from '../protocol/opcode.ts';
import * as codec from '../protocol/peer-codec.ts';
import { EntryKind } from '../replication/entry-kind.ts';
import { type Connection, type FrameHandler, NOBODY } from './connection.ts';
import type { DataPlane } from './data-plane.ts';
import { isEntry } from './entry-check.ts';
import type { Forwarder } from './forwarder.ts';
import type { PartitionPrimary } from './partition-primary.ts';
import type { Peer } from './peer.ts';

export interface PeerHost {
  readonly nowMs: number;
  readonly log: Log;
  readonly peers: readonly Peer[];
  readonly dataPlane: DataPlane;
  readonly forwarder: Forwarder;
  /** A lease was asked for and one perhaps granted: see BEAT. */
  beaten(peer: Peer, version: number, sent: number, echo: number): void;
  /** A frame of the control plane. False: malformed, or none of its. */
  control(peer: Peer, opcode: number, bytes: Uint8Array, start: number, end: number): boolean;
  /** A primary cannot reach the members in `slots` (R18). */
  reported(peer: Peer, partition: number, epoch: number, slots: readonly number[]): void;
  request(connection: Connection): void;
  peerClosed(connection: Connection, error: Error | null): void;
}

export class PeerHandler implements FrameHandler {
  readonly #host: PeerHost;

  constructor(host: PeerHost) {
    this.#host = host;
  }

  frame(connection: Connection): void {
    const peer = this.#host.peers[connection.peer] as Peer;
    peer.heardAtMs = this.#host.nowMs;
    const { decoder } = connection;
    switch (decoder.opcode) {
      case op.APND:
        return this.#append(peer, connection);
      case op.ACKN:
        return this.#acknowledged(peer, connection);
      case op.BEAT:
        return this.#beat(peer, connection);
      case op.STGE:
        return this.#stage(peer, connection);
      case op.STGD:
        return this.#host.dataPlane.staged(peer, decoder.messageId, null);
      case op.DROP:
        return peer.stages.drop(decoder.messageId);
      case op.GOTK:
      case op.DONE:
      case op.LKDK:
      case op.WAIT:
      case op.SCND:
      case op.MOVD:
      case op.FAIL:
        return this.#reply(peer, connection);
      default:
        return this.#rare(peer, connection);
    }
  }

  #rare(peer: Peer, connection: Connection): void {
    const { opcode, buffer, bodyStart, bodyEnd } = connection.decoder;
    const { dataPlane } = this.#host;
    switch (opcode) {
      case op.SNAP:
        return this.#check(dataPlane.catchUp.slice(peer, buffer, bodyStart, bodyEnd), connection);
      case op.SNPD:
        return this.#check(dataPlane.catchUp.told(peer, buffer, bodyStart, bodyEnd), connection);
      case op.DLKQ:
      case op.DLKA:
      case op.DLKV:
        return this.#check(dataPlane.deadlocks.frame(peer, connection), connection);
      case op.CONF:
      case op.CNFD:
      case op.LRLS:
      case op.REPT:
      case op.WISH:
        return this.#named(peer, connection);
      case op.OWNR:
        return this.#owner(connection);
      default:
        if (isOfClients(opcode)) return this.#host.request(connection);
        return this.#check(this.#host.control(peer, opcode, buffer, bodyStart, bodyEnd), connection);
    }
  }

  /** Whose sessions the request behind it speaks of. */
  #owner(connection: Connection): void {
    const { buffer, bodyStart, bodyEnd } = connection.decoder;
    this.#check(bodyEnd === bodyStart || bodyEnd - bodyStart === OWNER_BYTES, connection);
    connection.owner = bodyEnd === bodyStart ? NOBODY : hexOf(buffer, bodyStart, bodyEnd);
  }

  #check(sound: boolean, connection: Connection): void {
    if (!sound) this.#malformed(connection, op.opcodeName(connection.decoder.opcode));
  }

  /** Short messages that begin with a partition and an epoch. */
  #named(peer: Peer, connection: Connection): void {
    const { opcode, messageId, buffer, bodyStart, bodyEnd } = connection.decoder;
    if (bodyEnd - bodyStart < codec.NAMED_REST) return this.#check(false, connection);
    const partition = readU16(buffer, bodyStart + codec.NAMED_PARTITION);
    const epoch = readU32(buffer, bodyStart + codec.NAMED_EPOCH);
    const { dataPlane } = this.#host;
    if (opcode === op.CONF) return dataPlane.confirmEpoch(peer, connection, partition, epoch, messageId);
    if (!peer.isNamed) return;
    const rest = bodyStart + codec.NAMED_REST;
    if (opcode === op.CNFD) return dataPlane.strictReads.confirmed(peer, partition, epoch, messageId);
    if (opcode === op.LRLS) return dataPlane.partitions.released(partition, epoch);
    if (opcode === op.WISH) {
      if (bodyEnd - rest < 2) return this.#check(false, connection);
      return void dataPlane.handOvers.begin(partition, readU16(buffer, rest));
    }
    const count = bodyEnd > rest ? (buffer[rest] as number) : 0;
    if (bodyEnd - rest !== 1 + count * 2) return this.#check(false, connection);
    const slots = Array.from({ length: count }, (_, index) => readU16(buffer, rest + 1 + index * 2));
    this.#host.reported(peer, partition, epoch, slots);
  }

  #reply(peer: Peer, connection: Connection): void {
    const { decoder } = connection;
    if (connection === peer.bulk && decoder.opcode === op.FAIL) {
      const error = new KeyvalError('KV_NO_QUORUM', `${peer.name} could not take the value`);
      return this.#host.dataPlane.staged(peer, decoder.messageId, error);
    }
    this.#host.forwarder.reply(peer.index, decoder);
  }

  #known(peer: Peer, connection: Connection): boolean {
    const { buffer, bodyStart, bodyEnd } = connection.decoder;
    if (bodyEnd - bodyStart < codec.PEER_RECORDS || peer.incarnation === null) return false;
    return codec.sameIncarnation(buffer, bodyStart, peer.incarnation);
  }

  /** R2: what is below the configuration known here is refused; what is above it waits for the book. */
  #append(peer: Peer, connection: Connection): void {
    if (!this.#known(peer, connection) || !peer.isNamed) return;
    const { buffer, bodyStart, bodyEnd } = connection.decoder;
    const { dataPlane, nowMs } = this.#host;
    for (let at = bodyStart + codec.PEER_RECORDS; at < bodyEnd; ) {
      const length = readU32(buffer, at + codec.RECORD_LENGTH);
      const end = at + 4 + length;
      if (length < codec.RECORD_BODY - 4 || end > bodyEnd) return this.#malformed(connection, 'APND');
      const partition = dataPlane.backups[readU16(buffer, at + codec.RECORD_PARTITION)] ?? null;
      const isFollowed =
        partition !== null &&
        partition.primaryMember === peer.slot &&
        partition.epoch === readU32(buffer, at + codec.RECORD_CONFIGURATION);
      if (isFollowed) {
        if (!isEntry(buffer, at + codec.RECORD_KIND, end)) return this.#malformed(connection, 'APND');
        const isNew = buffer[at + codec.RECORD_KIND] !== EntryKind.commitOnly;
        if (isNew && !partition.canTake(buffer, at, peer.stages)) return this.#malformed(connection, 'APND');
        if (partition.record(buffer, at, end, nowMs)) dataPlane.acknowledge(partition);
      }
      at = end;
    }
  }

  #acknowledged(peer: Peer, connection: Connection): void {
    if (!this.#known(peer, connection) || !peer.isNamed) return;
    const { buffer, bodyStart, bodyEnd } = connection.decoder;
    for (let at = bodyStart + codec.PEER_RECORDS; at + codec.ACK_BYTES <= bodyEnd; at += codec.ACK_BYTES) {
      const partition = this.#host.dataPlane.primaries[readU16(buffer, at + codec.ACK_PARTITION)] ?? null;
      if (partition === null || partition.epoch !== readU32(buffer, at + codec.ACK_CONFIGURATION)) continue;
      if (!this.#taken(peer, partition, buffer, at)) return this.#malformed(connection, 'ACKN');
    }
  }

  /** One acknowledgement for a reign of this node. False: it cannot be true. */
  #taken(peer: Peer, partition: PartitionPrimary, buffer: Uint8Array, at: number): boolean {
    const follower = partition.primary.follower(peer.slot);
    if (follower === null) return true;
    const epoch = readU32(buffer, at + codec.ACK_EPOCH);
    const operation = readI32(buffer, at + codec.ACK_OPERATION);
    if (!partition.primary.hasAppended(epoch, operation)) return false;
    if (buffer[at + codec.ACK_STATUS] === codec.AckStatus.held) partition.acknowledged(follower, epoch, operation);
    else if (buffer[at + codec.ACK_STATUS] === codec.AckStatus.mismatch) {
      // What it has of this epoch came from here: so has everything before.
      if (epoch === partition.epoch) partition.acknowledged(follower, epoch, operation);
      partition.primary.mismatched(follower, epoch, operation);
      partition.commitTold = 0;
      partition.changed();
    }
    return true;
  }

  #beat(peer: Peer, connection: Connection): void {
    if (!this.#known(peer, connection)) return;
    const { buffer, bodyStart, bodyEnd } = connection.decoder;
    if (bodyEnd - bodyStart < codec.BEAT_BYTES) return this.#malformed(connection, 'BEAT');
    const flags = buffer[bodyStart + codec.BEAT_FLAGS] as number;
    peer.memoryFull = (flags & codec.BeatFlag.memoryFull) !== 0;
    const version = readU32(buffer, bodyStart + codec.BEAT_VERSION);
    const sent = readU48(buffer, bodyStart + codec.BEAT_SENT);
    const echo = readU48(buffer, bodyStart + codec.BEAT_ECHO);
    this.#host.dataPlane.staleReads.beaten(peer, (flags & codec.BeatFlag.vouches) !== 0, version, sent, echo);
    this.#host.beaten(peer, version, sent, echo);
  }

  /** A piece of a value that this peer will name in an entry. */
  #stage(peer: Peer, connection: Connection): void {
    const { buffer, bodyStart, bodyEnd, messageId } = connection.decoder;
    try {
      if (!peer.stages.receive(buffer, bodyStart, bodyEnd)) return;
      connection.frames.begin(op.STGD, messageId);
      connection.frames.end();
    } catch (error) {
      if (!(error instanceof KeyvalError)) throw error;
      connection.frames.begin(op.FAIL, messageId);
      connection.frames.u16(0);
      connection.frames.end();
    }
  }

  #malformed(connection: Connection, what: string): void {
    this.#host.log.write('error', 'peer sent nonsense', { peer: connection.name, frame: what });
    connection.destroy();
  }

  badLength(connection: Connection, length: number): void {
    this.#host.log.write('error', 'peer sent nonsense', { peer: connection.name, frameBytes: length });
  }

  closed(connection: Connection, error: Error | null): void {
    this.#host.peerClosed(connection, error);
  }
}

/** Requests that a peer hands on for its clients, or asks itself. */
function isOfClients(opcode: number): boolean {
  return !CONTROL_OPCODES.has(opcode);
}

const CONTROL_OPCODES: ReadonlySet<number> = new Set([
  op.RPVQ,
  op.RPVD,
  op.RVOT,
  op.RVTD,
  op.RAPP,
  op.RAPD,
  op.RBEA,
  op.RBED,
  op.RSNP,
  op.RTON,
  op.RRDQ,
  op.RRDA,
  op.FNDQ,
  op.FNDA,
  op.FNDC,
  op.JOIN,
  op.PROP,
]);
