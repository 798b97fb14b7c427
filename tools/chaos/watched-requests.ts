/** Requests as the load sends them, each noted: when its partition answered, what was acknowledged, what failed and how. */
import { hashSlot, partitionOfSlot } from '../../src/base/hash-slot.ts';
import { type Entry, KeyvalError, type Lock, type SwapResult } from '../../src/index.ts';
import type { Requests } from '../loadgen/requests.ts';
import type { Bookkeeping } from './bookkeeping.ts';
import type { Sightings } from './sightings.ts';

/** Errors of one code. */
export interface ErrorCount {
  readonly code: string;
  count: number;
  /** Of these, how many left it open whether they took effect. */
  unknown: number;
  /** Message of the first. */
  readonly message: string;
}

/** Codes that are answers: the lock is somebody else's, the lease had run out. */
const answers: readonly string[] = ['KV_LOCK_BUSY', 'KV_NOT_HELD'];

/** What all loops of a thread share. */
export class Watch {
  readonly sightings: Sightings;
  readonly nowNs: () => number;
  readonly #errors: Map<string, ErrorCount> = new Map();
  readonly #partitions: Map<string, number> = new Map();

  constructor(sightings: Sightings, nowNs: () => number) {
    this.sightings = sightings;
    this.nowNs = nowNs;
  }

  get errors(): ErrorCount[] {
    return [...this.#errors.values()];
  }

  answered(key: string, calledNs: number): void {
    this.sightings.succeeded(this.#partitionOf(key), calledNs, this.nowNs());
  }

  failed({ code, outcome, message }: KeyvalError): void {
    const isUnknown = outcome === 'unknown';
    this.sightings.failed(isUnknown);
    const known = this.#errors.get(code) ?? { code, count: 0, unknown: 0, message };
    this.#errors.set(code, known);
    known.count += 1;
    if (isUnknown) known.unknown += 1;
  }

  #partitionOf(key: string): number {
    const known = this.#partitions.get(key);
    if (known !== undefined) return known;
    const partition = partitionOfKey(key, this.sightings.partitions);
    this.#partitions.set(key, partition);
    return partition;
  }
}

export function partitionOfKey(key: string, partitions: number): number {
  const bytes = Buffer.from(key);
  return partitionOfSlot(hashSlot(bytes, 0, bytes.length), partitions);
}

export class WatchedRequests implements Requests {
  readonly #inner: Requests;
  readonly #watch: Watch;
  readonly #books: Bookkeeping;

  constructor(inner: Requests, watch: Watch, books: Bookkeeping) {
    this.#inner = inner;
    this.#watch = watch;
    this.#books = books;
  }

  async #watched<T>(key: string, send: () => Promise<T>, acknowledged?: (result: T) => void): Promise<T> {
    const calledNs = this.#watch.nowNs();
    try {
      const result = await send();
      this.#watch.answered(key, calledNs);
      acknowledged?.(result);
      return result;
    } catch (error) {
      if (!(error instanceof KeyvalError)) throw error;
      if (answers.includes(error.code)) this.#watch.answered(key, calledNs);
      else this.#watch.failed(error);
      throw error;
    }
  }

  get(key: string): Promise<string | null> {
    return this.#watched(key, () => this.#inner.get(key));
  }

  getEntry(key: string): Promise<Entry<string> | null> {
    return this.#watched(key, () => this.#inner.getEntry(key));
  }

  put(key: string, value: string): Promise<bigint> {
    const noted = (revision: bigint): void => this.#books.wrote(key, revision);
    return this.#watched(key, () => this.#inner.put(key, value), noted);
  }

  delete(key: string): Promise<boolean> {
    return this.#watched(key, () => this.#inner.delete(key));
  }

  cas(key: string, revision: bigint, value: string): Promise<SwapResult> {
    const noted = (swap: SwapResult): void => {
      if (swap.ok) this.#books.wrote(key, swap.revision);
    };
    return this.#watched(key, () => this.#inner.cas(key, revision, value), noted);
  }

  async incr(key: string): Promise<bigint> {
    const count = this.#books.increments(key);
    try {
      return await this.#watched(
        key,
        () => this.#inner.incr(key),
        () => {
          count.acknowledged += 1;
        },
      );
    } catch (error) {
      if (error instanceof KeyvalError && error.outcome === 'unknown') count.unknown += 1;
      throw error;
    }
  }

  lock(key: string): Promise<Lock> {
    return this.#watched(
      key,
      () => this.#inner.lock(key),
      ({ token }) => this.#books.locked(key, token),
    );
  }

  tryLock(key: string): Promise<Lock | null> {
    const noted = (lock: Lock | null): void => {
      if (lock !== null) this.#books.locked(key, lock.token);
    };
    return this.#watched(key, () => this.#inner.tryLock(key), noted);
  }

  release(lock: Lock): Promise<void> {
    return this.#watched(lock.key as string, () => this.#inner.release(lock));
  }
}
