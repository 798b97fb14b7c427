/**
 * How long the members have been silent, each in the life that the book names: what another life says is no sign of it.
 * Silence is counted from when it was heard last by this node, or else from when its watch began.
 */
import type { Book, BookMember } from './book.ts';

export interface HeardMember {
  /** Monotonic, when it was heard last, or watching began; after a pause of one's own the driver begins anew (R12). */
  readonly heardMs: number;
  /** The life that was heard; null: none yet, or none any more. */
  readonly incarnation: string | null;
  /** Its liveness thread told that its main thread stands still. */
  readonly isStalled: boolean;
}

/** What a commander sees besides the book. */
export interface Observation {
  /** Monotonic. */
  readonly nowMs: number;
  readonly unixMs: number;
  /** What the commander's own process was started with, which may be later than the book's; default: as in the book. */
  readonly onLoss?: 'stop' | 'empty';
  /** The commander's own slot. */
  readonly self: number;
  /** By slot. Null or missing: nothing known, so silent since its watch began. */
  readonly members: readonly (HeardMember | null | undefined)[];
}

/** Silence is death at this age, and when a stall was told, at this one. */
export const SILENT_MS = 600;
export const STALLED_MS = 2_000;

interface Watched {
  readonly incarnation: string;
  readonly heardMs: number;
}

export class Silence {
  /** By slot. */
  readonly #watched = new Map<number, Watched>();
  #observation: Observation | null = null;

  observe(book: Book, observation: Observation): void {
    this.#observation = observation;
    for (const member of book.members) if (member !== null) this.#watch(member, observation);
  }

  /** Since when nothing was heard of this life, in milliseconds. */
  of(member: BookMember): number {
    const observation = this.#observation;
    const watched = this.#watched.get(member.slot);
    if (observation === null || watched === undefined || member.slot === observation.self) return 0;
    return observation.nowMs - watched.heardMs;
  }

  /** Whether this very life was heard, and not only the watch begun. */
  wasHeard(member: BookMember): boolean {
    return this.#observation?.members[member.slot]?.incarnation === member.incarnation;
  }

  /** Heard in this very life within `ms`, or the commander itself. */
  isHeardWithin(ms: number, member: BookMember): boolean {
    if (member.slot === this.#observation?.self) return true;
    return this.wasHeard(member) && this.of(member) <= ms;
  }

  isTooLong(member: BookMember): boolean {
    const isStalled = this.wasHeard(member) && this.#observation?.members[member.slot]?.isStalled === true;
    return this.of(member) >= (isStalled ? STALLED_MS : SILENT_MS);
  }

  #watch(member: BookMember, { nowMs, members }: Observation): void {
    const { slot, incarnation } = member;
    const heard = members[slot] ?? null;
    const before = this.#watched.get(slot);
    const sinceMs = before?.incarnation === incarnation ? before.heardMs : nowMs;
    if (heard?.incarnation === incarnation) this.#watched.set(slot, { incarnation, heardMs: heard.heardMs });
    else if (heard?.incarnation === null) {
      this.#watched.set(slot, { incarnation, heardMs: Math.max(heard.heardMs, sinceMs) });
    } else this.#watched.set(slot, { incarnation, heardMs: sinceMs });
  }
}
