/** Requests set aside until their partition has applied an entry: reads that found a key due (R23). */
import { readU32, writeU32 } from '../base/bytes.ts';
import type { Connection } from './connection.ts';
import type { PartitionPrimary } from './partition-primary.ts';
import { replyFail } from './reply.ts';
import type { RequestHandler } from './request-handler.ts';

export interface ParkedRequest {
  readonly partition: PartitionPrimary;
  readonly position: number;
  readonly to: Connection;
  readonly messageId: number;
  readonly opcode: number;
  readonly body: Uint8Array;
  /** Monotonic milliseconds after which nobody waits for it. */
  readonly untilMs: number;
}

/** More are refused with KV_OVERLOADED. */
const PARKED_MAX = 10_000;

/** The time left that a request brings: the first word of its body, milliseconds. */
export function timeLeftOf(body: Uint8Array): number {
  return readU32(body, 0);
}

export class ParkedRequests {
  #parked: ParkedRequest[] = [];

  get size(): number {
    return this.#parked.length;
  }

  add(request: ParkedRequest): void {
    if (this.#parked.length < PARKED_MAX) this.#parked.push(request);
    else replyFail(request.to, request.messageId, 'KV_OVERLOADED', 'too many reads wait for keys to expire');
  }

  /** Handles again whatever need not wait any longer; it may be set aside again. */
  retry(handler: RequestHandler, nowMs: number): void {
    const parked = this.#parked;
    this.#parked = [];
    for (const request of parked) {
      if (request.to.closed) continue;
      if (nowMs > request.untilMs) {
        replyFail(request.to, request.messageId, 'KV_DEADLINE', 'the deadline passed while the key was expiring');
      } else if (request.partition.applied <= request.position) this.#parked.push(request);
      else this.#again(handler, request, nowMs);
    }
  }

  #again(handler: RequestHandler, request: ParkedRequest, nowMs: number): void {
    const { to, opcode, messageId, body } = request;
    writeU32(body, 0, Math.max(1, Math.ceil(request.untilMs - nowMs)));
    handler.request(to, opcode, messageId, body, 0, body.length);
  }
}
