/**
 * Which partitions should be passed to a member that is to be their primary: that is placement's choice when it is back,
 * so that primaries are spread again after a failure. A wish goes to the present primary, which hands over when it is
 * ready (R17). Few at a time, and only to members that have been in sync for a while.
 */
import { type Book, type BookPartition, NO_MEMBER } from './book.ts';
import { isFlapping, isUpKeeper, memberIn } from './electorate.ts';

export interface HandOverWish {
  readonly partition: number;
  readonly to: number;
}

const IN_SYNC_FOR_MS = 2_000;
export const WISHES_MAX = 8;
/** A wish without effect so long makes room for others, and waits again. */
const WISH_MS = 5_000;
/** Who is flapping depends on the time, not only on the book. */
const LOOK_AGAIN_MS = 1_000;

interface Waiting {
  readonly to: number;
  sinceMs: number;
  /** Null: not told yet. */
  toldMs: number | null;
}

export class HandOverWishes {
  /** By partition, the one that waits longest first. */
  readonly #waiting = new Map<number, Waiting>();
  #book: Book | null = null;
  #lookedMs = Number.NEGATIVE_INFINITY;

  /** Those to be told now. */
  next(book: Book, nowMs: number, unixMs: number): HandOverWish[] {
    if (book !== this.#book || nowMs - this.#lookedMs >= LOOK_AGAIN_MS) this.#look(book, nowMs, unixMs);
    this.#giveUp(nowMs);
    let room = WISHES_MAX;
    for (const { toldMs } of this.#waiting.values()) if (toldMs !== null) room--;
    const wishes: HandOverWish[] = [];
    for (const [partition, waiting] of this.#waiting) {
      if (room <= wishes.length) break;
      if (waiting.toldMs !== null || nowMs - waiting.sinceMs < IN_SYNC_FOR_MS) continue;
      waiting.toldMs = nowMs;
      wishes.push({ partition, to: waiting.to });
    }
    return wishes;
  }

  #look(book: Book, nowMs: number, unixMs: number): void {
    this.#book = book;
    this.#lookedMs = nowMs;
    for (const [index, partition] of book.partitions.entries()) {
      const to = betterPrimary(book, partition, unixMs);
      if (this.#waiting.get(index)?.to === to) continue;
      this.#waiting.delete(index);
      if (to !== NO_MEMBER) this.#waiting.set(index, { to, sinceMs: nowMs, toldMs: null });
    }
  }

  #giveUp(nowMs: number): void {
    for (const [partition, { to, toldMs }] of [...this.#waiting]) {
      if (toldMs === null || nowMs - toldMs < WISH_MS) continue;
      this.#waiting.delete(partition);
      this.#waiting.set(partition, { to, sinceMs: nowMs, toldMs: null });
    }
  }
}

/** Who should be primary instead of the one that is; NO_MEMBER: nobody. */
function betterPrimary(book: Book, partition: BookPartition, unixMs: number): number {
  const { primary, target, isr } = partition;
  if (primary === NO_MEMBER || primary === target[0]) return NO_MEMBER;
  const isGood = (slot: number): boolean => {
    const member = memberIn(book, slot);
    return member !== null && isr.includes(slot) && isUpKeeper(book, slot) && !isFlapping(member, unixMs);
  };
  const to = target.find(isGood) ?? NO_MEMBER;
  if (to === primary) return NO_MEMBER;
  const isMisplaced = !target.includes(primary) || !isGood(primary);
  return to === target[0] || isMisplaced ? to : NO_MEMBER;
}
