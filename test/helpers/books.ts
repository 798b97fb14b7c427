/** Books for tests, and the control plane's own words about them. */
import type { Book, BookMember, BookPartition } from '../../src/cluster/book.ts';
import { foundBook } from '../../src/cluster/founding-book.ts';
import type { ControlStatus } from '../../src/node/control/host.ts';

export interface BookSketch {
  readonly addresses: readonly string[];
  readonly partitions?: number;
  readonly replicas?: number;
  readonly min?: number;
  /** Addresses of members that are witnesses. */
  readonly witnesses?: readonly string[];
}

/** As it is right after the founding, in 2023. */
export function bookOf({ addresses, partitions = 4, replicas = 3, min = 2, witnesses = [] }: BookSketch): Book {
  return foundBook({
    clusterId: 'c1u573r',
    clusterName: 'keyval',
    foundedAtSeconds: 1_700_000_000,
    partitions,
    replicas,
    min,
    maxLeaseMs: 60_000,
    onLoss: 'stop',
    isNew: true,
    members: addresses.map((address, index) => ({
      id: index + 1,
      incarnation: `${index + 1}`.padStart(16, '0'),
      address,
      zone: '',
      role: witnesses.includes(address) ? 'witness' : 'data',
    })),
  });
}

/** The same with changes to one member. */
export function withMember(book: Book, slot: number, changes: Partial<BookMember>): Book {
  const members = book.members.map((member) => (member?.slot === slot ? { ...member, ...changes } : member));
  return { ...book, version: book.version + 1, members };
}

/** The same with changes to one partition. */
export function withPartition(book: Book, partition: number, changes: Partial<BookPartition>): Book {
  const version = book.version + 1;
  const partitions = book.partitions.map((entry, index) =>
    index === partition ? { ...entry, version, ...changes } : entry,
  );
  return { ...book, version, partitions };
}

/** Of a follower in a cluster whose first member leads and whose first three vote. */
export function controlOf(book: Book | null, changes: Partial<ControlStatus> = {}): ControlStatus {
  const addresses = book === null ? [] : book.members.flatMap((member) => (member === null ? [] : [member.address]));
  return {
    nodeId: 1,
    clusterId: book?.settings.clusterId ?? '',
    state: book === null ? 'founding' : 'member',
    waitsFor: '',
    directory: '/var/lib/keyval',
    role: 'follower',
    term: 3,
    leader: addresses[0] ?? '',
    voters: addresses.slice(0, 3),
    learners: addresses.slice(3),
    bookVersion: book?.version ?? 0,
    commit: 41,
    applied: 41,
    lastIndex: 42,
    lastTerm: 3,
    logBytes: 4096,
    leaderChanges: 1,
    withoutLeaderMs: 0,
    ...changes,
  };
}
