/**
 * Which members keep which partition: weighted rendezvous hashing with a cap per member, since plain rendezvous spreads
 * ±12 % at 5 members. A pure function of the members' ids and weights: every node comes to the same answer.
 *
 * Partition by partition, the members with the highest scores that are below their cap. The caps may add up to exactly
 * what is needed, so a careless choice early could leave the last partitions with fewer than k members that have room.
 * With `left` partitions still to come, they can be served if and only if
 *
 *     Σ min(room of a member, left) ≥ k · left              (Gale 1957, Ryser 1957)
 *
 * since no member keeps a partition twice. A member with more room than `left` loses nothing by being chosen now; every
 * other one lowers the sum by one. So at most `slack` = Σ min(room, left) − k · left of those may be chosen, and the
 * other places go to members with room to spare. There are always enough: the condition held for `left + 1`.
 */

import { assert } from '../base/assert.ts';
import { Rendezvous } from '../base/rendezvous.ts';
import { balancePrimaries } from './balance.ts';
import { primaryCaps, replicaCaps } from './capacity.ts';

/** The greatest weight, so that products with partitions and replicas stay exact. */
export const WEIGHT_MAX = 65_535;

export interface PlacementMember {
  readonly id: string;
  /** Share of the partitions relative to other members: a whole number from 1 to 65535. */
  readonly weight: number;
}

export interface Placement {
  /** Ids of the members, sorted by code unit. A member index points in here. */
  readonly members: readonly string[];
  /** For each partition the indexes of the members that keep it: the primary, then the backups, highest score first. */
  readonly replicas: readonly (readonly number[])[];
}

/**
 * Places each partition on `min(replicas, members.length)` members.
 * @param members in any order, ids distinct, at least one
 */
export function place(members: readonly PlacementMember[], partitions: number, replicas: number): Placement {
  const sorted = [...members].sort((one, other) => (one.id < other.id ? -1 : 1));
  checkArguments(sorted, partitions, replicas);
  const weights = sorted.map((member) => member.weight);
  const preferences = preferencesOf(sorted, partitions);
  const perPartition = Math.min(replicas, sorted.length);
  const kept = chooseReplicas(preferences, replicaCaps(weights, partitions, perPartition), perPartition);
  const primaries = balancePrimaries(kept, primaryCaps(weights, partitions));
  return {
    members: sorted.map((member) => member.id),
    replicas: kept.map((chosen, partition) => withFirst(chosen, primaries[partition] as number)),
  };
}

function checkArguments(sorted: readonly PlacementMember[], partitions: number, replicas: number): void {
  assert(sorted.length >= 1, 'placement needs a member');
  assert(Number.isInteger(partitions) && partitions >= 1, 'placement needs a partition');
  assert(Number.isInteger(replicas) && replicas >= 1, 'placement needs a replica');
  for (const [i, { id, weight }] of sorted.entries()) {
    assert(Number.isInteger(weight) && weight >= 1 && weight <= WEIGHT_MAX, 'a weight must be from 1 to 65535');
    assert(sorted[i + 1]?.id !== id, 'the ids of members must be distinct');
  }
}

/** For each partition all members, highest score first; the order of ids decides between equals. */
function preferencesOf(sorted: readonly PlacementMember[], partitions: number): number[][] {
  const nodes = sorted.map(({ id, weight }) => new Rendezvous(id, weight));
  return Array.from({ length: partitions }, (_, partition) => {
    const scores = nodes.map((node) => node.score(partition));
    return [...scores.keys()].sort((one, other) => (scores[other] as number) - (scores[one] as number) || one - other);
  });
}

function chooseReplicas(preferences: readonly number[][], caps: readonly number[], perPartition: number): number[][] {
  const room = [...caps];
  return preferences.map((preference, partition) => {
    const chosen = chooseForOne(preference, room, perPartition, preferences.length - partition - 1);
    for (const member of chosen) room[member] = (room[member] as number) - 1;
    return chosen;
  });
}

/** The best members with room, of which at most `slack` have no more room than partitions are left. */
function chooseForOne(
  preference: readonly number[],
  room: readonly number[],
  perPartition: number,
  left: number,
): number[] {
  let slack = room.reduce((sum, each) => sum + Math.min(each, left), 0) - perPartition * left;
  const chosen: number[] = [];
  for (const member of preference) {
    const roomHere = room[member] as number;
    if (chosen.length === perPartition || roomHere === 0) continue;
    if (roomHere > left) chosen.push(member);
    else if (slack-- > 0) chosen.push(member);
  }
  assert(chosen.length === perPartition, 'caps leave room for every replica');
  return chosen;
}

function withFirst(members: readonly number[], first: number): number[] {
  return [first, ...members.filter((member) => member !== first)];
}
