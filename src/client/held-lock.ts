/** A lock that the session holds, as the client keeps it; a flow that took it several times has a handle for each (`Lock`). */
import { KeyvalError } from '../errors.ts';
import type { Flow, Flows } from './flows.ts';
import type { Key } from './key-buffer.ts';
import { type LockLoss, type LossCause, publishLoss } from './lock-loss.ts';
import type { FullLockModeName } from './lock-options.ts';

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
  readonly wanted: Set<(wanted: LockWanted) => void> = new Set();
  loss: LockLoss | null = null;
  readonly #abort: AbortController = new AbortController();

  constructor(owner: O, key: Key, partition: number, flow: Flow | null, token: bigint, mode: number, sequence: number) {
    this.owner = owner;
    this.key = key;
    this.partition = partition;
    this.flow = flow;
    this.token = token;
    this.mode = mode;
    this.sequence = sequence;
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
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
    const error = new KeyvalError('KV_LOCK_LOST', `the lock on ${this.name} is lost: ${reason}`);
    this.loss = { key: this.key, token: this.token, cause, error };
    publishLoss(this.loss);
    this.#abort.abort(error);
  }
}
