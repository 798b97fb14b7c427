/**
 * The locks this client holds (L3, L4, L6). Each lives under the lease of its partition, counted from the moment the last
 * acknowledged renewal was sent: when it has run out the lock counts as lost here, whatever the node thinks, and its
 * signal aborts.
 */

import { writeU32 } from '../base/bytes.ts';
import type { TimerHandle } from '../base/ports.ts';
import { KeyvalError } from '../errors.ts';
import { WAIT_FOREVER, WriteFlag } from '../protocol/client-codec.ts';
import * as op from '../protocol/opcode.ts';
import { type Content, type Grant, Shape } from './answers.ts';
import type { DeleteOptions, PutOptions, ReadOptions } from './client.ts';
import type { Codec } from './codecs.ts';
import type { Dispatcher } from './dispatcher.ts';
import type { Key } from './key-buffer.ts';
import { isHeldAfter, Lock, type LockHost, type ReleaseOptions } from './lock.ts';
import type { LossCause } from './lock-loss.ts';
import { Operation } from './operation.ts';
import { encodeValue, spanOf } from './values.ts';

export interface AcquireOptions {
  /** The value of the key is to come with the grant (L8). */
  readonly fetch: boolean;
  /** 0: try once. Infinity: until it is granted or `signal` aborts. */
  readonly waitMs: number;
  /** How long to go on trying while the cluster cannot take the request. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
}

/** Keys as the client reads and writes them. */
interface Keys<V> extends Pick<LockHost<V>, 'put' | 'delete'> {
  /** Deadline of a request, milliseconds. */
  readonly timeoutMs: number;
  /** As the holder of a lock reads: never what may be old, unless it is asked for. */
  getFresh(key: Key, options?: ReadOptions): Promise<V | null>;
  contentOf(key: Key, options: ReadOptions): Promise<Content>;
}

export class Locks<V> implements LockHost<V> {
  readonly #dispatcher: Dispatcher;
  readonly #keys: Keys<V>;
  readonly #codec: Codec<V>;
  readonly #held: Map<number, Set<Lock<V>>> = new Map();
  #leaseTimer: TimerHandle | null = null;

  constructor(dispatcher: Dispatcher, keys: Keys<V>, codec: Codec<V>) {
    this.#dispatcher = dispatcher;
    this.#keys = keys;
    this.#codec = codec;
  }

  get(key: Key, options?: ReadOptions): Promise<V | null> {
    return this.#keys.getFresh(key, options);
  }

  put(key: Key, value: V, options?: PutOptions): Promise<bigint> {
    return this.#keys.put(key, value, options);
  }

  delete(key: Key, options?: DeleteOptions): Promise<boolean> {
    return this.#keys.delete(key, options);
  }

  get #nowMs(): number {
    return this.#dispatcher.ports.clock.monotonicMs();
  }

  /** Resolves with the lock. @throws KeyvalError KV_LOCK_BUSY, KV_ABORTED, KV_NO_QUORUM, KV_UNREACHABLE, KV_AMBIGUOUS, … */
  acquire(key: Key, options: AcquireOptions): Promise<Lock<V>> {
    return new Promise((resolve, reject) => {
      const fail = (error: KeyvalError): void => {
        if (error.code !== 'KV_LOCK_BUSY' || operation.unknown) this.#abandon(operation);
        reject(error);
      };
      const granted = (grant: unknown): void => {
        const lock = this.#register(key, operation, grant as Grant);
        if (lock === null) reject(new KeyvalError('KV_LOCK_LOST', 'the lease had run out when the lock was granted'));
        else if (options.fetch && !lock.hasContent) this.#fetch(lock, options).then(() => resolve(lock), reject);
        else resolve(lock);
      };
      const now = this.#nowMs;
      const operation = new Operation(op.LCKK, key, null, now + options.timeoutMs, granted, fail);
      if (options.fetch) operation.flags |= WriteFlag.wantsValue;
      operation.span = Math.min(Math.ceil(options.waitMs), WAIT_FOREVER);
      operation.timeoutMs = options.timeoutMs;
      operation.queuedUntilMs = now + options.waitMs + options.timeoutMs;
      this.#listen(operation, options.signal);
      this.#dispatcher.submit(operation);
    });
  }

  #listen(operation: Operation, signal: AbortSignal | undefined): void {
    if (signal === undefined) return;
    const aborted = (): void => {
      const error = new KeyvalError('KV_ABORTED', 'the wait for the lock was aborted', { cause: signal.reason });
      this.#dispatcher.giveUp(operation, error);
    };
    signal.addEventListener('abort', aborted, { once: true });
    operation.unlisten = (): void => signal.removeEventListener('abort', aborted);
  }

  /** L5: a wait that was given up leaves nothing behind; this is repeated until the node has acknowledged it. */
  #abandon(acquire: Operation): void {
    if (acquire.attempts === 0 || acquire.attachEpoch === 0) return;
    const sequence = new Uint8Array(4);
    writeU32(sequence, 0, acquire.sequence);
    const ignore = (): void => undefined;
    const cancel = new Operation(op.CNCL, acquire.key, sequence, Number.POSITIVE_INFINITY, ignore, ignore);
    cancel.attachEpoch = acquire.attachEpoch;
    cancel.attachOperation = acquire.attachOperation;
    cancel.shape = Shape.nothing;
    if (!this.#dispatcher.closed) this.#dispatcher.submit(cancel);
  }

  /** A value that did not come along: large, or about to expire. */
  async #fetch(lock: Lock<V>, { timeoutMs, signal }: AcquireOptions): Promise<void> {
    try {
      const content = await this.#keys.contentOf(
        lock.key,
        signal === undefined ? { timeoutMs } : { timeoutMs, signal },
      );
      lock.assertHeld(); // else it may be the value of whoever came next
      this.#found(lock, content);
    } catch (error) {
      if (lock.held) await lock.release();
      throw error;
    }
  }

  #found(lock: Lock<V>, { bytes, revision }: Content): void {
    lock.found(revision, () => (bytes === null ? null : this.#codec.decode(bytes, 0, bytes.length)));
  }

  #register(key: Key, operation: Operation, { token, content }: Grant): Lock<V> | null {
    const { partition } = operation;
    const lock = new Lock<V>(this, key, token, partition);
    if (content !== null) this.#found(lock, content);
    if (this.leaseUntilMs(partition) <= this.#nowMs) {
      void this.release(lock, { confirm: false });
      return null;
    }
    let locks = this.#held.get(partition);
    if (locks === undefined) {
      locks = new Set();
      this.#held.set(partition, locks);
    }
    locks.add(lock);
    this.#watch();
    return lock;
  }

  leaseUntilMs(partition: number): number {
    return this.#dispatcher.session.at(partition).leaseUntilMs;
  }

  /** True while the lease of the lock's partition has not run out. The end counts at once, even while timers are late. */
  leaseHolds(lock: Lock<V>): boolean {
    if (this.#nowMs < this.leaseUntilMs(lock.partition)) return true;
    this.#runOut(lock.partition);
    return false;
  }

  /** Wakes at the end of the lease that ends first. */
  #watch(): void {
    if (this.#leaseTimer !== null || this.#held.size === 0) return;
    let earliest = Number.POSITIVE_INFINITY;
    for (const partition of this.#held.keys()) earliest = Math.min(earliest, this.leaseUntilMs(partition));
    this.#leaseTimer = this.#dispatcher.ports.timers.after(Math.max(1, earliest - this.#nowMs), () => {
      this.#leaseTimer = null;
      this.#endLeases();
      this.#watch();
    });
  }

  #endLeases(): void {
    for (const partition of [...this.#held.keys()]) {
      if (this.leaseUntilMs(partition) <= this.#nowMs) this.#runOut(partition);
    }
  }

  /**
   * The lease has run out here; the session may live on at the node, which then keeps the locks. They are given back, so
   * that others need not wait for the session's end.
   */
  #runOut(partition: number): void {
    const locks = [...(this.#held.get(partition) ?? [])];
    this.lost(partition, 'lease', 'the lease ran out without a renewal');
    for (const lock of locks) void this.release(lock, { confirm: false });
  }

  /** Every lock in `partition` is lost. */
  lost(partition: number, cause: LossCause, reason: string): void {
    const locks = this.#held.get(partition);
    if (locks === undefined) return;
    this.#held.delete(partition);
    for (const lock of locks) lock.lose(cause, reason);
  }

  #drop(lock: Lock<V>): void {
    const locks = this.#held.get(lock.partition);
    if (locks === undefined) return;
    locks.delete(lock);
    if (locks.size === 0) this.#held.delete(lock.partition);
  }

  /**
   * L6. The release is repeated until a node has answered it, for as long as the session lives. Unconfirmed: resolves at
   * once; the message stands in order in its queue, or goes out when the node is back. Confirmed: resolves when it is
   * committed. @throws KeyvalError KV_NOT_HELD, KV_AMBIGUOUS when a lease has passed without an answer
   */
  release(lock: Lock<V>, { confirm = false }: ReleaseOptions<V>): Promise<void> {
    this.#drop(lock);
    const committed = this.#submitRelease(lock, null, 0, 0);
    if (confirm) return this.#within(this.#dispatcher.session.leaseMs, committed);
    committed.catch(() => undefined); // the session's end frees it
    return Promise.resolve();
  }

  /**
   * L8: stores a value and lets go of the lock in one step. Until that is certain the lock counts as held here; what becomes
   * of a store in doubt, the lock is given back.
   * @throws KeyvalError KV_NOT_HELD, KV_AMBIGUOUS, KV_OUT_OF_MEMORY, …
   */
  async store(lock: Lock<V>, value: V, ttlMs: number | undefined): Promise<void> {
    const stored = this.#submitRelease(lock, encodeValue(this.#codec, value), spanOf(ttlMs), WriteFlag.store);
    try {
      await this.#within(Math.max(this.#dispatcher.session.leaseMs, this.#keys.timeoutMs), stored);
      this.#drop(lock);
    } catch (error) {
      if (!isHeldAfter(error)) {
        this.#drop(lock);
        stored.catch(() => this.release(lock, {}));
      }
      throw error;
    }
  }

  #submitRelease(lock: Lock<V>, payload: Uint8Array | null, span: number, flags: number): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      const operation = new Operation(op.ULKK, lock.key, payload, Number.POSITIVE_INFINITY, () => resolve(), reject);
      operation.shape = Shape.nothing;
      operation.flags = flags;
      operation.span = span;
      operation.epoch = Number(lock.token >> 32n);
      operation.operation = Number(lock.token & 0xffff_ffffn);
      this.#dispatcher.submit(operation);
    });
  }

  #within(ms: number, committed: Promise<void>): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = this.#dispatcher.ports.timers.after(ms, () => {
        reject(new KeyvalError('KV_AMBIGUOUS', `the release was not answered for ${ms} ms`));
      });
      committed.then(resolve, reject).finally(() => timer.cancel());
    });
  }

  /** Ends the watch; nothing is released. */
  close(reason: string): void {
    for (const partition of [...this.#held.keys()]) this.lost(partition, 'closed', reason);
    this.#leaseTimer?.cancel();
  }
}
