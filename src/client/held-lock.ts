/** A lock that the session holds, as the client keeps it; a flow that took it several times has a handle for each (`Lock`). */
import { KeyvalError } from '../errors.ts';
import type { Flow, Flows } from './flows.ts';
import type { Key } from './key-buffer.ts';
import { tellAll } from './listeners.ts';
import { type LockLoss, type LossCause, publishLoss } from './lock-loss.ts';
import type { FullLockModeName } from './lock-options.ts';
import type { Operation } from './operation.ts';

/** Somebody waits for the lock, and its holder stands in the way. */
export interface LockWanted {
  readonly key: Key;
  /** How it is wanted. */
  readonly mode: FullLockModeName;
}

/** Whose session holds it, and which flows of the program it is known to. */
export interface LockOwner {
  readonly flows: Flows;
  /** True while the lease of the lock has not run out. */
  leaseHolds(held: HeldLock): boolean;
}

export class HeldLock<O extends LockOwner = LockOwner> {
  readonly owner: O;
  readonly key: Key;
  readonly partition: number;
  /** The attachment that it was granted to. */
  readonly attachEpoch: number;
  readonly attachOperation: number;
  readonly flow: Flow | null;
  /** Fencing token (L2); a conversion upward brings a new one. */
  token: bigint;
  /** `LockMode`. */
  mode: number;
  /** Of the request that was granted. */
  sequence: number;
  handles = 1;
  state: 'held' | 'storing' | 'released' | 'lost' = 'held';
  /** It may have been taken away while a value was stored with its release. */
  isDoubted = false;
  /** Without renewal: monotonic milliseconds at which it is given up. */
  untilMs: number = Number.POSITIVE_INFINITY;
  /** Ends a conversion upward that the node may not have done with, and resolves when it has forgotten it, or after a lease. */
  endConversion: (() => Promise<void>) | null = null;
  /** Resolves when the node has done with a conversion whose caller waits for it no longer. */
  unsettled: Promise<void> | null = null;
  loss: LockLoss | null = null;
  /** Among the locks of its partition. */
  place = -1;
  // Most locks are never listened to.
  #wanted: Set<(wanted: LockWanted) => void> | null = null;
  #losing: Set<(loss: LockLoss) => void> | null = null;
  #abort: AbortController | null = null;

  /** `request`: what was granted. */
  constructor(owner: O, request: Operation, flow: Flow | null, token: bigint, mode: number) {
    this.owner = owner;
    this.key = request.key;
    this.partition = request.partition;
    this.attachEpoch = request.attachEpoch;
    this.attachOperation = request.attachOperation;
    this.flow = flow;
    this.token = token;
    this.mode = mode;
    this.sequence = request.sequence;
  }

  get signal(): AbortSignal {
    if (this.#abort === null) {
      this.#abort = new AbortController();
      if (this.state === 'lost') this.#abort.abort(this.loss?.error);
    }
    return this.#abort.signal;
  }

  get isWatched(): boolean {
    return this.#wanted !== null;
  }

  get wanted(): Set<(wanted: LockWanted) => void> {
    this.#wanted ??= new Set();
    return this.#wanted;
  }

  /** Told of its loss, once. */
  get losing(): Set<(loss: LockLoss) => void> {
    this.#losing ??= new Set();
    return this.#losing;
  }

  get flows(): Flows {
    return this.owner.flows;
  }

  get name(): string {
    return typeof this.key === 'string' ? `'${this.key}'` : 'the key';
  }

  lose(cause: LossCause, reason: string): void {
    if (this.state !== 'held' && this.state !== 'storing') return;
    this.state = 'lost';
    const loss = this.#lost(cause, new KeyvalError('KV_LOCK_LOST', `the lock on ${this.name} is lost: ${reason}`));
    this.#abort?.abort(loss.error);
    this.#tell(loss);
  }

  /** L6: a plain release has failed. Its holder has gone on: nothing is aborted any more. */
  staysLocked(cause: LossCause, reason: string, failure: KeyvalError): void {
    const text = `the lock on ${this.name} was released, and that has failed: ${reason}`;
    this.#tell(this.#lost(cause, new KeyvalError('KV_LOCK_LOST', text, { cause: failure })));
  }

  #tell(loss: LockLoss): void {
    if (this.#losing !== null) tellAll(this.#losing, loss);
  }

  #lost(cause: LossCause, error: KeyvalError): LockLoss {
    this.loss = { key: this.key, token: this.token, cause, error };
    publishLoss(this.loss);
    return this.loss;
  }
}
