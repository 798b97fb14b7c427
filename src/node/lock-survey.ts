/**
 * A walk over the locks of the partitions that this node is primary of, for listings (L14): piece by piece, so that it never
 * holds up the node. What changes between two pieces is seen or not.
 */
import type { LockFacts, LocksAnswer, LocksCursor } from '../protocol/lock-facts.ts';
import { LISTED, lockFacts, WHOLE } from './lock-facts.ts';
import type { PartitionPrimary } from './partition-primary.ts';

/** Locks, and waits for them, that one piece looks at. */
export const LOOKED_AT_MAX = 10_000;
/** A partition without locks costs this. */
const PARTITION_COST = 1;
/** Of locks with all who wait for them one piece has so many bytes, about. */
const BYTES_MAX: number = 512 * 1024;
const OWNER_BYTES = 300;
const NONE = -1;

export interface Survey {
  readonly from: LocksCursor;
  readonly limit: number;
  readonly prefix: Uint8Array;
  readonly waited: boolean;
}

/** Whether what it says of locks is true now: it serves, and nobody else can (R12). */
export function answersForLocks(partition: PartitionPrimary): boolean {
  return partition.serving && partition.lease.holds;
}

interface Seen {
  readonly partition: PartitionPrimary;
  readonly slot: number;
  readonly waiters: number;
  readonly sinceMs: number;
}

export function surveyLocks(primaries: readonly (PartitionPrimary | null)[], survey: Survey): LocksAnswer {
  const walk = new Walk(survey);
  let { slot } = survey.from;
  for (let index = survey.from.partition; index < primaries.length; index += 1) {
    const partition = primaries[index] ?? null;
    if (partition !== null && answersForLocks(partition)) {
      const next = walk.over(partition, slot);
      if (next !== NONE) return walk.answer({ partition: index, slot: next });
    }
    slot = 0;
  }
  return walk.answer(null);
}

class Walk {
  readonly #survey: Survey;
  readonly #seen: Seen[] = [];
  readonly #whole: LockFacts[] = [];
  #left = LOOKED_AT_MAX;
  #bytesLeft = BYTES_MAX;
  #matching = 0;
  #partitions = 0;
  #key: Uint8Array = new Uint8Array(256);

  constructor(survey: Survey) {
    this.#survey = survey;
  }

  /** The slot at which to go on another time; −1: this partition is done. */
  over(partition: PartitionPrimary, from: number): number {
    const { locks } = partition.state;
    this.#left -= PARTITION_COST;
    for (let slot = locks.next(from); slot !== NONE; slot = locks.next(slot + 1)) {
      if (this.#left <= 0 || this.#bytesLeft <= 0) return slot;
      this.#left -= 1;
      if (this.#isWanted(partition, slot)) this.#take(partition, slot);
    }
    this.#partitions += 1;
    return NONE;
  }

  #isWanted({ state: { locks } }: PartitionPrimary, slot: number): boolean {
    const { prefix, waited } = this.#survey;
    if (waited && locks.firstWaiter(slot) === NONE && locks.firstConverting(slot) === NONE) return false;
    if (prefix.length === 0) return true;
    const length = locks.keyLength(slot);
    if (length < prefix.length) return false;
    if (length > this.#key.length) this.#key = new Uint8Array(length * 2);
    locks.copyKey(slot, this.#key, 0);
    return prefix.every((byte, at) => byte === this.#key[at]);
  }

  #take(partition: PartitionPrimary, slot: number): void {
    const { locks } = partition.state;
    this.#matching += 1;
    if (this.#survey.waited) {
      const facts = lockFacts(partition, slot, WHOLE);
      this.#whole.push(facts);
      this.#left -= facts.waiterCount;
      this.#bytesLeft -= (facts.holders.length + facts.waiters.length) * OWNER_BYTES + facts.keyBytes * 2;
      return;
    }
    let waiters = 0;
    for (let one = locks.firstConverting(slot); one !== NONE; one = locks.convertingAfter(one)) waiters += 1;
    for (let one = locks.firstWaiter(slot); one !== NONE; one = locks.waiterAfter(one)) waiters += 1;
    this.#left -= waiters;
    this.#seen.push({ partition, slot, waiters, sinceMs: locks.requests.sinceMs(locks.firstGranted(slot)) });
  }

  answer(next: LocksCursor | null): LocksAnswer {
    const { limit, waited } = this.#survey;
    const first = this.#seen
      .sort((one, other) => other.waiters - one.waiters || one.sinceMs - other.sinceMs)
      .slice(0, limit);
    const locks = waited ? this.#whole : first.map(({ partition, slot }) => lockFacts(partition, slot, LISTED));
    return { locks, matching: this.#matching, partitions: this.#partitions, next };
  }
}
