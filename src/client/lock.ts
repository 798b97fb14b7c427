/** A lock that was granted: its fencing token, a signal that aborts when it is lost, and its key, guarded by the token. */
import { KeyvalError } from '../errors.ts';
import type { DeleteOptions, PutOptions, ReadOptions } from './client.ts';
import type { Key } from './key-buffer.ts';

/** What the holder of a lock does through it. */
export interface LockHost<V> {
  /** Whether the lease of the lock's partition has not run out. */
  leaseHolds(lock: Lock<V>): boolean;
  release(lock: Lock<V>, confirm: boolean): Promise<void>;
  get(key: Key, options?: ReadOptions): Promise<V | null>;
  put(key: Key, value: V, options?: PutOptions): Promise<bigint>;
  delete(key: Key, options?: DeleteOptions): Promise<boolean>;
}

export class Lock<V = string> implements AsyncDisposable {
  readonly key: Key;
  /**
   * Fencing token (L2): the revision of the operation that granted the lock, 64 bits. Tokens of a key only grow, so a
   * resource that remembers the largest it has seen can refuse a holder from the past.
   */
  readonly token: bigint;
  readonly partition: number;
  readonly #host: LockHost<V>;
  readonly #abort: AbortController = new AbortController();
  #state: 'held' | 'released' | 'lost' = 'held';

  constructor(host: LockHost<V>, key: Key, token: bigint, partition: number) {
    this.#host = host;
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
    return this.#state === 'held' && this.#host.leaseHolds(this);
  }

  /** @throws KeyvalError KV_LOCK_LOST, KV_NOT_HELD after a release */
  assertHeld(): void {
    if (this.held) return;
    if (this.#state === 'released')
      throw new KeyvalError('KV_NOT_HELD', `the lock on ${this.#name} was released before`);
    throw this.#abort.signal.reason;
  }

  /** The value of the lock's key, read while the lock was held. @throws KeyvalError KV_LOCK_LOST, KV_NOT_HELD, … */
  async get(options?: ReadOptions): Promise<V | null> {
    this.assertHeld();
    const value = await this.#host.get(this.key, options);
    this.assertHeld();
    return value;
  }

  /** Stores a value under the lock's key (L9). @throws KeyvalError KV_FENCED when the lock is no longer held, … */
  async put(value: V, options?: PutOptions): Promise<bigint> {
    this.assertHeld();
    return this.#host.put(this.key, value, { ...options, fence: this });
  }

  /** Deletes the lock's key (L9). @throws KeyvalError KV_FENCED when the lock is no longer held, … */
  async delete(options?: DeleteOptions): Promise<boolean> {
    this.assertHeld();
    return this.#host.delete(this.key, { ...options, fence: this });
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
    await this.#host.release(this, options.confirm ?? false);
  }

  /** Releases it, unless that has been done, or it is lost. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#state === 'held') await this.release();
  }
}
