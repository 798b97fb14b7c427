/** A lock that was granted: its fencing token, a signal that aborts when it is lost, and its key, guarded by the token. */
import { KeyvalError } from '../errors.ts';
import type { DeleteOptions, PutOptions, ReadOptions } from './client.ts';
import type { Key } from './key-buffer.ts';
import { type LockLoss, type LossCause, publishLoss } from './lock-loss.ts';

/** What the holder of a lock does through it. */
export interface LockHost<V> {
  /** Whether the lease of the lock's partition has not run out. */
  leaseHolds(lock: Lock<V>): boolean;
  release(lock: Lock<V>, options: ReleaseOptions<V>): Promise<void>;
  store(lock: Lock<V>, value: V, ttlMs: number | undefined): Promise<void>;
  get(key: Key, options?: ReadOptions): Promise<V | null>;
  put(key: Key, value: V, options?: PutOptions): Promise<bigint>;
  delete(key: Key, options?: DeleteOptions): Promise<boolean>;
}

export interface ReleaseOptions<V = string> {
  /** Wait until the release is committed. A release that stores a value does so in any case. */
  readonly confirm?: boolean;
  /** Stored under the lock's key in the same step (L8): nobody sees the one without the other. */
  readonly value?: V;
  /** With `value`: milliseconds the key lives; default: until it is deleted. */
  readonly ttlMs?: number;
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
  #state: 'held' | 'storing' | 'released' | 'lost' = 'held';
  #loss: LockLoss | null = null;
  #content: { readonly revision: bigint; readonly decode: () => V | null } | null = null;

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

  /**
   * What the key held when the lock was granted (L8), or a moment later; null: nothing. Decoded each time it is asked for.
   * @throws KeyvalError KV_USAGE for a lock taken with `fetch: false`; whatever the codec throws
   */
  get value(): V | null {
    return this.#fetched.decode();
  }

  /** Its revision; 0n: the key was absent. @throws KeyvalError KV_USAGE for a lock taken with `fetch: false` */
  get revision(): bigint {
    return this.#fetched.revision;
  }

  get #fetched(): { readonly revision: bigint; readonly decode: () => V | null } {
    if (this.#content !== null) return this.#content;
    throw new KeyvalError('KV_USAGE', `the lock on ${this.#name} was taken without its value (fetch: false)`);
  }

  /** @internal */
  get hasContent(): boolean {
    return this.#content !== null;
  }

  /** @internal Told by the client. */
  found(revision: bigint, decode: () => V | null): void {
    this.#content = { revision, decode };
  }

  /** True until it is released or lost. */
  get held(): boolean {
    return this.#state === 'held' && this.#host.leaseHolds(this);
  }

  /** @throws KeyvalError KV_LOCK_LOST, KV_NOT_HELD after a release */
  assertHeld(): void {
    if (this.held) return;
    this.throwIfLost();
    const how = this.#state === 'storing' ? 'is being released' : 'was released before';
    throw new KeyvalError('KV_NOT_HELD', `the lock on ${this.#name} ${how}`);
  }

  /** @internal Released is not lost. @throws KeyvalError KV_LOCK_LOST */
  throwIfLost(): void {
    if (!this.held) this.#abort.signal.throwIfAborted();
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
  lose(cause: LossCause, reason: string): void {
    if (this.#state !== 'held' && this.#state !== 'storing') return;
    this.#state = 'lost';
    const error = new KeyvalError('KV_LOCK_LOST', `the lock on ${this.#name} is lost: ${reason}`);
    this.#loss = { key: this.key, token: this.token, cause, error };
    publishLoss(this.#loss);
    this.#abort.abort(error);
  }

  /** `listener` is called when the lock is lost, with the cause; at once, if that has happened. */
  on(_event: 'lost', listener: (loss: LockLoss) => void): this {
    if (this.#loss !== null) listener(this.#loss);
    else this.#abort.signal.addEventListener('abort', () => listener(this.#loss as LockLoss), { once: true });
    return this;
  }

  /**
   * Lets go. Plain: resolves once the message stands in order in the connection's queue. `confirm`, and with a `value`: once
   * it is committed. When a value cannot be stored, the lock is still held.
   * @throws KeyvalError KV_NOT_HELD when it was released or lost before; KV_AMBIGUOUS; with a value also KV_TOO_LARGE, KV_OUT_OF_MEMORY
   */
  async release(options: ReleaseOptions<V> = {}): Promise<void> {
    if (this.#state !== 'held') {
      throw new KeyvalError(
        'KV_NOT_HELD',
        `the lock on ${this.#name} is not held any more: it was ${this.#state} before`,
      );
    }
    if ('value' in options) return this.#store(options.value as V, options.ttlMs);
    if (options.ttlMs !== undefined) throw new KeyvalError('KV_USAGE', 'release: ttlMs needs a value');
    this.#state = 'released';
    await this.#host.release(this, options);
  }

  async #store(value: V, ttlMs: number | undefined): Promise<void> {
    this.#state = 'storing';
    try {
      await this.#host.store(this, value, ttlMs);
      this.#state = 'released';
    } catch (error) {
      if (this.#state === 'storing') this.#state = isHeldAfter(error) ? 'held' : 'released';
      throw error;
    }
  }

  /** Releases it, unless that has been done, or it is lost. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#state === 'held') await this.release();
  }
}

/** Whether a lock is held still after a release that was to store a value has failed so: certainly nothing was done. */
export function isHeldAfter(error: unknown): boolean {
  return !(error instanceof KeyvalError) || (error.outcome === 'not-done' && error.code !== 'KV_NOT_HELD');
}
