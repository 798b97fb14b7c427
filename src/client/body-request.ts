/** Requests without a key whose body stands ready: to a partition's primary, or to a node of its own. */
import { Shape } from './answers.ts';
import type { Dispatcher } from './dispatcher.ts';
import type { NodeLink } from './node-link.ts';
import { Operation } from './operation.ts';

export interface BodyRequest {
  readonly opcode: number;
  readonly body: Uint8Array;
  /** Where it goes: to the primary of the partition, unless a node is named. */
  readonly partition: number;
  readonly link?: NodeLink;
  readonly deadlineMs: number;
  /** How the answer is read; default: its body. */
  readonly shape?: number;
  /** KV_NO_QUORUM is an answer like any other; otherwise it is asked again until the deadline. */
  readonly once?: boolean;
}

export function requestBody<T = Uint8Array>(dispatcher: Dispatcher, request: BodyRequest): Promise<T> {
  return new Promise<unknown>((resolve, reject) => {
    const operation = new Operation(request.opcode, '', null, request.deadlineMs, resolve, reject);
    operation.partition = request.partition;
    operation.link = request.link ?? null;
    operation.shape = request.shape ?? Shape.raw;
    operation.body = request.body;
    operation.once = request.once ?? false;
    dispatcher.submit(operation);
  }) as Promise<T>;
}
