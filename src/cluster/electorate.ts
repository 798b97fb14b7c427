/**
 * Questions to the book that everybody asks: who is who, who holds all that is committed, how many must.
 */
import type { Book, BookMember, BookPartition, NodeId } from './book.ts';

/** The members and what was agreed, without the partitions. */
export type Roll = Pick<Book, 'members' | 'settings'>;

/** Three failures within this time keep primaries away for as long. */
export const FLAPPING_MS = 300_000;
export const FLAPPING_FAILURES = 3;

export function memberIn(roll: Pick<Book, 'members'>, slot: number): BookMember | null {
  return roll.members[slot] ?? null;
}

export function memberOf(book: Pick<Book, 'members'>, id: NodeId): BookMember | null {
  return book.members.find((member) => member?.id === id) ?? null;
}

export function memberAt(book: Pick<Book, 'members'>, address: string): BookMember | null {
  return book.members.find((member) => member?.address === address) ?? null;
}

export function dataMembers(roll: Pick<Book, 'members'>): BookMember[] {
  return roll.members.filter((member): member is BookMember => member?.role === 'data');
}

/** Least size of an in-sync set that may commit: never more than there are replicas, or members to keep them (R8). */
export function minOf(roll: Roll): number {
  const { min, replicas } = roll.settings;
  return Math.max(1, Math.min(min, replicas, dataMembers(roll).length));
}

/** Slots of those who hold all that is committed: any of them can be primary (R14). In-sync members come first. */
export function electorateOf(partition: BookPartition): readonly number[] {
  return partition.eligible.length === 0 ? partition.isr : [...partition.isr, ...partition.eligible];
}

/** Whether it can answer: it is not down, and it is there at all. One that is leaving still can. */
export function isAlive(roll: Pick<Book, 'members'>, slot: number): boolean {
  const member = memberIn(roll, slot);
  return member !== null && member.health !== 'down';
}

/** Whether it is there to stay and keeps keys. */
export function isUpKeeper(roll: Pick<Book, 'members'>, slot: number): boolean {
  const member = memberIn(roll, slot);
  return member !== null && member.health === 'up' && member.role === 'data';
}

/** Slots of those who are to catch up: up, wanted by placement or still eligible, and not in sync. */
export function learnersOf(book: Pick<Book, 'members'>, partition: BookPartition): number[] {
  const wanted = [...partition.target, ...partition.eligible.filter((slot) => !partition.target.includes(slot))];
  return wanted.filter((slot) => !partition.isr.includes(slot) && isUpKeeper(book, slot));
}

/**
 * Failures so close to each other, the last of them so recent, that it should not be primary where another can be. The
 * clock may have been set meanwhile, so distances count whatever their direction.
 */
export function isFlapping(member: BookMember, nowMs: number): boolean {
  const { failuresMs } = member;
  for (let last = FLAPPING_FAILURES - 1; last < failuresMs.length; last++) {
    const lastMs = failuresMs[last] as number;
    const firstMs = failuresMs[last - FLAPPING_FAILURES + 1] as number;
    if (Math.abs(lastMs - firstMs) < FLAPPING_MS && Math.abs(nowMs - lastMs) < FLAPPING_MS) return true;
  }
  return false;
}

/**
 * How many members can be lost from now on, whichever they are and in whatever order, without losing anything committed:
 * everything committed is held by each member of the electorate, so all but one of those that are there may go. Members
 * that are down or leaving are not counted on. Whether the cluster goes on *serving* is another question: a partition
 * takes no writes below `minOf`, and Raft needs a majority of its voters.
 */
export function canLose(book: Book): number {
  const spares = book.partitions.map(
    (partition) => electorateOf(partition).filter((slot) => isUpKeeper(book, slot)).length - 1,
  );
  return spares.reduce((least, spare) => Math.max(0, Math.min(least, spare)), dataMembers(book).length);
}

/** What clients need to find the primaries. */
export interface Routing {
  readonly version: number;
  /** By slot; '' a free one. */
  readonly addresses: readonly string[];
  /** By partition: a slot, or NO_MEMBER. */
  readonly primaries: Uint16Array;
}

export function routingOf(book: Book): Routing {
  return {
    version: book.version,
    addresses: book.members.map((member) => member?.address ?? ''),
    primaries: Uint16Array.from(book.partitions, (partition) => partition.primary),
  };
}
