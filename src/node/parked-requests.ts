/**
 * Requests set aside until their partition can answer them: reads that found a key due, until its expiry is applied (R23);
 * reads until the primary holds its lease (R12); anything until a partition that is about to serve does.
 */
import { readU32, writeU32 } from '../base/bytes.ts';
import type { PartitionPrimary } from './partition-primary.ts';
import { Until } from './primary-host.ts';
import { type ReplyTarget, replyFail } from './reply.ts';

export interface ParkedRequest {
  readonly partition: number;
  /** Position to be applied, or as in `Until`. */
  readonly until: number;
  /** The primary at whom it was parked; null: it had not begun yet. */
  readonly at: PartitionPrimary | null;
  readonly to: ReplyTarget;
  /** Whose sessions it speaks of: on a link between nodes others have spoken since. */
  readonly owner: string;
  readonly messageId: number;
  readonly opcode: number;
  readonly body: Uint8Array;
  /** Monotonic milliseconds after which nobody waits for it. */
  readonly untilMs: number;
}

export interface ParkingHost {
  readonly nowMs: number;
  readonly primaries: readonly (PartitionPrimary | null)[];
  /** This node is to be primary of the partition, and is about to. */
  isElected(partition: number): boolean;
  handleAgain(to: ReplyTarget, opcode: number, messageId: number, body: Uint8Array): void;
}

/** More are refused with KV_OVERLOADED. */
const PARKED_MAX = 10_000;
export const WAITING_BYTES_MAX: number = 32 * 1024 * 1024;
/** What one that waits costs beside its body. */
export const WAITING_BYTES = 200;

/** The time left that a request brings: the first word of its body, milliseconds. */
export function timeLeftOf(body: Uint8Array): number {
  return readU32(body, 0);
}

export class ParkedRequests {
  /** Requests that waited for a lease so far. */
  leaseWaits = 0;
  /** What those that wait hold. */
  bytes = 0;
  readonly #host: ParkingHost;
  #parked: ParkedRequest[] = [];

  constructor(host: ParkingHost) {
    this.#host = host;
  }

  get size(): number {
    return this.#parked.length;
  }

  park(partition: number, until: number, to: ReplyTarget, messageId: number, opcode: number, body: Uint8Array): void {
    if (this.#parked.length >= PARKED_MAX || this.bytes > WAITING_BYTES_MAX) {
      return replyFail(to, messageId, 'KV_OVERLOADED', 'too many requests wait for their partitions');
    }
    if (until === Until.leased) this.leaseWaits += 1;
    const at = this.#host.primaries[partition] ?? null;
    const untilMs = this.#host.nowMs + timeLeftOf(body);
    this.#keep({ partition, until, at, to, owner: to.owner, messageId, opcode, body, untilMs });
  }

  #keep(request: ParkedRequest): void {
    this.#parked.push(request);
    this.bytes += request.body.length + WAITING_BYTES;
  }

  /** Handles again whatever need not wait any longer; it may be set aside again. */
  retry(): void {
    const parked = this.#parked;
    const { nowMs } = this.#host;
    this.#parked = [];
    this.bytes = 0;
    for (const request of parked) {
      if (request.to.closed) continue;
      if (nowMs > request.untilMs) this.#tooLate(request);
      else if (this.#waitsOn(request)) this.#keep(request);
      else this.#again(request, nowMs);
    }
  }

  #tooLate({ to, messageId, until }: ParkedRequest): void {
    const texts: Readonly<Record<number, string>> = {
      [Until.serving]: 'the deadline passed before the partition had a primary that serves',
      [Until.leased]: 'the deadline passed before the other replicas had granted the primary their leases',
    };
    replyFail(to, messageId, 'KV_DEADLINE', texts[until] ?? 'the deadline passed while the key was expiring');
  }

  #waitsOn({ partition, until, at }: ParkedRequest): boolean {
    const primary = this.#host.primaries[partition] ?? null;
    if (primary === null) return until === Until.serving && this.#host.isElected(partition);
    if (until === Until.serving) return primary.starting;
    if (primary !== at) return false;
    return until === Until.leased ? primary.serving && !primary.lease.holds : primary.applied <= until;
  }

  /** In the name of whoever sent it; what has come since, or is about to come, speaks of others' sessions, perhaps. */
  #again({ to, owner, opcode, messageId, body, untilMs }: ParkedRequest, nowMs: number): void {
    writeU32(body, 0, Math.max(1, Math.ceil(untilMs - nowMs)));
    const { owner: present } = to;
    to.owner = owner;
    this.#host.handleAgain(to, opcode, messageId, body);
    to.owner = present;
  }
}
