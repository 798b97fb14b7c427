/**
 * Commands on a partition, each on the version that its proposer has seen (R1). A function here returns the partition as
 * it becomes, or why it refuses.
 */
import { type Book, type BookMember, type BookPartition, NO_MEMBER } from './book.ts';
import type { HandOverCommand, InSyncCommand, RetargetCommand, ReviveCommand, TouchCommand } from './commands.ts';
import { reign } from './election.ts';
import { electorateOf, isUpKeeper, memberIn, minOf } from './electorate.ts';

export type PartitionCommand = InSyncCommand | HandOverCommand | RetargetCommand | ReviveCommand | TouchCommand;

export type Changed = BookPartition | string;

export function changePartition(book: Book, partition: BookPartition, command: PartitionCommand): Changed {
  switch (command.kind) {
    case 'shrink':
      return shrink(book, partition, command);
    case 'expand':
      return expand(book, partition, command);
    case 'hand-over':
      return handOver(book, partition, command);
    case 'retarget':
      return retarget(book, partition, command);
    case 'revive':
      return revive(book, partition, command);
    case 'touch':
      return partition;
  }
}

/** Why `by` may not speak for the partition: only its primary may, in the epoch in which it is primary. */
function impostor(partition: BookPartition, by: number, epoch: number): string | null {
  if (by === NO_MEMBER || by !== partition.primary) return 'only the present primary may propose this';
  if (epoch !== partition.epoch) return `the epoch is ${partition.epoch} by now`;
  return null;
}

/** R18: a primary goes on without others, but never below `min`: then it is for the commander to see who can. */
function shrink(book: Book, partition: BookPartition, command: InSyncCommand): Changed {
  const refusal = impostor(partition, command.by, command.epoch);
  if (refusal !== null) return refusal;
  const gone = command.members.map((member) => member.slot);
  if (gone.includes(partition.primary)) return 'a primary cannot shrink itself away';
  if (!gone.every((slot) => partition.isr.includes(slot))) return 'it names members that are not in sync';
  const isr = partition.isr.filter((slot) => !gone.includes(slot));
  if (isr.length < minOf(book)) return `fewer than ${minOf(book)} in-sync members would remain`;
  return { ...partition, isr };
}

/** R19: who has caught up is let in, in the life that was measured. */
function expand(book: Book, partition: BookPartition, command: InSyncCommand): Changed {
  const refusal = impostor(partition, command.by, command.epoch);
  if (refusal !== null) return refusal;
  for (const { slot, incarnation } of command.members) {
    const member = memberIn(book, slot);
    if (member === null) return `nobody has slot ${slot}`;
    const objection = objectionTo(member, incarnation, partition);
    if (objection !== null) return `${member.address} ${objection}`;
  }
  const coming = command.members.map((member) => member.slot).filter((slot) => !partition.isr.includes(slot));
  const isr = [...partition.isr, ...new Set(coming)];
  return { ...partition, isr, eligible: partition.eligible.filter((slot) => !isr.includes(slot)) };
}

function objectionTo(member: BookMember, incarnation: string, partition: BookPartition): string | null {
  if (member.incarnation !== incarnation) return 'has another life by now';
  if (member.health !== 'up') return `is ${member.health}`;
  if (member.role !== 'data') return 'is a witness';
  const isWanted = partition.target.includes(member.slot) || electorateOf(partition).includes(member.slot);
  return isWanted ? null : 'is not to keep the partition';
}

/**
 * R17: the primary passes its partition to another in-sync member. R18: where it reported that it cannot go on, the
 * commander passes it to any member of the electorate that is up; the former primary, cut off from the others, goes out of
 * the in-sync set, so that the new one does not depend on it.
 */
function handOver(book: Book, partition: BookPartition, command: HandOverCommand): Changed {
  const { by, to, epoch } = command;
  if (by === NO_MEMBER) {
    if (epoch !== partition.epoch) return `the epoch is ${partition.epoch} by now`;
    if (!electorateOf(partition).includes(to)) return 'the new primary must hold all that is committed';
    if (!isUpKeeper(book, to)) return 'the new primary must be up';
    return reign(partition, book, to, to === partition.primary ? NO_MEMBER : partition.primary);
  }
  const refusal = impostor(partition, by, epoch);
  if (refusal !== null) return refusal;
  if (!partition.isr.includes(to)) return 'the new primary must be in sync';
  if (to !== by && !isUpKeeper(book, to)) return 'the new primary must be up';
  return reign(partition, book, to);
}

/** R20: others are to keep it. Who keeps it now stays until they have caught up. */
function retarget(book: Book, partition: BookPartition, command: RetargetCommand): Changed {
  const { target } = command;
  if (new Set(target).size !== target.length) return 'it names a member twice';
  if (!target.every((slot) => memberIn(book, slot)?.role === 'data')) return 'it names somebody who keeps no keys';
  if (target.length < minOf(book)) return `a partition is kept by at least ${minOf(book)} members`;
  return { ...partition, target: [...target] };
}

/** R9: it begins anew and empty, in a new epoch; locks wait until nobody can believe in one of before. */
function revive(book: Book, partition: BookPartition, command: ReviveCommand): Changed {
  if (partition.lost === null) return 'the partition is not lost';
  const primary = partition.target.find((slot) => isUpKeeper(book, slot)) ?? anyKeeper(book);
  if (primary === NO_MEMBER) return 'no member that keeps keys is up';
  const locksFromMs = command.nowMs + book.settings.maxLeaseMs;
  const epoch = partition.epoch + 1;
  return { ...partition, epoch, firstEpoch: epoch, primary, isr: [primary], eligible: [], lost: null, locksFromMs };
}

function anyKeeper(book: Book): number {
  return book.members.find((member) => member !== null && isUpKeeper(book, member.slot))?.slot ?? NO_MEMBER;
}
