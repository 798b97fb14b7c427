/**
 * Commands on a member: it comes, comes again, falls silent, is heard again, leaves, is gone. Each is one entry that
 * changes the member and whatever partitions it has a part in.
 * A function here returns null, or why it refuses; then it has not touched the draft.
 */
import { type BookMember, type BookPartition, NO_MEMBER } from './book.ts';
import type { BookDraft } from './book-draft.ts';
import type { HealthCommand, JoinCommand, LeaveCommand } from './commands.ts';
import { elect } from './election.ts';
import { electorateOf, FLAPPING_MS, memberAt, memberIn, memberOf } from './electorate.ts';

const FAILURES_KEPT = 10;

/**
 * A former keeper that was taken off the book while it was only silent may serve until it notices that it hears no
 * commander: the orphan time of 30 s, stretched by what clocks may differ, and a margin (R9).
 */
export const ORPHANS_GONE_MS = 32_000;
/** One that restarted serves no more; a lease it had granted may still run this long (R12). */
const GRANTS_GONE_MS = 1_000;

export function join(draft: BookDraft, command: JoinCommand): string | null {
  const known = memberOf(draft, command.id);
  const holder = memberAt(draft, command.address);
  if (holder !== null && holder.id !== command.id) {
    const refusal =
      holder.health === 'up' ? `${holder.address} is the address of a member that is up` : removal(draft, holder);
    if (refusal !== null) return refusal;
  }
  if (known !== null && known.former === command.incarnation) {
    return `${known.address} has joined in a later life; two processes may be using copies of one state directory`;
  }
  const slot = known?.slot ?? freeSlot(draft);
  if (slot === NO_MEMBER) return 'the book has no room for another member';

  if (holder !== null && holder.id !== command.id) takeOff(draft, holder, command.nowMs);
  if (known === null) draft.members[slot] = newcomer(draft, command, slot);
  else if (known.incarnation !== command.incarnation) comeAgain(draft, known, command);
  else if (known.address !== command.address) draft.members[slot] = { ...known, address: command.address };
  return null;
}

function newcomer(draft: BookDraft, command: JoinCommand, slot: number): BookMember {
  const { id, incarnation, address, zone, role } = command;
  const { version: joinedAt } = draft;
  return { slot, id, incarnation, former: '', address, zone, role, joinedAt, health: 'up', failuresMs: [] };
}

/** R3: one entry fences the former life: it is in no set any more, and where it was primary a new epoch begins. */
function comeAgain(draft: BookDraft, known: BookMember, command: JoinCommand): void {
  const { slot, incarnation: former } = known;
  const failuresMs = known.health === 'up' ? withFailure(known.failuresMs, command.nowMs) : known.failuresMs;
  draft.members[slot] = { ...newcomer(draft, command, slot), former, failuresMs };
  draft.changePartitions((partition) => fenced(partition, draft, known, command.nowMs, GRANTS_GONE_MS));
}

/** The lowest that is free, and named by no partition any more. */
function freeSlot(draft: BookDraft): number {
  const named = new Set(
    draft.before.partitions.flatMap((partition) => [...electorateOf(partition), ...partition.target]),
  );
  for (let slot = 0; slot < NO_MEMBER; slot++) {
    if ((draft.members[slot] ?? null) === null && !named.has(slot)) return slot;
  }
  return NO_MEMBER;
}

/** The partition without a member whose copy is gone for good. */
function fenced(
  partition: BookPartition,
  draft: BookDraft,
  member: BookMember,
  nowMs: number,
  waitMs: number,
): BookPartition {
  const { slot } = member;
  const electorate = electorateOf(partition);
  if (!electorate.includes(slot)) return partition;
  const isr = partition.isr.filter((other) => other !== slot);
  const eligible = partition.eligible.filter((other) => other !== slot);
  const rest = { ...partition, isr, eligible };
  if (electorate.length === 1) {
    return { ...rest, primary: NO_MEMBER, lost: { sinceMs: nowMs, keepers: [member.address], waitMs } };
  }
  return partition.primary === slot ? elect(rest, draft, nowMs) : rest;
}

export function changeHealth(draft: BookDraft, command: HealthCommand): string | null {
  const member = named(draft, command);
  if (typeof member === 'string') return member;
  if (command.kind === 'down') goDown(draft, member, command.nowMs);
  else comeUp(draft, member, command.nowMs);
  return null;
}

/** The member as the command names it, or why it cannot be. */
function named(draft: BookDraft, command: HealthCommand | LeaveCommand): BookMember | string {
  const member = memberIn(draft, command.slot);
  if (member === null) return `nobody has slot ${command.slot}`;
  if (member.incarnation !== command.incarnation) return `${member.address} has another life by now`;
  return member;
}

function goDown(draft: BookDraft, member: BookMember, nowMs: number): void {
  if (member.health === 'down') return;
  const failuresMs = member.health === 'up' ? withFailure(member.failuresMs, nowMs) : member.failuresMs;
  draft.members[member.slot] = { ...member, health: 'down', failuresMs };
  draft.changePartitions((partition) => silenced(partition, draft, member.slot, nowMs));
}

/** The partition when a member is silent: it goes out of the in-sync set, and `settle` decides whether it stays eligible. */
function silenced(partition: BookPartition, draft: BookDraft, slot: number, nowMs: number): BookPartition {
  if (partition.primary === slot) return elect(partition, draft, nowMs);
  if (partition.primary === NO_MEMBER || !partition.isr.includes(slot)) return partition;
  const isr = partition.isr.filter((other) => other !== slot);
  return { ...partition, isr, eligible: [...partition.eligible, slot] };
}

function withFailure(failuresMs: readonly number[], nowMs: number): readonly number[] {
  return [...failuresMs.filter((ms) => Math.abs(nowMs - ms) < 2 * FLAPPING_MS), nowMs].slice(-FAILURES_KEPT);
}

function comeUp(draft: BookDraft, member: BookMember, nowMs: number): void {
  if (member.health !== 'down') return;
  draft.members[member.slot] = { ...member, health: 'up' };
  draft.changePartitions((partition) => {
    const canBePrimary = partition.primary === NO_MEMBER && electorateOf(partition).includes(member.slot);
    return canBePrimary ? elect(partition, draft, nowMs) : partition;
  });
}

export function leave(draft: BookDraft, command: LeaveCommand): string | null {
  const member = named(draft, command);
  if (typeof member === 'string') return member;
  if (command.kind === 'remove') {
    const refusal = removal(draft, member);
    if (refusal === null) takeOff(draft, member, command.nowMs);
    return refusal;
  }
  if (member.health === 'down') return `${member.address} is down`;
  if (member.health === 'up') draft.members[member.slot] = { ...member, health: 'leaving' };
  return null;
}

/** Why the member cannot be taken off the book; null: it can. */
function removal(draft: BookDraft, member: BookMember): string | null {
  if (member.health === 'down') return null;
  const isKeeper = draft.before.partitions.some((partition) => electorateOf(partition).includes(member.slot));
  return isKeeper ? `${member.address} still keeps partitions` : null;
}

function takeOff(draft: BookDraft, member: BookMember, nowMs: number): void {
  draft.members[member.slot] = null;
  draft.changePartitions((partition) => fenced(partition, draft, member, nowMs, ORPHANS_GONE_MS));
}
