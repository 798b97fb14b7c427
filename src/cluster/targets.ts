/** Which members are to keep each partition: placement (placement.ts) in slots. Members stand for their addresses. */
import type { BookPartition } from './book.ts';
import { dataMembers, type Roll } from './electorate.ts';
import { place } from './placement.ts';

const WEIGHT = 1;

/** For each partition the slots that are to keep it, the preferred primary first; none, if no member keeps keys. */
export function placeTargets(roll: Roll): readonly (readonly number[])[] {
  const keepers = dataMembers(roll);
  const { partitions, replicas } = roll.settings;
  if (keepers.length === 0) return new Array<readonly number[]>(partitions).fill([]);
  const slots = new Map(keepers.map((member) => [member.address, member.slot]));
  const placement = place(
    keepers.map((member) => ({ id: member.address, weight: WEIGHT })),
    partitions,
    Math.min(replicas, keepers.length),
  );
  const bySorted = placement.members.map((address) => slots.get(address) as number);
  return placement.replicas.map((kept) => kept.map((member) => bySorted[member] as number));
}

export function withTarget(partition: BookPartition, target: readonly number[]): BookPartition {
  const isSame = target.length === partition.target.length && target.every((slot, i) => slot === partition.target[i]);
  return isSame ? partition : { ...partition, target };
}
