/**
 * The leases between this node and one other (R12; Gray & Cheriton 1989), per pair of incarnations. Each asks with every
 * heartbeat, naming its own clock; the answer echoes that clock, so that the holder counts from when it asked, and the
 * grantor from when it granted, which is later. A grant says which version of the book its grantor has applied, and counts
 * once the holder has applied it, too: whoever was deposed by then knows it.
 */

/** How long a grant counts at its holder. */
export const LEASE_MS = 500;
/**
 * How long its grantor keeps it: at least lease·(1+ρ)/(1−ρ)+δ with ρ = 1 % and δ = 50 ms, which is 561 ms.
 */
export const GRACE_MS = 600;

export class PeerLease {
  /** The last `sent` of the other's heartbeats, its own microseconds; 0: none. Echoed with the next one. */
  heardSent = 0;
  /** Until when the other may believe in what was granted to it here, monotonic milliseconds. */
  grantedUntilMs: number = Number.NEGATIVE_INFINITY;
  /** Until when the other's grant counts here. */
  untilMs: number = Number.NEGATIVE_INFINITY;
  /** A later grant that waits for the book to reach its version. */
  #nextUntilMs: number = Number.NEGATIVE_INFINITY;
  #nextVersion = 0;

  /** A heartbeat leaves that echoes what was heard: the other may count on it. */
  granted(nowMs: number): void {
    this.grantedUntilMs = nowMs + GRACE_MS;
  }

  /** The other grants, as of its book's `version`, what was asked for at `askedMs`; here the book has `applied`. */
  received(askedMs: number, version: number, applied: number): void {
    const until = askedMs + LEASE_MS;
    if (version <= applied) {
      if (until > this.untilMs) this.untilMs = until;
    } else {
      this.#nextUntilMs = until;
      this.#nextVersion = version;
    }
  }

  /** The book has moved on to version `applied`. */
  bookApplied(applied: number): void {
    if (this.#nextVersion > applied) return;
    if (this.#nextUntilMs > this.untilMs) this.untilMs = this.#nextUntilMs;
  }

  /** What the other has granted counts no more: it is another life, or a clock here cannot be trusted. */
  void(): void {
    this.untilMs = Number.NEGATIVE_INFINITY;
    this.#nextUntilMs = Number.NEGATIVE_INFINITY;
  }

  /** Another life of the other: it has been granted nothing yet. */
  restart(): void {
    this.void();
    this.heardSent = 0;
  }
}
