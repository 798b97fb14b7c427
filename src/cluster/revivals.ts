/**
 * Lost partitions that begin anew by themselves (`--on-loss empty`, R9), when no former keeper can be serving any more.
 * The wait is measured by the commander's own monotonic clock, from when it saw the loss: a clock that was set back must
 * not make it longer, nor one set forward shorter.
 */
import type { Book, BookPartition } from './book.ts';
import type { ReviveCommand } from './commands.ts';
import { isUpKeeper } from './electorate.ts';

/** At a time: each is an entry of the Raft log. */
export const REVIVALS_MAX = 256;

export class Revivals {
  /** By partition: when the loss was seen. */
  readonly #seenMs = new Map<number, number>();
  #book: Book | null = null;

  commands(book: Book, nowMs: number, unixMs: number, onLoss: 'stop' | 'empty'): ReviveCommand[] {
    this.#look(book, nowMs);
    if (onLoss !== 'empty' || this.#seenMs.size === 0) return [];
    if (!book.members.some((_, slot) => isUpKeeper(book, slot))) return [];
    const due: ReviveCommand[] = [];
    for (const [partition, seenMs] of this.#seenMs) {
      if (due.length === REVIVALS_MAX) break;
      const { version, lost } = book.partitions[partition] as BookPartition;
      const isDue = lost !== null && nowMs - seenMs >= lost.waitMs;
      if (isDue) due.push({ kind: 'revive', partition, version, nowMs: unixMs });
    }
    return due;
  }

  #look(book: Book, nowMs: number): void {
    if (book === this.#book) return;
    this.#book = book;
    for (const [index, { lost }] of book.partitions.entries()) {
      if (lost === null) this.#seenMs.delete(index);
      else if (!this.#seenMs.has(index)) this.#seenMs.set(index, nowMs);
    }
  }
}
