/**
 * Strict reads (R10): all that have come for a partition wait for one round, begun after they came, in which every other
 * member of the electorate says that it knows of no later epoch. No clock is trusted. A new round has a new number.
 */
import { CONF, SCAN } from '../protocol/opcode.ts';
import { timeLeftOf, WAITING_BYTES, WAITING_BYTES_MAX } from './parked-requests.ts';
import type { PartitionPrimary } from './partition-primary.ts';
import type { Peer } from './peer.ts';
import { type ReplyTarget, replyFail } from './reply.ts';

/** More are refused with KV_OVERLOADED. */
const READS_MAX = 100_000;
/** A round that is not complete after this is begun anew: what it asked may be lost. */
const AGAIN_MS = 200;

export interface StrictReadsHost {
  readonly nowMs: number;
  readonly primaries: readonly (PartitionPrimary | null)[];
  peerOf(slot: number): Peer | null;
  /** The partition is not served here any more: the request is handled as if it had just come. */
  handleAgain(to: ReplyTarget, opcode: number, messageId: number, body: Uint8Array): void;
  wake(): void;
}

interface Read {
  readonly to: ReplyTarget;
  readonly messageId: number;
  readonly opcode: number;
  readonly body: Uint8Array;
  readonly untilMs: number;
}

interface Round {
  readonly number: number;
  readonly epoch: number;
  readonly beganMs: number;
  /** Slots that have not answered. */
  readonly missing: Set<number>;
  readonly reads: Read[];
}

export class StrictReads {
  /** Rounds completed so far. */
  rounds = 0;
  /** What those that wait hold. */
  bytes = 0;
  readonly #host: StrictReadsHost;
  /** By partition: reads that no round has been begun for. */
  readonly #fresh: Map<number, Read[]> = new Map();
  readonly #rounds: Map<number, Round> = new Map();
  #lastNumber = 0;
  #size = 0;

  constructor(host: StrictReadsHost) {
    this.#host = host;
  }

  add(partition: number, to: ReplyTarget, messageId: number, opcode: number, body: Uint8Array): void {
    if (this.#size >= READS_MAX || this.bytes > WAITING_BYTES_MAX)
      return replyFail(to, messageId, 'KV_OVERLOADED', 'too many strict reads are under way');
    this.#size += 1;
    this.bytes += body.length + WAITING_BYTES;
    const read: Read = { to, messageId, opcode, body, untilMs: this.#host.nowMs + timeLeftOf(body) };
    const waiting = this.#fresh.get(partition);
    if (waiting === undefined) this.#fresh.set(partition, [read]);
    else waiting.push(read);
    this.#host.wake();
  }

  /** Begins the rounds that are due: one for all that came in this turn. */
  endOfTurn(): void {
    if (this.#fresh.size === 0) return;
    for (const partition of [...this.#fresh.keys()]) if (!this.#rounds.has(partition)) this.#begin(partition);
  }

  #begin(id: number): void {
    const reads = this.#fresh.get(id) ?? [];
    this.#fresh.delete(id);
    const partition = this.#host.primaries[id] ?? null;
    if (partition === null) return this.#giveBack(reads);
    this.#lastNumber = (this.#lastNumber + 1) >>> 0;
    const { epoch, lease } = partition;
    const missing = new Set(lease.grantors);
    const round: Round = { number: this.#lastNumber, epoch, beganMs: this.#host.nowMs, missing, reads };
    this.#rounds.set(id, round);
    if (missing.size === 0) return this.#complete(id, round);
    for (const slot of missing) this.#ask(slot, id, round);
  }

  #ask(slot: number, partition: number, { number, epoch }: Round): void {
    const frames = this.#host.peerOf(slot)?.control?.frames;
    if (frames === undefined) return;
    frames.begin(CONF, number);
    frames.u16(partition);
    frames.u32(epoch);
    frames.end();
  }

  /** A member knows of no later epoch. */
  confirmed(peer: Peer, partition: number, epoch: number, number: number): void {
    const round = this.#rounds.get(partition);
    if (round === undefined || round.number !== number || round.epoch !== epoch) return;
    round.missing.delete(peer.slot);
    if (round.missing.size === 0) this.#complete(partition, round);
  }

  #complete(id: number, round: Round): void {
    this.#rounds.delete(id);
    const partition = this.#host.primaries[id] ?? null;
    if (partition === null || partition.epoch !== round.epoch) return this.#giveBack(round.reads);
    this.rounds += 1;
    this.#gone(round.reads);
    for (const { to, messageId, opcode, body } of round.reads) {
      if (to.closed) continue;
      if (opcode === SCAN) partition.reads.scan(to, messageId, body, 0, body.length, opcode, true);
      else partition.reads.get(to, messageId, body, 0, opcode, true);
    }
    if (this.#fresh.has(id)) this.#host.wake();
  }

  #giveBack(reads: readonly Read[]): void {
    this.#gone(reads);
    for (const { to, opcode, messageId, body } of reads) {
      if (!to.closed) this.#host.handleAgain(to, opcode, messageId, body);
    }
  }

  #gone(reads: readonly Read[]): void {
    this.#size -= reads.length;
    for (const { body } of reads) this.bytes -= body.length + WAITING_BYTES;
  }

  /** Another electorate, or none: what was asked is asked anew. */
  configured(partition: number): void {
    const round = this.#rounds.get(partition);
    if (round === undefined) return;
    this.#rounds.delete(partition);
    this.#fresh.set(partition, [...round.reads, ...(this.#fresh.get(partition) ?? [])]);
    this.#host.wake();
  }

  tick(): void {
    const { nowMs } = this.#host;
    for (const [partition, { beganMs }] of [...this.#rounds])
      if (nowMs - beganMs > AGAIN_MS) this.configured(partition);
    for (const [partition, reads] of [...this.#fresh]) this.#fresh.set(partition, this.#inTime(reads));
  }

  #inTime(reads: readonly Read[]): Read[] {
    const { nowMs } = this.#host;
    return reads.filter((read) => {
      const { to, messageId, untilMs } = read;
      if (nowMs <= untilMs && !to.closed) return true;
      this.#gone([read]);
      replyFail(
        to,
        messageId,
        'KV_DEADLINE',
        'the deadline passed before the other replicas had confirmed the primary',
      );
      return false;
    });
  }
}
