/**
 * Requests of clients, and those that a peer forwards: checks the layout, finds the partition, and serves it, forwards it
 * or says who is primary. One table of lengths decides what a body must look like; nothing is built per request.
 */

import { readU16, readU32, writeU32 } from '../base/bytes.ts';
import { hashSlot, partitionShift } from '../base/hash-slot.ts';
import type { Log } from '../base/ports.ts';
import { NO_MEMBER } from '../cluster/book.ts';
import { codes, KeyvalError } from '../errors.ts';
import * as codec from '../protocol/client-codec.ts';
import { fenceLength, lockKeyEnd } from '../protocol/fence.ts';
import { encodeTable, type RoutingTable } from '../protocol/hello-codec.ts';
import {
  BATCH_FRAMES_MAX,
  FRAME_HEADER_BYTES,
  FRAME_LENGTH_MIN,
  INLINE_VALUE_BYTES_MAX,
  LEASE_MS_MAX,
  LEASE_MS_MIN,
} from '../protocol/limits.ts';
import { converts, GRANT_SEQUENCE_BYTES, isLockPayload } from '../protocol/lock-request.ts';
import type { ConnectionFacts } from '../protocol/node-facts.ts';
import * as op from '../protocol/opcode.ts';
import { EntryKind } from '../replication/entry-kind.ts';
import { type BulkHost, BulkRequests } from './bulk-requests.ts';
import { ClientStages } from './client-stages.ts';
import { answerClusterFrame, type ClusterHost } from './cluster-requests.ts';
import type { Connection, FrameHandler } from './connection.ts';
import type { DataPlane } from './data-plane.ts';
import type { Forwarder } from './forwarder.ts';
import { LockDesk } from './lock-desk.ts';
import type { PartitionPrimary } from './partition-primary.ts';
import { poolWork } from './pool-work.ts';
import type { NodePorts } from './ports.ts';
import { Until } from './primary-host.ts';
import { emptyKey, malformed, noPrimaryText, REFUSED, refusedAsDelay, refusedAsLate } from './refusals.ts';
import { type ReplyTarget, replyFail, replyMoved } from './reply.ts';
import { keepAlive, leave, refusedAsSession } from './session-requests.ts';
import { refusedAsForeign } from './speakers.ts';
import { type WholePartitionHost, WholePartitionRequests } from './whole-partition-requests.ts';

export interface RequestHost extends WholePartitionHost, BulkHost, ClusterHost {
  readonly ports: NodePorts;
  readonly log: Log;
  readonly partitions: number;
  /** By partition: the primary here, or null. */
  readonly primaries: readonly (PartitionPrimary | null)[];
  readonly dataPlane: DataPlane;
  readonly forwarder: Forwarder;
  readonly stopping: boolean;
  readonly nowMs: number;
  readonly connections: { list(): ConnectionFacts[] };
  table(): RoutingTable;
  status(): string;
  /** Sets memory aside for a value in pieces; false: there is none. */
  reserveHere(bytes: number): boolean;
  /** Sends a staged value to the backups, then writes. */
  writeLarge(
    partition: PartitionPrimary,
    kind: number,
    to: Connection,
    messageId: number,
    body: Uint8Array,
    value: Uint8Array,
  ): void;
  clientClosed(connection: Connection): void;
}

/** A body that ends exactly behind its key. */
const NO_PAYLOAD = 0;
const ANY_PAYLOAD = -1;
const LOCK_PAYLOAD = -2;
/** The kind of a WANT. */
const NO_ENTRY = -1;
/** What a write costs beyond a read, and a status, in units of fair-share.ts. */
const WRITE_UNITS = 3;
const STATUS_UNITS = 128;

const utf8 = new TextEncoder();

export class RequestHandler implements FrameHandler {
  readonly #host: RequestHost;
  #shift: number;
  readonly #stages: ClientStages;
  readonly #wholePartitions: WholePartitionRequests;
  readonly #bulk: BulkRequests;
  readonly #lockDesk: LockDesk;

  constructor(host: RequestHost) {
    this.#host = host;
    this.#shift = partitionShift(host.partitions);
    this.#stages = new ClientStages(host);
    this.#wholePartitions = new WholePartitionRequests(host, poolWork(host.ports.workers, host.ports.timers));
    this.#bulk = new BulkRequests(host);
    this.#lockDesk = new LockDesk(host);
  }

  /** The cluster has so many partitions. */
  resize(partitions: number): void {
    this.#shift = partitionShift(partitions);
    this.#wholePartitions.resize(partitions);
  }

  frame(connection: Connection): void {
    const { decoder } = connection;
    this.request(connection, decoder.opcode, decoder.messageId, decoder.buffer, decoder.bodyStart, decoder.bodyEnd);
  }

  request(from: Connection, opcode: number, messageId: number, bytes: Uint8Array, start: number, end: number): void {
    switch (opcode) {
      case op.GETK:
        return this.#get(from, messageId, bytes, start, end);
      case op.PUTK:
      case op.CASK:
        return this.#put(opcode, from, messageId, bytes, start, end);
      case op.DELK:
        return this.#write(opcode, EntryKind.remove, NO_PAYLOAD, from, messageId, bytes, start, end);
      case op.INCR:
        return this.#write(opcode, EntryKind.increment, 8, from, messageId, bytes, start, end);
      case op.LCKK:
        return this.#write(opcode, EntryKind.acquire, LOCK_PAYLOAD, from, messageId, bytes, start, end);
      case op.ULKK:
        return this.#release(from, messageId, bytes, start, end);
      case op.CNCL:
        return this.#write(opcode, EntryKind.cancel, 4, from, messageId, bytes, start, end);
      case op.WANT:
        return this.#write(opcode, NO_ENTRY, 4, from, messageId, bytes, start, end);
      default:
        return this.#rare(opcode, from, messageId, bytes, start, end);
    }
  }

  #rare(opcode: number, from: Connection, messageId: number, bytes: Uint8Array, start: number, end: number): void {
    switch (opcode) {
      case op.ATCH:
        return this.#attach(from, messageId, bytes, start, end);
      case op.KEEP:
        return keepAlive(this.#host.primaries, from, messageId, bytes, start, end);
      case op.CLOS:
        return leave(this.#host.primaries, from, messageId, bytes, start, end);
      case op.SCAN:
        return this.#scan(from, messageId, bytes, start, end);
      case op.XPRT:
        return this.#wholePartitions.export(from, messageId, bytes, start, end);
      case op.HASH:
        return this.#wholePartitions.hash(from, messageId, bytes, start, end);
      case op.LOAD:
        return this.#bulk.load(from, messageId, bytes, start, end);
      case op.DROP:
        return this.#stages.drop(from, messageId);
      case op.STGE:
        return this.#stage(from, messageId, bytes, start, end);
      case op.BTCH:
        return this.#batch(from, messageId, bytes, start, end);
      case op.PING:
        return echo(from, messageId, bytes, start, end);
      case op.STAT:
        return this.#status(from, messageId, bytes, start, end);
      case op.CLUS:
        return answerClusterFrame(this.#host, from, messageId, bytes, start, end, this.#lockDesk);
      case op.TABL:
        from.frames.begin(op.TABL, messageId);
        encodeTable(from.frames, this.#host.table());
        return from.frames.end();
      default:
        return replyFail(from, messageId, 'KV_UNKNOWN_OPCODE', `this node does not know ${op.opcodeName(opcode)}`);
    }
  }

  #partitionOf(bytes: Uint8Array, keyStart: number, keyEnd: number): number {
    return hashSlot(bytes, keyStart, keyEnd) >>> this.#shift;
  }

  #late(from: ReplyTarget, messageId: number, bytes: Uint8Array, start: number): boolean {
    return refusedAsLate(this.#host.stopping, from, messageId, bytes, start);
  }

  #get(from: Connection, messageId: number, bytes: Uint8Array, start: number, end: number): void {
    if (end - start < codec.READ_KEY) return void malformed(from, messageId, 'GETK');
    const keyLength = readU16(bytes, start + codec.READ_KEY_LENGTH);
    const keyStart = start + codec.READ_KEY;
    if (keyLength === 0) return void emptyKey(from, messageId);
    if (keyStart + keyLength !== end) return void malformed(from, messageId, 'GETK');
    if (this.#late(from, messageId, bytes, start)) return;
    const partition = this.#partitionOf(bytes, keyStart, end);
    const isStale = ((bytes[start + codec.READ_FLAGS] as number) & codec.ReadsFlag.mask) === codec.ReadsFlag.stale;
    if (isStale && this.#host.dataPlane.staleReads.get(partition, from, messageId, bytes, start)) return;
    const primary = this.#host.primaries[partition] ?? null;
    if (primary === null) return this.#elsewhere(partition, op.GETK, from, messageId, bytes, start, end);
    if (!primary.serving && primary.starting) return this.#wait(partition, op.GETK, from, messageId, bytes, start, end);
    primary.reads.get(from, messageId, bytes, start, op.GETK);
  }

  /** Without a value there is nothing behind the key. */
  #release(from: Connection, messageId: number, bytes: Uint8Array, start: number, end: number): void {
    const flags = end - start > codec.WRITE_FLAGS ? (bytes[start + codec.WRITE_FLAGS] as number) : 0;
    const { store, staged } = codec.WriteFlag;
    if ((flags & (store | staged)) === staged) return void malformed(from, messageId, 'ULKK');
    if ((flags & staged) !== 0)
      return this.#writeStaged(op.ULKK, EntryKind.release, from, messageId, bytes, start, end);
    const payload = (flags & store) === 0 ? NO_PAYLOAD : ANY_PAYLOAD;
    this.#write(op.ULKK, EntryKind.release, payload, from, messageId, bytes, start, end);
  }

  #put(opcode: number, from: Connection, messageId: number, bytes: Uint8Array, start: number, end: number): void {
    const staged =
      end - start > codec.WRITE_FLAGS && ((bytes[start + codec.WRITE_FLAGS] as number) & codec.WriteFlag.staged) !== 0;
    if (staged) return this.#writeStaged(opcode, EntryKind.put, from, messageId, bytes, start, end);
    this.#write(opcode, EntryKind.put, ANY_PAYLOAD, from, messageId, bytes, start, end);
  }

  /** All writes: their fixed part is the same. `payload` is the number of bytes behind the key. */
  #write(
    opcode: number,
    kind: number,
    payload: number,
    from: Connection,
    messageId: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void {
    const keyEnd = this.#checkWrite(opcode, payload, from, messageId, bytes, start, end);
    if (keyEnd < 0) return;
    from.units += WRITE_UNITS;
    const partition = this.#partitionOf(bytes, start + codec.WRITE_KEY, keyEnd);
    if (isFenced(bytes, start) && !this.#guards(partition, from, messageId, bytes, keyEnd, end)) return;
    const primary = this.#host.primaries[partition] ?? null;
    if (primary === null) return this.#elsewhere(partition, opcode, from, messageId, bytes, start, end);
    if (primary.starting) return this.#wait(partition, opcode, from, messageId, bytes, start, end);
    if (refusedAsForeign(primary, from, messageId, bytes, start)) return;
    if (kind === NO_ENTRY) primary.locks.watch(from, messageId, bytes, start, end);
    else if (kind === EntryKind.cancel) primary.locks.cancel(from, messageId, bytes, start, end);
    else primary.write(kind, from, messageId, bytes, start, end);
  }

  /** Where the key ends; −1 when the request has been refused. */
  #checkWrite(
    opcode: number,
    payload: number,
    from: Connection,
    messageId: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): number {
    if (end - start < codec.WRITE_KEY) return malformed(from, messageId, op.opcodeName(opcode));
    const keyLength = readU16(bytes, start + codec.WRITE_KEY_LENGTH);
    if (keyLength === 0) return emptyKey(from, messageId);
    const keyEnd = start + codec.WRITE_KEY + keyLength;
    const payloadEnd = keyEnd > end ? -1 : payloadEndOf(bytes, start, keyEnd, end);
    if (payloadEnd < 0 || !isPayload(payload, bytes, start, keyEnd, payloadEnd)) {
      return malformed(from, messageId, op.opcodeName(opcode));
    }
    if ((bytes[start + codec.WRITE_FLAGS] as number) & ~allowedFlags(opcode)) {
      return malformed(from, messageId, op.opcodeName(opcode));
    }
    if (payload === ANY_PAYLOAD && payloadEnd - keyEnd > INLINE_VALUE_BYTES_MAX) {
      const text = `a value of ${payloadEnd - keyEnd} bytes in one frame; above ${INLINE_VALUE_BYTES_MAX} send it in pieces (STGE)`;
      replyFail(from, messageId, 'KV_TOO_LARGE', text);
      return REFUSED;
    }
    if (payload === LOCK_PAYLOAD && refusedAsDelay(from, messageId, bytes, start, keyEnd, end)) return REFUSED;
    return this.#late(from, messageId, bytes, start) ? REFUSED : keyEnd;
  }

  /** L9: the lock must lie in the partition of the key, or no replica could tell who holds it. */
  #guards(
    partition: number,
    from: Connection,
    messageId: number,
    bytes: Uint8Array,
    keyEnd: number,
    end: number,
  ): boolean {
    const lockStart = end - fenceLength(bytes, keyEnd, end);
    const lockEnd = lockKeyEnd(end);
    if (lockStart === lockEnd || this.#partitionOf(bytes, lockStart, lockEnd) === partition) return true;
    replyFail(from, messageId, 'KV_FENCE_PARTITION', codes.KV_FENCE_PARTITION.meaning);
    return false;
  }

  /** PUTK, CASK, ULKK of a value that came before in STGE frames on the same connection. */
  #writeStaged(
    opcode: number,
    kind: number,
    from: Connection,
    messageId: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void {
    const keyEnd = this.#checkWrite(opcode, 8, from, messageId, bytes, start, end);
    // Whatever comes of it, the stage is used up.
    const value = this.#takeStaged(from, bytes, start, end);
    if (keyEnd < 0) return;
    const partition = this.#partitionOf(bytes, start + codec.WRITE_KEY, keyEnd);
    if (isFenced(bytes, start) && !this.#guards(partition, from, messageId, bytes, keyEnd, end)) return;
    const primary = this.#host.primaries[partition] ?? null;
    if (primary === null) return this.#moved(partition, from, messageId);
    if (refusedAsForeign(primary, from, messageId, bytes, start)) return;
    if (value === null) {
      return replyFail(from, messageId, 'KV_BAD_REQUEST', 'the staged value is not there, or not whole');
    }
    this.#host.writeLarge(primary, kind, from, messageId, bytes.slice(start, end), value);
  }

  #takeStaged(from: Connection, bytes: Uint8Array, start: number, end: number): Uint8Array | null {
    const referenceEnd = payloadEndOf(bytes, start, start + codec.WRITE_FLAGS + 1, end);
    return referenceEnd - start < 8 ? null : this.#stages.take(from, readU32(bytes, referenceEnd - 8));
  }

  #stage(from: Connection, messageId: number, bytes: Uint8Array, start: number, end: number): void {
    const stages = this.#stages.of(from);
    try {
      if (!stages.receive(bytes, start, end)) return;
      from.frames.begin(op.STGD, messageId);
      from.frames.end();
    } catch (error) {
      if (!(error instanceof KeyvalError)) throw error;
      if (end - start >= codec.STAGE_BYTES) stages.drop(readU32(bytes, start + codec.STAGE_NUMBER));
      replyFail(from, messageId, error.code, error.message);
    }
  }

  /** Memory of whole and partial values that no entry names yet. */
  get stagedBytes(): number {
    return this.#stages.bytes + this.#wholePartitions.bytes + this.#bulk.bytes;
  }

  stagedBytesOf(connection: Connection): number {
    return this.#stages.bytesOf(connection);
  }

  /** The node is stopping: ends what would go on by itself. */
  stop(): Promise<void> {
    return this.#bulk.stop();
  }

  /** To be called often. */
  tick(): void {
    this.#stages.tick();
  }

  #attach(from: Connection, messageId: number, bytes: Uint8Array, start: number, end: number): void {
    if (end - start < codec.ATTACH_NAME) return void malformed(from, messageId, 'ATCH');
    const partition = readU16(bytes, start + codec.ATTACH_PARTITION);
    const leaseMs = readU32(bytes, start + codec.ATTACH_LEASE);
    const nameLength = bytes[start + codec.ATTACH_NAME_LENGTH] as number;
    if (start + codec.ATTACH_NAME + nameLength !== end || partition >= this.#host.partitions) {
      return void malformed(from, messageId, 'ATCH');
    }
    const leaseMsMax = Math.min(LEASE_MS_MAX, this.#host.dataPlane.book?.settings.maxLeaseMs ?? LEASE_MS_MAX);
    if (leaseMs < LEASE_MS_MIN || leaseMs > leaseMsMax) {
      const text = `a lease of ${leaseMs} ms; ${LEASE_MS_MIN} to ${leaseMsMax} are allowed (--max-lease)`;
      return replyFail(from, messageId, 'KV_BAD_REQUEST', text);
    }
    if (this.#late(from, messageId, bytes, start)) return;
    if (refusedAsSession(from, messageId, partition, bytes, start + codec.ATTACH_SESSION)) return;
    const primary = this.#host.primaries[partition] ?? null;
    if (primary === null) return this.#elsewhere(partition, op.ATCH, from, messageId, bytes, start, end);
    if (primary.starting) return this.#wait(partition, op.ATCH, from, messageId, bytes, start, end);
    primary.attach(from, messageId, bytes, start, end);
  }

  #scan(from: Connection, messageId: number, bytes: Uint8Array, start: number, end: number): void {
    if (end - start < codec.SCAN_PREFIX) return void malformed(from, messageId, 'SCAN');
    const partition = readU16(bytes, start + codec.SCAN_PARTITION);
    const prefixLength = readU16(bytes, start + codec.SCAN_PREFIX_LENGTH);
    if (start + codec.SCAN_PREFIX + prefixLength !== end || partition >= this.#host.partitions) {
      return void malformed(from, messageId, 'SCAN');
    }
    if (this.#late(from, messageId, bytes, start)) return;
    const primary = this.#host.primaries[partition] ?? null;
    if (primary === null) return this.#elsewhere(partition, op.SCAN, from, messageId, bytes, start, end);
    if (!primary.serving && primary.starting) return this.#wait(partition, op.SCAN, from, messageId, bytes, start, end);
    primary.reads.scan(from, messageId, bytes, start, end, op.SCAN);
  }

  /** A frame of frames: once it is known to be whole, its frames are handled as if they had come by themselves. */
  #batch(from: Connection, messageId: number, bytes: Uint8Array, start: number, end: number): void {
    let count = 0;
    for (let at = start; at < end; count += 1) {
      const length = end - at < FRAME_HEADER_BYTES ? 0 : readU32(bytes, at);
      const opcode = length < FRAME_LENGTH_MIN ? op.BTCH : readU32(bytes, at + 4);
      at += 4 + length;
      if (opcode === op.BTCH || at > end || count >= BATCH_FRAMES_MAX) return void malformed(from, messageId, 'BTCH');
    }
    from.decoder.enter();
  }

  #status(from: Connection, messageId: number, bytes: Uint8Array, start: number, end: number): void {
    const what = end > start ? (bytes[start] as number) : codec.StatusOf.node;
    if (end - start > 1 || what > codec.StatusOf.connections) return void malformed(from, messageId, 'STAT');
    from.units += STATUS_UNITS;
    const text = what === codec.StatusOf.node ? this.#host.status() : JSON.stringify(this.#host.connections.list());
    from.frames.begin(op.STAD, messageId);
    const body = utf8.encode(text);
    from.frames.bytes(body, 0, body.length);
    from.frames.end();
  }

  /** Another node is primary: says so to whoever can go there, and hands on the request of whoever cannot. */
  #elsewhere(
    partition: number,
    opcode: number,
    from: Connection,
    messageId: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void {
    const { dataPlane, forwarder } = this.#host;
    if (dataPlane.isElected(partition)) return this.#wait(partition, opcode, from, messageId, bytes, start, end);
    const slot = dataPlane.primaryOf(partition);
    if (slot === NO_MEMBER) return replyFail(from, messageId, 'KV_NO_QUORUM', noPrimaryText(dataPlane.book, partition));
    if (from.routes || from.peer >= 0) return this.#moved(partition, from, messageId);
    const peer = dataPlane.anyPeerOf(slot);
    if (peer === null) return this.#moved(partition, from, messageId);
    if (!peer.healthy || peer.control === null) {
      const text = `partition ${partition}: its primary ${peer.name}: ${peer.reason}`;
      return replyFail(from, messageId, 'KV_NO_QUORUM', text);
    }
    if (!forwarder.forward(from, messageId, peer.index, peer.control.frames, opcode, bytes, start, end)) {
      replyFail(from, messageId, 'KV_OVERLOADED', 'too many forwarded requests are under way');
    }
  }

  /** The partition is about to be served here. */
  #wait(
    partition: number,
    opcode: number,
    from: Connection,
    messageId: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void {
    this.#host.dataPlane.park(partition, Until.serving, from, messageId, opcode, bytes.slice(start, end));
  }

  #moved(partition: number, from: ReplyTarget, messageId: number): void {
    replyMoved(from, messageId, partition, this.#host.dataPlane.primaryOf(partition));
  }

  badLength(connection: Connection, length: number): void {
    const text = `a frame of ${length} bytes was announced; 8 to ${connection.decoder.lengthMax} are allowed`;
    codec.writeFail(connection.frames, op.FAIL, 0, codes.KV_BAD_FRAME.wire, text);
  }

  closed(connection: Connection): void {
    this.#stages.closed(connection);
    this.#wholePartitions.closed(connection);
    this.#bulk.closed(connection);
    this.#host.clientClosed(connection);
  }
}

/** Flags that mean something to a write; any other is refused, so that a later version may give it a meaning. */
function allowedFlags(opcode: number): number {
  const { ifRevision, staged, fenced, wantsValue, store, namesGrant, givenBack } = codec.WriteFlag;
  if (opcode === op.PUTK || opcode === op.CASK) return ifRevision | staged | fenced;
  if (opcode === op.DELK) return ifRevision | fenced;
  if (opcode === op.LCKK) return wantsValue;
  if (opcode === op.ULKK) return store | staged | namesGrant | givenBack;
  return opcode === op.INCR ? fenced : 0;
}

function isFenced(bytes: Uint8Array, start: number): boolean {
  return ((bytes[start + codec.WRITE_FLAGS] as number) & codec.WriteFlag.fenced) !== 0;
}

/** Whether what follows the key is so long, or as LOCK_PAYLOAD and ANY_PAYLOAD say. */
function isPayload(payload: number, bytes: Uint8Array, start: number, keyEnd: number, end: number): boolean {
  if (payload === LOCK_PAYLOAD) return isLockPayload(bytes, keyEnd, end, converts(bytes, start));
  return payload === ANY_PAYLOAD ? keyEnd <= end : keyEnd + payload === end;
}

/** Where what follows the key ends: at the fence, or at the grant that is named, if there is one; −1: it is none. */
function payloadEndOf(bytes: Uint8Array, start: number, keyEnd: number, end: number): number {
  const flags = bytes[start + codec.WRITE_FLAGS] as number;
  if ((flags & codec.WriteFlag.namesGrant) !== 0) return end - GRANT_SEQUENCE_BYTES;
  if (!isFenced(bytes, start)) return end;
  const fence = fenceLength(bytes, keyEnd, end);
  return fence < 0 ? -1 : end - fence;
}

function echo(to: ReplyTarget, messageId: number, bytes: Uint8Array, start: number, end: number): void {
  to.frames.begin(op.PONG, messageId);
  to.frames.bytes(bytes, start, end);
  to.frames.end();
}

/** Writes the stage number into a copied PUTK body. */
export function renameStage(body: Uint8Array, stage: number): void {
  const keyLength = readU16(body, codec.WRITE_KEY_LENGTH);
  writeU32(body, codec.WRITE_KEY + keyLength, stage);
}
