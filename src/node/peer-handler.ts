/**
 * Messages of peers: batches of log entries, acknowledgements, heartbeats, pieces of staged values, forwarded requests and
 * the replies to them. Every message that speaks of a partition carries the sender's incarnation (R2); one that is not
 * the incarnation of the login is ignored.
 */
import { readI32, readU16, readU32 } from '../base/bytes.ts';
import type { Log } from '../base/ports.ts';
import { KeyvalError } from '../errors.ts';
import * as op from '../protocol/opcode.ts';
import * as codec from '../protocol/peer-codec.ts';
import { EntryKind } from '../replication/entry-kind.ts';
import type { Connection, FrameHandler } from './connection.ts';
import { isEntry } from './entry-check.ts';
import type { Forwarder } from './forwarder.ts';
import type { PartitionBackup } from './partition-backup.ts';
import type { PartitionPrimary } from './partition-primary.ts';
import type { Peer } from './peer.ts';

export interface PeerHost {
  readonly nowMs: number;
  readonly log: Log;
  readonly peers: readonly (Peer | null)[];
  readonly backups: readonly (PartitionBackup | null)[];
  readonly primaries: readonly (PartitionPrimary | null)[];
  readonly forwarder: Forwarder;
  /** The partition has something to tell its primary at the end of the turn. */
  acknowledge(partition: PartitionBackup): void;
  /** The peer has answered about its epoch: see AckStatus. */
  ackStatus(partition: PartitionPrimary, peer: Peer, status: number, epoch: number): void;
  staged(peer: Peer, stage: number, error: KeyvalError | null): void;
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
        return this.#host.staged(peer, decoder.messageId, null);
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
        return this.#host.request(connection);
    }
  }

  #reply(peer: Peer, connection: Connection): void {
    const { decoder } = connection;
    if (connection === peer.bulk && decoder.opcode === op.FAIL) {
      const error = new KeyvalError('KV_NO_QUORUM', `${peer.name} could not take the value`);
      return this.#host.staged(peer, decoder.messageId, error);
    }
    this.#host.forwarder.reply(peer.member, decoder);
  }

  #known(peer: Peer, connection: Connection): boolean {
    const { buffer, bodyStart, bodyEnd } = connection.decoder;
    if (bodyEnd - bodyStart < codec.PEER_RECORDS || peer.incarnation === null) return false;
    return codec.sameIncarnation(buffer, bodyStart, peer.incarnation);
  }

  #append(peer: Peer, connection: Connection): void {
    if (!this.#known(peer, connection)) return;
    const { buffer, bodyStart, bodyEnd } = connection.decoder;
    for (let at = bodyStart + codec.PEER_RECORDS; at < bodyEnd; ) {
      const length = readU32(buffer, at + codec.RECORD_LENGTH);
      const end = at + 4 + length;
      if (length < codec.RECORD_BODY - 4 || end > bodyEnd) return this.#malformed(connection, 'APND');
      const partition = this.#host.backups[readU16(buffer, at + codec.RECORD_PARTITION)] ?? null;
      if (partition === null || partition.primaryMember !== peer.member) return this.#malformed(connection, 'APND');
      if (!isEntry(buffer, at + codec.RECORD_KIND, end)) return this.#malformed(connection, 'APND');
      const kind = buffer[at + codec.RECORD_KIND];
      const needsLook = kind === EntryKind.put || kind === EntryKind.barrier;
      if (needsLook && !partition.canTake(peer.life, buffer, at, peer.stages)) {
        return this.#malformed(connection, 'APND');
      }
      if (partition.record(peer.life, buffer, at + codec.RECORD_PARTITION, end)) this.#host.acknowledge(partition);
      at = end;
    }
  }

  #acknowledged(peer: Peer, connection: Connection): void {
    if (!this.#known(peer, connection)) return;
    const { buffer, bodyStart, bodyEnd } = connection.decoder;
    for (let at = bodyStart + codec.PEER_RECORDS; at + codec.ACK_BYTES <= bodyEnd; at += codec.ACK_BYTES) {
      const partition = this.#host.primaries[readU16(buffer, at + codec.ACK_PARTITION)] ?? null;
      const backup = partition === null ? -1 : partition.backupMembers.indexOf(peer.member);
      if (partition === null || backup < 0) return this.#malformed(connection, 'ACKN');
      const status = buffer[at + codec.ACK_STATUS] as number;
      const epoch = readU32(buffer, at + codec.ACK_EPOCH);
      const operation = readI32(buffer, at + codec.ACK_OPERATION);
      if (!partition.primary.hasAppended(epoch, operation)) return this.#malformed(connection, 'ACKN');
      if (status === codec.AckStatus.held) partition.acknowledged(backup, epoch, operation);
      else if (status === codec.AckStatus.mismatch) {
        partition.primary.mismatched(backup, epoch, operation);
        partition.changed();
      } else this.#host.ackStatus(partition, peer, status, epoch);
    }
  }

  #beat(peer: Peer, connection: Connection): void {
    if (!this.#known(peer, connection)) return;
    const { buffer, bodyStart, bodyEnd } = connection.decoder;
    if (bodyEnd - bodyStart < codec.BEAT_BYTES) return this.#malformed(connection, 'BEAT');
    peer.memoryFull = ((buffer[bodyStart + codec.BEAT_FLAGS] as number) & codec.BeatFlag.memoryFull) !== 0;
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
