/** A lock that was granted: its fencing token, and a signal that aborts when it is lost. */
import { KeyvalError } from '../errors.ts';
import type { Key } from './key-buffer.ts';
import type { Locks } from './locks.ts';

export class Lock implements AsyncDisposable {
  readonly key: Key;
  /**
   * Fencing token (L2): the revision of the operation that granted the lock, 64 bits. Tokens of a key only grow, so a
   * resource that remembers the largest it has seen can refuse a holder from the past.
   */
  readonly token: bigint;
  readonly partition: number;
  readonly #locks: Locks;
  readonly #abort: AbortController = new AbortController();
  #state: 'held' | 'released' | 'lost' = 'held';

  constructor(locks: Locks, key: Key, token: bigint, partition: number) {
    this.#locks = locks;
    this.key = key;
    this.token = token;
    this.partition = partition;
  }

  /** Aborts with KV_LOCK_LOST when the lock is lost. Hand it to whatever must stop then. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** True until it is released or lost. */
  get held(): boolean {
    return this.#state === 'held' && this.#locks.leaseHolds(this);
  }

  /** @throws KeyvalError KV_LOCK_LOST, KV_NOT_HELD after a release */
  assertHeld(): void {
    if (this.held) return;
    if (this.#state === 'released')
      throw new KeyvalError('KV_NOT_HELD', `the lock on ${this.#name} was released before`);
    throw this.#abort.signal.reason;
  }

  get #name(): string {
    return typeof this.key === 'string' ? `'${this.key}'` : 'the key';
  }

  /** Told by the client. */
  lose(reason: string): void {
    if (this.#state !== 'held') return;
    this.#state = 'lost';
    this.#abort.abort(new KeyvalError('KV_LOCK_LOST', `the lock on ${this.#name} is lost: ${reason}`));
  }

  /**
   * Lets go. Plain: resolves once the message stands in order in the connection's queue. `confirm`: once it is committed.
   * @throws KeyvalError KV_NOT_HELD when it was released or lost before
   */
  async release(options: { confirm?: boolean } = {}): Promise<void> {
    if (this.#state !== 'held') {
      throw new KeyvalError(
        'KV_NOT_HELD',
        `the lock on ${this.#name} is not held any more: it was ${this.#state} before`,
      );
    }
    this.#state = 'released';
    await this.#locks.release(this, options.confirm ?? false);
  }

  /** Releases it, unless that has been done, or it is lost. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#state === 'held') await this.release();
  }
}
