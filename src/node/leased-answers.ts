/**
 * Answers that rest on a primary's lease (R12). Reading the clock costs as much as the look-up of a key, so it is read once
 * for all of them: at the end of the turn, behind the last read of the state and before the first answer leaves. Had the
 * process slept meanwhile, so long that a lease may have run out, none of them leaves: those connections are closed, and
 * whoever asked asks again. Where little of the lease is left, the clock is read for the answer itself instead.
 */
import type { Log } from '../base/ports.ts';
import type { ReignLease } from './reign-lease.ts';
import type { ReplyTarget } from './reply.ts';

/** A turn may well take so long on a busy machine: with less of the lease left nothing is put off to its end. */
const LEFT_MS = 250;

export interface LeasedAnswersHost {
  /** Monotonic milliseconds, as of the start of this turn's work. */
  readonly nowMs: number;
  readonly log: Log;
  /** Reads the clocks; calls `void` where they no longer tell how long a lease has held. */
  checkClocks(): void;
}

export class LeasedAnswers {
  readonly #host: LeasedAnswersHost;
  /** Who is to get some at the end of this turn. */
  readonly #targets: ReplyTarget[] = [];
  /** The first of their leases to run out. */
  #untilMs: number = Number.POSITIVE_INFINITY;

  constructor(host: LeasedAnswersHost) {
    this.#host = host;
  }

  /** Whether an answer under `lease` may be written to `to` now, to leave if the lease still holds at the end of the turn. */
  may(lease: ReignLease, to: ReplyTarget): boolean {
    const { nowMs } = this.#host;
    const untilMs = lease.untilAsOf(nowMs);
    if (untilMs - nowMs < LEFT_MS) return this.mayNow(lease);
    if (untilMs < this.#untilMs) this.#untilMs = untilMs;
    if (!to.leased) {
      to.leased = true;
      this.#targets.push(to);
    }
    return true;
  }

  /** Whether an answer under `lease` may leave now, however late: what is read before anything else happens was true then. */
  mayNow(lease: ReignLease): boolean {
    this.#host.checkClocks();
    return lease.holds;
  }

  /** No lease counts any more: what was to leave in this turn does not. */
  void(): void {
    if (this.#targets.length > 0) this.#untilMs = Number.NEGATIVE_INFINITY;
  }

  /** Behind everything that is answered in this turn, and before anything leaves. */
  endOfTurn(): void {
    const targets = this.#targets;
    if (targets.length === 0) return;
    this.#host.checkClocks();
    const isOver = this.#host.nowMs >= this.#untilMs;
    for (let index = 0; index < targets.length; index += 1) {
      const to = targets[index] as ReplyTarget;
      to.leased = false;
      if (isOver) to.destroy();
    }
    if (isOver)
      this.#host.log.write('warn', 'this process slept past its leases', { connectionsClosed: targets.length });
    targets.length = 0;
    this.#untilMs = Number.POSITIVE_INFINITY;
  }
}
