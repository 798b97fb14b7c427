/** Watches the book of a simulated cluster as the nodes apply it: what became of members and partitions, counted. */
import type { Book, BookPartition } from '../cluster/book.ts';
import type { Node } from '../node/node.ts';
import type { Counters } from './counters.ts';

export class BookWatch {
  readonly #counters: Counters;
  readonly #lost: (partition: number) => void;
  /** The newest seen at any node. */
  #book: Book | null = null;
  readonly #commanders: WeakSet<Node> = new WeakSet();

  /** `lost` is told when all who held a partition are gone (R9). */
  constructor(counters: Counters, lost: (partition: number) => void) {
    this.#counters = counters;
    this.#lost = lost;
  }

  /** After each event of a node. */
  stepped(node: Node): void {
    if (node.isCommander !== this.#commanders.has(node)) this.#elected(node);
    const { book } = node;
    if (book === null || book === this.#book) return;
    const before = this.#book;
    if (before !== null && book.version <= before.version) return;
    this.#book = book;
    if (before !== null) this.#compare(book, before);
  }

  #elected(node: Node): void {
    if (!node.isCommander) return void this.#commanders.delete(node);
    this.#commanders.add(node);
    this.#counters.count('elections');
  }

  #compare(book: Book, before: Book): void {
    for (const member of book.members) {
      const then = before.members[member?.slot ?? -1] ?? null;
      if (member === null || member === then) continue;
      if (then === null || then.id !== member.id) this.#counters.count('joins');
      else if (then.incarnation !== member.incarnation) this.#counters.count('fencedRestarts');
    }
    book.partitions.forEach((entry, partition) => {
      const then = before.partitions[partition];
      if (then !== undefined && then !== entry) this.#comparePartition(partition, entry, then);
    });
  }

  #comparePartition(partition: number, entry: BookPartition, then: BookPartition): void {
    const counters = this.#counters;
    if (then.isr.some((slot) => !entry.isr.includes(slot))) counters.count('shrinks');
    if (entry.epoch === then.epoch && entry.isr.some((slot) => !then.isr.includes(slot))) counters.count('expands');
    if (entry.epoch !== then.epoch) counters.count('failovers');
    if (entry.lost === null || then.lost !== null) return;
    counters.count('partitionsLost');
    this.#lost(partition);
  }
}
