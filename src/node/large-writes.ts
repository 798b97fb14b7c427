/**
 * Writes of values too large for one frame. The value first goes to every backup in pieces on the bulk link; when all of
 * them hold it whole, one small entry of the log names it and commits like any other. Until then nothing is appended: a
 * backup that is lost on the way means "not done".
 */
import type { Log } from '../base/ports.ts';
import type { KeyvalError } from '../errors.ts';
import { DROP } from '../protocol/opcode.ts';
import { sendStage } from '../protocol/pieces.ts';
import type { Connection } from './connection.ts';
import type { PartitionPrimary } from './partition-primary.ts';
import type { Peer } from './peer.ts';
import { replyFail } from './reply.ts';
import { renameStage } from './request-handler.ts';

/** Drops told on a link that breaks and told again on the next one, at most: what was told before has come. */
const DROPS_REPEATED_MAX = 256;

interface LargeWrite {
  readonly stage: number;
  readonly partition: PartitionPrimary;
  readonly kind: number;
  readonly to: Connection;
  readonly messageId: number;
  readonly body: Uint8Array;
  readonly value: Uint8Array;
  /** Members that have not yet said that they hold the value. */
  readonly missing: Set<number>;
  /** Members to which pieces are still on their way. */
  readonly sending: Set<number>;
  failed: boolean;
}

export class LargeWrites {
  readonly #peers: readonly (Peer | null)[];
  readonly #log: Log;
  readonly #writes: Map<number, LargeWrite> = new Map();
  /** Values whose entry is appended, until it is applied. */
  readonly #named: Map<number, Uint8Array> = new Map();
  #lastStage = 0;
  #bytes = 0;

  constructor(peers: readonly (Peer | null)[], log: Log) {
    this.#peers = peers;
    this.#log = log;
  }

  /** Memory held by values under way. */
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
    this.#lastStage = (this.#lastStage + 1) >>> 0;
    const stage = this.#lastStage;
    const missing = new Set(partition.backupMembers);
    const write: LargeWrite = {
      stage,
      partition,
      kind,
      to,
      messageId,
      body,
      value,
      missing,
      sending: new Set(),
      failed: false,
    };
    this.#writes.set(stage, write);
    this.#bytes += value.length;
    if (missing.size === 0) return this.#append(write);
    for (const member of partition.backupMembers) if (!write.failed) this.#send(write, this.#peers[member] as Peer);
  }

  #send(write: LargeWrite, peer: Peer): void {
    const link = peer.bulk;
    if (!peer.healthy || link === null) return this.#fail(write, `${peer.name}: ${peer.reason}`);
    write.sending.add(peer.member);
    sendStage(link.queue, write.stage, write.stage, write.value, () => !this.#writes.has(write.stage))
      .then(() => this.#sentTo(write, peer))
      .catch((error: unknown) => {
        this.#log.write('error', 'large value not sent', { peer: peer.name, message: String(error) });
        link.destroy();
      });
  }

  /** All pieces have left, or the write has failed meanwhile: then the peer is told to forget what it got. */
  #sentTo(write: LargeWrite, peer: Peer): void {
    write.sending.delete(peer.member);
    if (write.failed) this.#tellDrop(write.stage, peer);
  }

  /** A backup has the whole value, or could not take it. */
  staged(peer: Peer, stage: number, error: KeyvalError | null): void {
    const write = this.#writes.get(stage);
    if (write === undefined) return;
    if (error !== null) return this.#fail(write, error.message);
    write.missing.delete(peer.member);
    if (write.missing.size === 0) this.#append(write);
  }

  #append(write: LargeWrite): void {
    this.#writes.delete(write.stage);
    this.#named.set(write.stage, write.value);
    renameStage(write.body, write.stage);
    const appended = write.partition.write(write.kind, write.to, write.messageId, write.body, 0, write.body.length);
    if (!appended) this.#forget(write);
  }

  /** Hands the value over to the partition that applies its entry. */
  take(stage: number): Uint8Array {
    const value = this.#named.get(stage) as Uint8Array;
    this.#named.delete(stage);
    this.#bytes -= value.length;
    return value;
  }

  #fail(write: LargeWrite, reason: string): void {
    if (!this.#writes.delete(write.stage)) return;
    this.#forget(write);
    replyFail(write.to, write.messageId, 'KV_NO_QUORUM', `partition ${write.partition.id}: ${reason}`);
  }

  #forget(write: LargeWrite): void {
    this.#named.delete(write.stage);
    this.#bytes -= write.value.length;
    write.failed = true;
    for (const member of write.partition.backupMembers) {
      if (!write.sending.has(member)) this.#tellDrop(write.stage, this.#peers[member] as Peer);
    }
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

  /** A number is never used again, so a drop may be told twice. */
  bulkLinked(peer: Peer): void {
    const owed = [...peer.dropsTold.splice(0), ...peer.dropsOwed.splice(0)];
    for (const stage of owed) this.#tellDrop(stage, peer);
  }

  /** The bulk link of a peer broke: what it had not confirmed is not done. */
  linkLost(peer: Peer): void {
    for (const write of [...this.#writes.values()]) {
      if (write.missing.has(peer.member)) this.#fail(write, `the bulk link to ${peer.name} broke`);
    }
  }
}
