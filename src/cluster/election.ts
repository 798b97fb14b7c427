/**
 * Who is primary next (R14), and what the in-sync and eligible sets are then.
 *
 * Why nobody who lacks a committed entry is ever in the electorate (in-sync ∪ eligible):
 *
 * 1. *What a primary needs to commit.* A primary acts on the newest version it has applied, v. It commits only if
 *    |in-sync of v| ≥ min of v, and only what all of in-sync of v hold, and all of any in-sync set it has proposed (R5).
 * 2. *Within an epoch the electorate of the newest version n ≥ v is part of what it needs, or it commits nothing.* From v
 *    to n in-sync sets grow only by what it has proposed itself, by compare-and-set (R1). Members become eligible only in
 *    an entry after which |in-sync| < min, and they were in the set until then; eligible members stay only while that
 *    lasts. So an eligible member of n was in the set of every version before it was taken out, and at every version
 *    since then the primary commits nothing.
 * 3. *Who is let in* has reached the commit point in this epoch and from the proposal on must hold every entry (R19), in
 *    the life that was measured (R3).
 * 4. *A new epoch.* Any subset of the electorate may be the next one, as each of them holds all that is committed by now.
 *    What the former primary still commits later, on an old version, every member of the electorate has acknowledged
 *    (2.), the new primary included: before it knew of the new epoch, for afterwards it acknowledges no old one (R2). So
 *    it is in its log, which it keeps whole (R15), and others are truncated only where they differ from it.
 * 5. *Who lost its memory* comes back in another life, which is in no set until it is let in again (R3, R4).
 *
 * Therefore the last member of an electorate is never taken out because it is silent: it may come back with everything.
 */
import { type BookMember, type BookPartition, NO_MEMBER } from './book.ts';
import { electorateOf, isAlive, isFlapping, memberIn, type Roll } from './electorate.ts';

/** The partition with the best primary that its electorate has, in a new epoch; without any, if nobody is there. */
export function elect(partition: BookPartition, roll: Roll, nowMs: number): BookPartition {
  const primary = choosePrimary(partition, roll, nowMs);
  return primary === NO_MEMBER ? withoutPrimary(partition) : reign(partition, roll, primary);
}

/** Nobody can be primary at present. The sets stay: whoever of them comes back in the same life has everything. */
function withoutPrimary(partition: BookPartition): BookPartition {
  return partition.primary === NO_MEMBER ? partition : { ...partition, primary: NO_MEMBER };
}

/**
 * A new epoch under `primary`, a member of the electorate. The same entry takes out of the in-sync set who is down, and
 * `ousted`; they stay eligible, unless `min` remain: that is for `settle` to see.
 */
export function reign(
  partition: BookPartition,
  roll: Roll,
  primary: number,
  ousted: number = NO_MEMBER,
): BookPartition {
  const others = partition.isr.filter((slot) => slot !== primary && slot !== ousted && isAlive(roll, slot));
  const isr = [primary, ...others];
  const eligible = electorateOf(partition).filter((slot) => !isr.includes(slot));
  return { ...partition, epoch: partition.epoch + 1, primary, isr, eligible };
}

/** R14: in-sync before eligible, then placement's choice, then the longest-lived; flapping or leaving ones last of all. */
export function choosePrimary(partition: BookPartition, roll: Roll, nowMs: number): number {
  let best: readonly number[] | null = null;
  let chosen = NO_MEMBER;
  for (const slot of electorateOf(partition)) {
    const member = memberIn(roll, slot);
    if (member === null || member.health === 'down' || member.role !== 'data') continue;
    const rank = rankOf(member, partition, nowMs);
    if (best !== null && !isLess(rank, best)) continue;
    best = rank;
    chosen = slot;
  }
  return chosen;
}

/** The lower, the better, from the first number that differs on. */
function rankOf(member: BookMember, partition: BookPartition, nowMs: number): readonly number[] {
  const place = partition.target.indexOf(member.slot);
  return [
    member.health === 'leaving' ? 1 : 0,
    isFlapping(member, nowMs) ? 1 : 0,
    partition.isr.includes(member.slot) ? 0 : 1,
    place === -1 ? partition.target.length : place,
    member.joinedAt,
    member.slot,
  ];
}

function isLess(one: readonly number[], other: readonly number[]): boolean {
  const at = one.findIndex((number, i) => number !== other[i]);
  return at !== -1 && (one[at] as number) < (other[at] as number);
}
