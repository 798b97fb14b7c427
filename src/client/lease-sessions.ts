/** Locks with other leases than the client's: one session, and so one client of its own, for each length. */
interface Session {
  close(): Promise<void>;
}

export class LeaseSessions<S extends Session> {
  readonly #make: (leaseMs: number) => S;
  readonly #sessions: Map<number, S> = new Map();

  constructor(make: (leaseMs: number) => S) {
    this.#make = make;
  }

  of(leaseMs: number): S {
    let session = this.#sessions.get(leaseMs);
    if (session === undefined) {
      session = this.#make(leaseMs);
      this.#sessions.set(leaseMs, session);
    }
    return session;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#sessions.values()].map((session) => session.close()));
  }
}
