/** What the operations ask of a client, in two forms: as it is, and with a history of it (recorded-requests.ts). */
import type { Client, Entry, Lock, SwapResult } from '../../src/index.ts';

/** Longest wait in line for a lock, ms; nobody holds one for long, so that only a fault makes it last. */
export const LOCK_WAIT_MS = 30_000;

/** Every method rejects with a KeyvalError. */
export interface Requests {
  get(key: string): Promise<string | null>;
  getEntry(key: string): Promise<Entry<string> | null>;
  put(key: string, value: string): Promise<bigint>;
  delete(key: string): Promise<boolean>;
  /** Revision 0n: the key is absent. */
  cas(key: string, revision: bigint, value: string): Promise<SwapResult>;
  incr(key: string): Promise<bigint>;
  lock(key: string): Promise<Lock>;
  tryLock(key: string): Promise<Lock | null>;
  release(lock: Lock): Promise<void>;
}

/** Sends them and nothing else. */
export class PlainRequests implements Requests {
  readonly #client: Client;

  constructor(client: Client) {
    this.#client = client;
  }

  get(key: string): Promise<string | null> {
    return this.#client.get(key);
  }

  getEntry(key: string): Promise<Entry<string> | null> {
    return this.#client.getEntry(key);
  }

  put(key: string, value: string): Promise<bigint> {
    return this.#client.put(key, value);
  }

  delete(key: string): Promise<boolean> {
    return this.#client.delete(key);
  }

  cas(key: string, revision: bigint, value: string): Promise<SwapResult> {
    return this.#client.cas(key, revision, value);
  }

  incr(key: string): Promise<bigint> {
    return this.#client.incr(key);
  }

  lock(key: string): Promise<Lock> {
    return this.#client.lock(key, { waitMs: LOCK_WAIT_MS });
  }

  tryLock(key: string): Promise<Lock | null> {
    return this.#client.tryLock(key);
  }

  release(lock: Lock): Promise<void> {
    return lock.release();
  }
}
