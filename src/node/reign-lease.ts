/**
 * The lease under which a primary answers reads by itself (R12): granted by every other member of its electorate, each
 * counted from when the renewal was asked for. It is looked at after each read of the state and before any answer leaves,
 * with a clock read then (leased-answers.ts): a process that has slept never answers from the past.
 */

export interface LeaseHost {
  /** Reads the clock: monotonic milliseconds. */
  touch(): number;
  /** Until when the member in `slot` has granted its lease, as far as it counts here. */
  leaseUntilMs(slot: number): number;
}

export class ReignLease {
  readonly #host: LeaseHost;
  /** Slots that must grant. */
  #grantors: readonly number[] = [];
  /** Holds at least until then: grants only move ends away. */
  #untilMs = 0;

  constructor(host: LeaseHost) {
    this.#host = host;
  }

  /** Others have to grant it from now on. */
  needs(slots: readonly number[]): void {
    this.#grantors = slots;
    this.#untilMs = 0;
  }

  get grantors(): readonly number[] {
    return this.#grantors;
  }

  /** What was granted counts no more. */
  void(): void {
    this.#untilMs = 0;
  }

  get holds(): boolean {
    const now = this.#host.touch();
    return now < this.#untilMs || now < this.#lookAgain();
  }

  /** Until when it holds, if it does at `nowMs`; otherwise what was looked up last. */
  untilAsOf(nowMs: number): number {
    return nowMs < this.#untilMs ? this.#untilMs : this.#lookAgain();
  }

  /** When it ends, or has ended: own monotonic milliseconds. */
  get untilMs(): number {
    return this.#lookAgain();
  }

  #lookAgain(): number {
    let until = Number.POSITIVE_INFINITY;
    for (let index = 0; index < this.#grantors.length; index += 1) {
      const one = this.#host.leaseUntilMs(this.#grantors[index] as number);
      if (one < until) until = one;
    }
    this.#untilMs = until;
    return until;
  }
}
