/**
 * Followers that do not keep up: what is on the way to each is bounded, and one that stays above the bound is to leave the
 * in-sync set where enough remain, so that it holds up nobody. It is let in again when it has caught up, and each time
 * later than before.
 */
import type { Follower } from '../replication/follower.ts';
import type { ReplicationLog } from '../replication/replication-log.ts';

/** Bytes of a partition's log that a follower has not acknowledged. */
export const IN_FLIGHT_PER_FOLLOWER_MAX: number = 8 * 1024 * 1024;
const PATIENCE_MS = 1000;
const STUCK_MS = 2000;
const DELAY_MS = 1000;
const DELAY_MS_MAX = 60_000;
/** Who was not slow for so long begins with the first delay again. */
const FORGET_MS = 300_000;

interface Penalty {
  delayMs: number;
  untilMs: number;
}

export class SlowFollowers {
  /** What a follower is to have acknowledged, and since when that is waited for. */
  readonly #goals: WeakMap<Follower, { goal: number; sinceMs: number }> = new WeakMap();
  /** Since when a follower has been above the bound. */
  readonly #since: WeakMap<Follower, number> = new WeakMap();
  /** By slot of the member. */
  readonly #penalties: Map<number, Penalty> = new Map();

  /** Whether the follower has been above the bound for too long. To be asked with every tick. */
  isTooSlow(follower: Follower, log: ReplicationLog, nowMs: number): boolean {
    if (this.#isStuck(follower, log, nowMs)) return true;
    const isAbove = log.bytesFrom(Math.max(log.first, follower.match)) > IN_FLIGHT_PER_FOLLOWER_MAX;
    if (!isAbove) {
      this.#since.delete(follower);
      return false;
    }
    const since = this.#since.get(follower) ?? nowMs;
    this.#since.set(follower, since);
    return nowMs - since > PATIENCE_MS;
  }

  /** Its process lives and is heard, and still it has not acknowledged for long what it was to hold: its disk hangs, perhaps. */
  #isStuck(follower: Follower, log: ReplicationLog, nowMs: number): boolean {
    const waited = this.#goals.get(follower);
    if (waited === undefined || follower.match >= waited.goal) {
      this.#goals.set(follower, { goal: log.next, sinceMs: nowMs });
      return false;
    }
    return nowMs - waited.sinceMs > STUCK_MS;
  }

  /** It is taken out of an in-sync set for being slow. */
  punish(member: number, nowMs: number): void {
    const before = this.#penalties.get(member);
    if (before !== undefined && nowMs < before.untilMs) return; // for several partitions at once
    const isFresh = before === undefined || nowMs - before.untilMs > FORGET_MS;
    const delayMs = isFresh ? DELAY_MS : Math.min(DELAY_MS_MAX, before.delayMs * 2);
    this.#penalties.set(member, { delayMs, untilMs: nowMs + delayMs });
  }

  /** Whether it may be let in. */
  mayReturn(member: number, nowMs: number): boolean {
    return nowMs >= (this.#penalties.get(member)?.untilMs ?? Number.NEGATIVE_INFINITY);
  }
}
