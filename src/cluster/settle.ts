/**
 * What follows from every change of a partition: members that need not be in sync any more go, never below `min` (R17,
 * R20), and once there are `min` nobody else is eligible (R8), since from now on entries may commit without them.
 */
import { type BookPartition, NO_MEMBER } from './book.ts';
import { isUpKeeper, memberIn, minOf, type Roll } from './electorate.ts';

/** To be done after every change, with the members as they are then: only here is anybody's eligibility ended by R8. */
export function settle(partition: BookPartition, roll: Roll): BookPartition {
  const min = minOf(roll);
  const trimmed =
    partition.primary === NO_MEMBER ? partition : withoutMoved(withoutLeaving(partition, roll, min), roll, min);
  if (trimmed.isr.length < min || trimmed.eligible.length === 0) return trimmed;
  return { ...trimmed, eligible: [] };
}

/** R17: who leaves goes out of the in-sync set where it is not primary, as long as `min` remain. */
function withoutLeaving(partition: BookPartition, roll: Roll, min: number): BookPartition {
  let isr = partition.isr;
  for (const slot of partition.isr) {
    const isLeaving = memberIn(roll, slot)?.health === 'leaving' && slot !== partition.primary;
    if (isLeaving && isr.length > min) isr = isr.filter((other) => other !== slot);
  }
  return isr === partition.isr ? partition : { ...partition, isr };
}

/** R20: who is not to keep the partition goes when those who are have caught up, all that are up and `min` at least. */
function withoutMoved(partition: BookPartition, roll: Roll, min: number): BookPartition {
  const { isr, target, primary } = partition;
  const stays = (slot: number): boolean => target.includes(slot) || slot === primary;
  if (isr.every(stays)) return partition;
  const isCaughtUp = target.every((slot) => isr.includes(slot) || !isUpKeeper(roll, slot));
  const inTarget = isr.filter((slot) => target.includes(slot));
  return isCaughtUp && inTarget.length >= min ? { ...partition, isr: isr.filter(stays) } : partition;
}
