/**
 * Who might still answer reads of a partition under a lease that this node has granted (R12): a new primary waits until the
 * grants to its predecessors have run out, unless they have said that they answer no more (R17), or are dead for certain.
 */
import { type Book, type BookPartition, NO_MEMBER } from '../cluster/book.ts';
import type { Roster } from './roster.ts';

export class Rivals {
  readonly #roster: Roster;
  readonly #clock: { readonly nowMs: number };
  /** By partition: until then a predecessor may answer, monotonic milliseconds; and the epoch it had. */
  readonly #untilMs: number[] = [];
  readonly #epochs: number[] = [];
  /** By partition: highest epoch that was given up. */
  readonly #released: number[] = [];

  constructor(roster: Roster, clock: { readonly nowMs: number }) {
    this.#roster = roster;
    this.#clock = clock;
  }

  /** The entry of `partition` has changed from `old`; null: what was before is not known. */
  changed(partition: number, entry: BookPartition, old: BookPartition | null, book: Book, before: Book | null): void {
    if (old !== null && old.primary === entry.primary && old.epoch === entry.epoch) return;
    const skipped = old === null || before === null || book.version !== before.version + 1;
    if (skipped) return this.#wait(partition, this.#roster.latestGrantMs(), entry.epoch - 1);
    if (old.primary === NO_MEMBER || old.primary === this.#roster.self) return;
    const member = before.members[old.primary] ?? null;
    const now = book.members[old.primary] ?? null;
    // The same directory in another life: the process that reigned has ended.
    const isDead = member !== null && now !== null && member.id === now.id && member.incarnation !== now.incarnation;
    if (!isDead) this.#wait(partition, this.#roster.grantedUntilMs(old.primary), old.epoch);
  }

  #wait(partition: number, untilMs: number, epoch: number): void {
    if (untilMs <= this.#clock.nowMs) return;
    this.#untilMs[partition] = Math.max(this.#untilMs[partition] ?? untilMs, untilMs);
    this.#epochs[partition] = epoch;
  }

  released(partition: number, epoch: number): void {
    this.#released[partition] = Math.max(this.#released[partition] ?? 0, epoch);
  }

  untilMs(partition: number): number {
    const until = this.#untilMs[partition] ?? Number.NEGATIVE_INFINITY;
    return (this.#released[partition] ?? 0) >= (this.#epochs[partition] ?? 0) ? Number.NEGATIVE_INFINITY : until;
  }
}
