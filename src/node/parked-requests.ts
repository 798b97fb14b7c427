/** Requests set aside until their partition has applied an entry: reads that found a key due (R23). */
import type { Connection } from './connection.ts';
import type { PartitionPrimary } from './partition-primary.ts';
import type { RequestHandler } from './request-handler.ts';

export interface ParkedRequest {
  readonly partition: PartitionPrimary;
  readonly position: number;
  readonly to: Connection;
  readonly messageId: number;
  readonly opcode: number;
  readonly body: Uint8Array;
}

export class ParkedRequests {
  #parked: ParkedRequest[] = [];

  get size(): number {
    return this.#parked.length;
  }

  add(request: ParkedRequest): void {
    this.#parked.push(request);
  }

  /** Handles again whatever need not wait any longer; it may be set aside again. */
  retry(handler: RequestHandler): void {
    const parked = this.#parked;
    this.#parked = [];
    for (const request of parked) {
      if (request.to.closed) continue;
      if (request.partition.applied <= request.position) this.#parked.push(request);
      else handler.request(request.to, request.opcode, request.messageId, request.body, 0, request.body.length);
    }
  }
}
