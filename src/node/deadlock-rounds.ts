/**
 * Looks for deadlocks while this node is commander (L10): in each period one round, in which every member reports what waits
 * there. A circle in it is only a suspicion, for the members were not asked at one moment. A second round begins when the
 * first has ended, and what both report alike was true in between (lock/deadlock.ts). Whoever does not answer in time
 * contributes nothing. Nothing is kept from one period to the next, and a commander who is none any more does no harm: what
 * it has found was true.
 */
import { agreed, type Deadlock, deadlocksIn } from '../lock/deadlock.ts';
import type { ReportedLock } from '../lock/messages.ts';

/** A round without all answers ends after this. */
const ROUND_MS = 1000;

export interface RoundsHost {
  readonly nowMs: number;
  readonly isCommander: boolean;
  readonly settings: { readonly deadlockPeriodMs: number; readonly deadlockAfterMs: number };
  /** What this node itself would answer. */
  report(afterMs: number): readonly ReportedLock[];
  /** Asks every member that can be asked; gives their slots. */
  ask(round: number, afterMs: number): number[];
  /** That wait, the first of `deadlock`, is to end; the member in slot `by`, null: this node, has reported it in `round`. */
  condemn(deadlock: Deadlock, by: number | null, round: number): void;
}

interface Round {
  readonly number: number;
  readonly beganMs: number;
  /** What the round before found, if this is the second one. */
  readonly former: readonly ReportedLock[] | null;
  readonly suspected: number;
  /** Slots that have not answered. */
  readonly missing: Set<number>;
  readonly locks: ReportedLock[];
  /** By partition: the slot of who reported it. */
  readonly by: Map<number, number>;
}

export class DeadlockRounds {
  readonly #host: RoundsHost;
  #round: Round | null = null;
  #lastNumber = 0;
  #nextAtMs: number = Number.NEGATIVE_INFINITY;
  /** Deadlocks found so far, and circles of a first round that were none. */
  found = 0;
  dropped = 0;

  constructor(host: RoundsHost) {
    this.#host = host;
  }

  tick(): void {
    const { nowMs, isCommander, settings } = this.#host;
    const { deadlockPeriodMs } = settings;
    if (!isCommander || deadlockPeriodMs === 0) {
      this.#round = null;
      return;
    }
    if (this.#round !== null && nowMs - this.#round.beganMs >= ROUND_MS) this.#end(this.#round);
    if (this.#round !== null || nowMs < this.#nextAtMs) return;
    this.#nextAtMs = nowMs + deadlockPeriodMs;
    this.begin(null, 0);
  }

  /** Begins a round; `former`: what the one before found, of which so many deadlocks are `suspected`. */
  begin(former: readonly ReportedLock[] | null, suspected: number): void {
    const { deadlockAfterMs } = this.#host.settings;
    this.#lastNumber = (this.#lastNumber + 1) >>> 0;
    const missing = new Set(this.#host.ask(this.#lastNumber, deadlockAfterMs));
    const round: Round = {
      number: this.#lastNumber,
      beganMs: this.#host.nowMs,
      former,
      suspected,
      missing,
      locks: [...this.#host.report(deadlockAfterMs)],
      by: new Map(),
    };
    this.#round = round;
    if (missing.size === 0) this.#end(round);
  }

  /** The member in `slot` reports. */
  answered(slot: number, number: number, locks: readonly ReportedLock[]): void {
    const round = this.#round;
    if (round === null || round.number !== number || !round.missing.delete(slot)) return;
    for (const lock of locks) {
      round.locks.push(lock);
      round.by.set(lock.partition, slot);
    }
    if (round.missing.size === 0) this.#end(round);
  }

  #end(round: Round): void {
    const { isCommander, settings } = this.#host;
    const { locks, former } = round;
    this.#round = null;
    if (!isCommander || locks.length === 0) return this.#sort([], round);
    const known = former === null ? locks : agreed(former, locks);
    const deadlocks = deadlocksIn(known, settings.deadlockAfterMs);
    if (former !== null) return this.#sort(deadlocks, round);
    if (deadlocks.length > 0) this.begin(locks, deadlocks.length);
  }

  /** The second round has ended. */
  #sort(deadlocks: readonly Deadlock[], { number, by, suspected }: Round): void {
    this.found += deadlocks.length;
    this.dropped += Math.max(0, suspected - deadlocks.length);
    for (const deadlock of deadlocks) {
      const partition = deadlock[0]?.lock.partition ?? 0;
      this.#host.condemn(deadlock, by.get(partition) ?? null, number);
    }
  }
}
