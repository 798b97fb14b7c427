/** A lock that was granted: its fencing token, a signal that aborts when it is lost, and its key, guarded by the token. */
import { mayWrite } from '../base/lock-mode.ts';
import { anything, flag, number, OptionTable, shown } from '../base/option-table.ts';
import { KeyvalError } from '../errors.ts';
import type { HeldLock, LockWanted } from './held-lock.ts';
import type { Key } from './key-buffer.ts';
import type { LockLoss } from './lock-loss.ts';
import {
  type ConvertOptions,
  convertTable,
  type FullLockModeName,
  type LockModeName,
  modeName,
} from './lock-options.ts';
import * as tables from './option-tables.ts';
import { type DeleteOptions, mustFit, type PutOptions, type ReadOptions } from './request-options.ts';
import { showAs } from './shown.ts';

/** What the holder of a lock does through it. */
export interface LockHost<V> {
  /** Whether the lease of the lock has not run out. */
  leaseHolds(held: HeldLock): boolean;
  release(held: HeldLock, options: { readonly confirm?: boolean }): Promise<void>;
  store(held: HeldLock, value: V, ttlMs: number | undefined): Promise<void>;
  /** What the key holds; null: it was not asked for; undefined: it could not be had. */
  convert(held: HeldLock, mode: LockModeName, options: ConvertOptions): Promise<LockContent<V> | null | undefined>;
  extend(held: HeldLock, ms: number | undefined): void;
  /** Somebody listens to `wanted` from now on. */
  watch(held: HeldLock): void;
  get(key: Key, options?: ReadOptions): Promise<V | null>;
  put(key: Key, value: V, options?: PutOptions): Promise<bigint>;
  delete(key: Key, options?: DeleteOptions): Promise<boolean>;
}

/** What the key held when the lock was granted (L8). */
export interface LockContent<V> {
  readonly revision: bigint;
  readonly decode: () => V | null;
}

export interface ReleaseOptions<V = string> {
  /** Wait until the release is committed. A release that stores a value does so in any case. */
  readonly confirm?: boolean;
  /** Stored under the lock's key in the same step (L8): nobody sees the one without the other. */
  readonly value?: V;
  /** With `value`: milliseconds the key lives; default: until it is deleted. */
  readonly ttlMs?: number;
}

const releaseTable: OptionTable<ReleaseOptions<unknown>> = new OptionTable('release', {
  confirm: flag,
  value: anything,
  ttlMs: number,
});

export class Lock<V = string> implements AsyncDisposable {
  readonly #host: LockHost<V>;
  readonly #held: HeldLock;
  #released = false;
  /** Its release let go of the lock: of several handles it was the last. */
  #isLast = false;
  /** The release that stores a value, while it is under way. */
  #storing: Promise<void> | null = null;
  #content: LockContent<V> | null;

  /** @internal */
  constructor(host: LockHost<V>, held: HeldLock, content: LockContent<V> | null) {
    this.#host = host;
    this.#held = held;
    this.#content = content;
  }

  /** @internal */
  get grants(): readonly HeldLock[] {
    return [this.#held];
  }

  get key(): Key {
    return this.#held.key;
  }

  /**
   * Fencing token (L2): the revision of the operation that granted the lock, 64 bits. Tokens of a key only grow, so a
   * resource that remembers the largest it has seen can refuse a holder from the past. A conversion upward brings a new one.
   */
  get token(): bigint {
    return this.#held.token;
  }

  /** By its full name: what was asked for as `read` is held as `protected-read`. */
  get mode(): FullLockModeName {
    return modeName(this.#held.mode);
  }

  get partition(): number {
    return this.#held.partition;
  }

  /**
   * Aborts with KV_LOCK_LOST when the lock is lost. Hand it to whatever must stop then. A loop that lets nothing else run
   * asks for it anew each time, or asks `held`.
   */
  get signal(): AbortSignal {
    if (!this.#released && this.#held.state !== 'lost') this.#host.leaseHolds(this.#held);
    return this.#held.signal;
  }

  /**
   * What the key held when the lock was granted (L8), or a moment later; null: nothing. Decoded each time it is asked for.
   * @throws KeyvalError KV_USAGE for a lock taken with `fetch: false`, or when it could not be read; whatever the codec throws
   */
  get value(): V | null {
    return this.#fetched.decode();
  }

  /** Its revision; 0n: the key was absent. @throws KeyvalError KV_USAGE for a lock taken with `fetch: false` */
  get revision(): bigint {
    return this.#fetched.revision;
  }

  get #fetched(): LockContent<V> {
    if (this.#content !== null) return this.#content;
    const text = `the lock on ${this.#held.name} has no value here (fetch: false, or it could not be read); use lock.get()`;
    throw new KeyvalError('KV_USAGE', text);
  }

  /** True until it is released or lost. */
  get held(): boolean {
    return !this.#released && this.#held.state === 'held' && this.#host.leaseHolds(this.#held);
  }

  /** @throws KeyvalError KV_LOCK_LOST, KV_NOT_HELD after a release */
  assertHeld(): void {
    if (this.held) return;
    this.throwIfLost();
    const how = this.#held.state === 'storing' ? 'is being released' : 'was released before';
    throw new KeyvalError('KV_NOT_HELD', `the lock on ${this.#held.name} ${how}`);
  }

  /** @internal Released is not lost. @throws KeyvalError KV_LOCK_LOST */
  throwIfLost(): void {
    if (!this.held && !this.#released) this.#held.signal.throwIfAborted();
  }

  /** The value of the lock's key, read while the lock was held. @throws KeyvalError KV_LOCK_LOST, KV_NOT_HELD, … */
  async get(options?: ReadOptions): Promise<V | null> {
    mustFit(tables.lockGet, options);
    this.assertHeld();
    const value = await this.#host.get(this.key, options);
    this.assertHeld();
    return value;
  }

  /**
   * Stores a value under the lock's key (L9).
   * @throws KeyvalError KV_FENCED when the lock is no longer held; KV_USAGE in a mode that only reads; …
   */
  async put(value: V, options?: Omit<PutOptions, 'fence'>): Promise<bigint> {
    mustFit(tables.lockPut, options);
    this.#assertWrites('put');
    return this.#host.put(this.key, value, { ...options, fence: this });
  }

  /** Deletes the lock's key (L9). @throws KeyvalError as `put` */
  async delete(options?: Omit<DeleteOptions, 'fence'>): Promise<boolean> {
    mustFit(tables.lockRemove, options);
    this.#assertWrites('delete');
    return this.#host.delete(this.key, { ...options, fence: this });
  }

  #assertWrites(what: string): void {
    this.assertHeld();
    if (!mayWrite(this.#held.mode)) {
      const text = `${what}: the lock on ${this.#held.name} is held in mode ${this.mode}, which only reads; convert it first`;
      throw new KeyvalError('KV_USAGE', text);
    }
  }

  /**
   * Asks for another mode (L7). Downward it takes effect at once; otherwise it waits for the other holders, before all who
   * wait for the lock, and brings a new token. Until then, and if it fails, the lock is held as it was; between
   * `concurrent-write` and `read`, of which neither includes the other, as `concurrent-read`. Downward with KV_AMBIGUOUS or
   * KV_ABORTED it has its new mode here, and is asked for until the node has answered. What the node has not answered yet the next
   * conversion waits for, at most `timeoutMs`.
   * @throws KeyvalError KV_LOCK_BUSY after `waitMs`; KV_DEADLOCK when another holder converts, too, and each stands in the
   * other's way; KV_DEADLINE when the conversion before is not answered yet; KV_ABORTED, KV_LOCK_LOST, KV_NOT_HELD, KV_USAGE, …
   */
  async convert(mode: LockModeName, options: ConvertOptions = {}): Promise<void> {
    mustFit(convertTable, options);
    this.assertHeld();
    const content = await this.#host.convert(this.#held, mode, options);
    if (content !== null) this.#content = content ?? null;
  }

  /**
   * Of a lock taken with `renew: false`: it lasts for `ms` from now on; default: its lease.
   * @throws KeyvalError KV_USAGE for a lock that is renewed by itself, KV_LOCK_LOST, KV_NOT_HELD
   */
  extend(ms?: number): void {
    this.assertHeld();
    this.#host.extend(this.#held, ms);
  }

  /**
   * `lost`: `listener` is called when the lock is lost, with the cause; at once, if that has happened. Also when a plain release,
   * which waits for no answer, has failed (L6): then nothing is aborted any more.
   * `wanted`: somebody waits for whom this lock stands in the way (the blocking AST of VMS); told once for each mode.
   */
  on(event: 'lost', listener: (loss: LockLoss) => void): this;
  on(event: 'wanted', listener: (wanted: LockWanted) => void): this;
  on(event: 'lost' | 'wanted', listener: ((loss: LockLoss) => void) & ((wanted: LockWanted) => void)): this {
    if (typeof listener !== 'function')
      throw new KeyvalError('KV_USAGE', `a listener is a function, not ${shown(listener)}`);
    if (event === 'wanted') return this.#onWanted(listener);
    if (event !== 'lost') throw new KeyvalError('KV_USAGE', `a lock tells 'lost' and 'wanted', not '${String(event)}'`);
    const held = this.#held;
    if (held.loss !== null) listener(held.loss);
    else
      held.losing.add((loss) => {
        if (!this.#released || this.#isLast) listener(loss);
      });
    return this;
  }

  #onWanted(listener: (wanted: LockWanted) => void): this {
    const isFirst = !this.#held.isWatched;
    this.#held.wanted.add(listener);
    if (isFirst && this.held) this.#host.watch(this.#held);
    return this;
  }

  /**
   * Lets go. Plain: resolves once the message stands in order in the connection's queue; should it fail, `on('lost')` tells.
   * `confirm`, and with a `value`: once it is committed. When a value cannot be stored, the lock is still held. A flow that took the lock several times holds it
   * until the last is let go of.
   * @throws KeyvalError KV_NOT_HELD when it was released or lost before; KV_AMBIGUOUS; with a value also KV_TOO_LARGE,
   * KV_OUT_OF_MEMORY, KV_USAGE in a mode that only reads
   */
  async release(options: ReleaseOptions<V> = {}): Promise<void> {
    mustFit(releaseTable, options);
    const held = this.#held;
    if (!this.held) {
      const how = this.#released || held.state === 'released' ? 'released' : held.state;
      throw new KeyvalError('KV_NOT_HELD', `the lock on ${held.name} is not held any more: it was ${how} before`);
    }
    if ('value' in options) {
      this.#storing = this.#store(options.value as V, options.ttlMs);
      return this.#storing;
    }
    if (options.ttlMs !== undefined) throw new KeyvalError('KV_USAGE', 'release: ttlMs needs a value');
    return this.#letGo(options);
  }

  async #letGo(options: ReleaseOptions<V>): Promise<void> {
    const held = this.#held;
    this.#released = true;
    held.handles -= 1;
    if (held.handles > 0) return;
    this.#isLast = true;
    held.state = 'released';
    await this.#host.release(held, options);
  }

  async #store(value: V, ttlMs: number | undefined): Promise<void> {
    const held = this.#held;
    this.#assertWrites('release');
    if (held.handles > 1) {
      await this.put(value, ttlMs === undefined ? {} : { ttlMs });
      return this.release();
    }
    held.state = 'storing';
    try {
      await this.#host.store(held, value, ttlMs);
      held.state = 'released';
      this.#released = true;
    } catch (error) {
      if (held.state === 'storing') held.state = isHeldAfter(error) ? 'held' : 'released';
      throw error;
    }
  }

  /** Releases it, unless that has been done, or it is lost. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#storing?.catch(() => undefined); // after one that failed it may be held
    if (this.held) await this.#letGo({});
  }
}

showAs(Lock, ({ key, mode, token, held }) => ({ key, mode, token, held }));

/** Whether a lock is held still after a release that was to store a value has failed so: certainly nothing was done. */
export function isHeldAfter(error: unknown): boolean {
  return !(error instanceof KeyvalError) || (error.outcome === 'not-done' && error.code !== 'KV_NOT_HELD');
}
