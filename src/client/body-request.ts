/** Requests without a key whose body stands ready: to a partition's primary, or to a node of its own. */
import type { Code, KeyvalError } from '../errors.ts';
import { listen } from './aborts.ts';
import { Shape } from './answers.ts';
import type { Dispatcher } from './dispatcher.ts';
import type { NodeLink } from './node-link.ts';
import { Operation } from './operation.ts';
import { ambiguous } from './verdict.ts';

/** For how long the caller waits. */
export interface Bounds {
  /** Monotonic milliseconds. */
  readonly deadlineMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** No partition is meant: the request goes to a node. */
export const NO_PARTITION = -1;

export interface BodyRequest extends Bounds {
  readonly opcode: number;
  readonly body: Uint8Array;
  /** Where it goes: to the primary of the partition, unless a node is named. */
  readonly partition: number;
  readonly link?: NodeLink;
  /** How the answer is read; default: its body. */
  readonly shape?: number;
  /** KV_NO_QUORUM is an answer like any other; otherwise it is asked again until the deadline. */
  readonly once?: boolean;
  /** Once sent it may take effect, answered or not (R24): then KV_ABORTED and KV_DEADLINE would say too much. */
  readonly changes?: boolean;
}

/** How a request ends that no node has answered. */
const UNANSWERED: ReadonlySet<Code> = new Set(['KV_ABORTED', 'KV_DEADLINE', 'KV_UNREACHABLE', 'KV_CLOSED']);

export function requestBody<T = Uint8Array>(dispatcher: Dispatcher, request: BodyRequest): Promise<T> {
  return new Promise<unknown>((resolve, reject) => {
    const fail = (error: KeyvalError): void => {
      const isUnknown = request.changes === true && operation.attempts > 0 && UNANSWERED.has(error.code);
      reject(isUnknown ? ambiguous(operation, `${error.message}, after it had been sent`) : error);
    };
    const operation = new Operation(request.opcode, '', null, request.deadlineMs, resolve, fail);
    operation.partition = request.partition;
    operation.link = request.link ?? null;
    operation.shape = request.shape ?? Shape.raw;
    operation.body = request.body;
    operation.once = request.once ?? false;
    if (request.signal !== undefined && !listen(dispatcher, operation, request.signal)) return;
    dispatcher.submit(operation);
  }) as Promise<T>;
}
