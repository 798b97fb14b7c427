/** The book and the control plane as operators see them. Addresses stand for slots. */
import { type Book, type BookMember, type BookPartition, NO_MEMBER } from '../cluster/book.ts';
import { canLose, dataMembers, isUpKeeper, learnersOf, memberIn, minOf } from '../cluster/electorate.ts';
import type {
  ClusterSummary,
  MemberFacts,
  NodeInCluster,
  PartitionFacts,
  PartitionState,
} from '../protocol/cluster-facts.ts';
import type { ControlStatus } from './control/host.ts';

const MS_PER_SECOND = 1000;

export function nodeInCluster(address: string, control: ControlStatus): NodeInCluster {
  const { state, waitsFor, role, term, lastIndex, lastTerm, commit, leader, bookVersion, directory } = control;
  return {
    address,
    state,
    waitsFor,
    role,
    term,
    lastIndex,
    lastTerm,
    commit,
    commander: leader,
    bookVersion,
    directory,
  };
}

export function clusterSummary(book: Book, { voters }: ControlStatus): ClusterSummary {
  const { settings, version, partitions } = book;
  const members = membersOf(book);
  const states = partitions.map((partition) => stateOf(book, partition));
  const inState = (state: PartitionState): number => states.filter((one) => one === state).length;
  const inHealth = (health: BookMember['health']): number => members.filter((one) => one.health === health).length;
  return {
    id: settings.clusterId,
    name: settings.clusterName,
    foundedAtMs: settings.foundedAtSeconds * MS_PER_SECOND,
    bookVersion: version,
    voters,
    members: {
      total: members.length,
      up: inHealth('up'),
      down: inHealth('down'),
      leaving: inHealth('leaving'),
      witnesses: members.filter(({ role }) => role === 'witness').length,
    },
    partitions: {
      total: partitions.length,
      ok: inState('ok'),
      incomplete: inState('incomplete'),
      belowMin: inState('below-min'),
      withoutPrimary: inState('no-primary'),
      lost: inState('lost'),
    },
    settings: {
      replicas: settings.replicas,
      min: minOf(book),
      maxLeaseMs: settings.maxLeaseMs,
      onLoss: settings.onLoss,
    },
    canLose: canLose(book),
    goesOnWithout: goesOnWithout(book, voters),
  };
}

/** Voters must keep their majority, and every partition as many in-sync members as may commit. */
function goesOnWithout(book: Book, voters: readonly string[]): number {
  const isUp = (address: string): boolean =>
    membersOf(book).some((one) => one.address === address && one.health === 'up');
  const spareVotes = voters.filter(isUp).length - (Math.floor(voters.length / 2) + 1);
  const least = minOf(book);
  const spares = book.partitions.map((partition) =>
    partition.primary === NO_MEMBER ? 0 : partition.isr.filter((slot) => isUpKeeper(book, slot)).length - least,
  );
  return Math.max(0, Math.min(spareVotes, ...new Set(spares)));
}

export function stateOf(book: Book, partition: BookPartition): PartitionState {
  if (partition.lost !== null) return 'lost';
  if (partition.primary === NO_MEMBER) return 'no-primary';
  if (partition.isr.length < minOf(book)) return 'below-min';
  const wanted = Math.min(book.settings.replicas, dataMembers(book).length);
  return partition.isr.length < wanted ? 'incomplete' : 'ok';
}

export function memberFacts(book: Book, { voters, leader }: ControlStatus): MemberFacts[] {
  const learners = book.partitions.map((partition) => learnersOf(book, partition));
  return membersOf(book)
    .sort((one, other) => one.joinedAt - other.joinedAt || one.slot - other.slot)
    .map(({ slot, address, zone, role, health, incarnation, joinedAt }) => ({
      slot,
      address,
      zone,
      role,
      health,
      incarnation,
      isCommander: address === leader,
      isVoter: voters.includes(address),
      primaries: book.partitions.filter(({ primary }) => primary === slot).length,
      replicas: book.partitions.filter(({ isr }) => isr.includes(slot)).length,
      learning: learners.filter((slots) => slots.includes(slot)).length,
      joinedAt,
    }));
}

export function partitionFacts(book: Book, partition: number): PartitionFacts {
  const entry = book.partitions[partition] as BookPartition;
  const addresses = (slots: readonly number[]): string[] => slots.map((slot) => addressOf(book, slot));
  const { version, epoch, primary, isr, eligible, target, lost } = entry;
  return {
    partition,
    state: stateOf(book, entry),
    version,
    epoch,
    primary: primary === NO_MEMBER ? null : addressOf(book, primary),
    inSync: addresses(isr),
    eligible: addresses(eligible),
    target: addresses(target),
    lost: lost === null ? null : { sinceMs: lost.sinceMs, keepers: lost.keepers },
  };
}

export function addressOf(book: Book, slot: number): string {
  return memberIn(book, slot)?.address ?? `slot ${slot}, which nobody has`;
}

function membersOf(book: Book): BookMember[] {
  return book.members.filter((member) => member !== null);
}
