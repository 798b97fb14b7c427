/**
 * The next book while one command on a member is applied: changed in place here and nowhere else, then finished into a
 * value. Partitions that do not change are shared with the book before.
 */
import type { Book, BookMember, BookPartition, BookSettings } from './book.ts';
import { settle } from './settle.ts';
import { placeTargets, withTarget } from './targets.ts';

export class BookDraft {
  readonly before: Book;
  readonly settings: BookSettings;
  /** Of the book that this becomes. */
  readonly version: number;
  readonly members: (BookMember | null)[];
  #partitions: readonly BookPartition[];

  constructor(before: Book) {
    this.before = before;
    this.settings = before.settings;
    this.version = before.version + 1;
    this.members = [...before.members];
    this.#partitions = before.partitions;
  }

  /** Members first, then partitions: what becomes of these depends on who is there. */
  changePartitions(change: (partition: BookPartition) => BookPartition): void {
    this.#partitions = this.#partitions.map(change);
  }

  /** The very book before, if nothing was changed. */
  finish(): Book {
    if (!this.#hasSameKeepers()) this.#placeAnew();
    const partitions = this.#partitions.map((partition, i) => {
      const settled = settle(partition, this);
      return settled === this.before.partitions[i] ? settled : { ...settled, version: this.version };
    });
    const isSame = isShared(this.members, this.before.members) && isShared(partitions, this.before.partitions);
    return isSame ? this.before : { version: this.version, settings: this.settings, members: this.members, partitions };
  }

  /** Who comes and who goes for good changes the placement; who is only silent does not. */
  #hasSameKeepers(): boolean {
    const isKeeper = (member: BookMember | null | undefined): boolean => member?.role === 'data';
    return this.members.every((member, slot) => {
      const before = this.before.members[slot];
      return isKeeper(member) === isKeeper(before) && (!isKeeper(member) || member?.id === before?.id);
    });
  }

  #placeAnew(): void {
    const targets = placeTargets(this);
    this.#partitions = this.#partitions.map((partition, i) => withTarget(partition, targets[i] ?? []));
  }
}

function isShared<T>(one: readonly T[], other: readonly T[]): boolean {
  return one.length === other.length && one.every((item, i) => item === other[i]);
}
