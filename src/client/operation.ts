/**
 * One request of the caller, from its call to its answer, over all attempts. The verdict is the worst of the attempts
 * (R24): once one may have taken effect, only an answer that speaks of it ends in anything but KV_AMBIGUOUS.
 */
import type { TimerHandle } from '../base/ports.ts';
import type { KeyvalError } from '../errors.ts';
import { ReadsFlag } from '../protocol/client-codec.ts';
import { GETK } from '../protocol/opcode.ts';
import type { Fence } from './fence.ts';
import type { Key } from './key-buffer.ts';
import type { NodeLink } from './node-link.ts';
import { NO_SEQUENCE } from './session.ts';

/** What became of a request, as the caller's promise gets it. */
export type Settle = (result: unknown) => void;
export type Fail = (error: KeyvalError) => void;

export class Operation {
  readonly opcode: number;
  readonly key: Key;
  /** Value bytes, or null. */
  readonly payload: Uint8Array | null;
  resolve: Settle;
  reject: Fail;
  /** Monotonic milliseconds; Infinity: none. */
  deadlineMs: number;
  flags = 0;
  span = 0;
  epoch = 0;
  operation = 0;
  /** The lock under which alone the write counts. */
  fence: Fence | null = null;
  /** Of a release: the request that was granted, where the token does not say which; see `WriteFlag.namesGrant`. */
  grantSequence = 0;
  /** How to read the answer: see `answers.ts`. */
  shape = 0;
  /** A partition for requests without a key, or the partition of the key once known. */
  partition = -1;
  /** Body of a request without a key. */
  body: Uint8Array | null = null;

  // State over the attempts.
  /** Sequence number in its attachment, or NO_SEQUENCE. */
  sequence: number = NO_SEQUENCE;
  attachEpoch = 0;
  attachOperation = 0;
  /** Some attempt may have taken effect. */
  unknown = false;
  /** The node has queued it: it waits for a lock. */
  queued = false;
  /** KV_NO_QUORUM is the answer wanted, not a reason to ask again. */
  once = false;
  /** While out of touch with the node: how long to go on trying; while queued: until when to wait. */
  timeoutMs = 0;
  queuedUntilMs: number = Number.POSITIVE_INFINITY;
  /** Monotonic time at which the last attempt was handed to the link. */
  sentAtMs = 0;
  attempts = 0;
  lastError: KeyvalError | null = null;
  /** The node it must go to; null: wherever its partition's primary is. */
  link: NodeLink | null = null;
  /** Of a read that any replica may answer: who was asked last, and whether somebody had nothing to read. */
  asked: NodeLink | null = null;
  missed = false;
  /** Delay before the last retry, and the timer of the next. */
  delayMs = 0;
  retry: TimerHandle | null = null;
  /** No longer counted as active. */
  released = false;
  messageId = 0;
  /** Among the requests for locks. */
  place = -1;
  done = false;
  /** Removes the listener on the caller's AbortSignal. */
  unlisten: (() => void) | null = null;

  constructor(opcode: number, key: Key, payload: Uint8Array | null, deadlineMs: number, resolve: Settle, reject: Fail) {
    this.opcode = opcode;
    this.key = key;
    this.payload = payload;
    this.deadlineMs = deadlineMs;
    this.resolve = resolve;
    this.reject = reject;
  }

  /** A read that any replica may answer (R13). */
  get isStale(): boolean {
    return this.opcode === GETK && (this.flags & ReadsFlag.mask) === ReadsFlag.stale;
  }

  /** No other attempt is made by itself: one has begun, or none is wanted. */
  cancelRetry(): void {
    this.retry?.cancel();
    this.retry = null;
  }
}
