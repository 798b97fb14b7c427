/** Locks with other leases than the client's: one session, and so one client of its own, for each length. */
import { KeyvalError } from '../errors.ts';

interface Session {
  close(): Promise<void>;
}

export class LeaseSessions<S extends Session> {
  readonly #make: (leaseMs: number) => S;
  readonly #sessions: Map<number, S> = new Map();
  #closed = false;

  constructor(make: (leaseMs: number) => S) {
    this.#make = make;
  }

  /** @throws KeyvalError KV_CLOSED */
  of(leaseMs: number): S {
    if (this.#closed) throw new KeyvalError('KV_CLOSED', 'the client was closed');
    let session = this.#sessions.get(leaseMs);
    if (session === undefined) {
      session = this.#make(leaseMs);
      this.#sessions.set(leaseMs, session);
    }
    return session;
  }

  [Symbol.iterator](): IterableIterator<S> {
    return this.#sessions.values();
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#sessions.values()].map((session) => session.close()));
  }
}
