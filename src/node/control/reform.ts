/**
 * Reforming a cluster whose voters are lost for good (`keyval cluster reform`): an operator's act, which makes one node the
 * only voter. It goes on with everything that stands in its log, committed or not, as a new leader of the former cluster
 * would have done. From then on it is another history of the same cluster, under another id: whoever belongs to the former
 * one is refused at the login and cannot win against it, however many come back.
 */
import { hexOf } from '../../base/bytes.ts';
import type { Random } from '../../base/ports.ts';
import type { Book } from '../../cluster/book.ts';
import { ORPHANS_GONE_MS } from '../../cluster/membership-changes.ts';
import { REFORM_MARK } from '../../protocol/control-codec.ts';
import { type DurableState, type Entry, EntryKind, NOBODY, type NodeId, type Ready } from '../../raft/messages.ts';
import type { RaftStatus } from '../../raft/raft.ts';
import { applyCommand, decodeCommand, encodeBook } from './book-machine.ts';

/** Two reforms of one cluster are told apart. */
const RANDOM_BYTES = 4;

/** What is known of the others; monotonic milliseconds. */
export interface Silence {
  readonly nowMs: number;
  /** When this node began to listen. */
  readonly startedMs: number;
  /** When a commander was heard last; −∞: never. */
  readonly commanderHeardMs: number;
  /** When a member was linked last; −∞: never. */
  readonly linkedMs: number;
  /** Addresses of members that are linked now. */
  readonly linked: readonly string[];
}

/**
 * R9: why it must not be yet, in words; null: it may. A member that still hears a commander, or thinks that it did a
 * moment ago, may be serving what would be begun anew here.
 */
export function obstacleToReform({ nowMs, startedMs, commanderHeardMs, linkedMs, linked }: Silence): string | null {
  if (linked.length > 0) {
    const names = linked.join(', ');
    return `${names} ${linked.length === 1 ? 'is' : 'are'} linked; stop every other member of the cluster for good first`;
  }
  const sinceMs = nowMs - Math.max(startedMs, commanderHeardMs, linkedMs);
  if (sinceMs >= ORPHANS_GONE_MS) return null;
  const waitSeconds = Math.ceil((ORPHANS_GONE_MS - sinceMs) / 1000);
  return (
    'a member that is cut off from this node may be serving yet, because it heard a commander a short while ago; ' +
    `ask again in ${waitSeconds} s`
  );
}

/** `0e0f101112131415~1-4f2a90c3`: the first reform of cluster 0e0f101112131415. */
export function nextClusterId(clusterId: string, random: Random): string {
  const [first = '', reform = ''] = clusterId.split(REFORM_MARK);
  const bytes = new Uint8Array(RANDOM_BYTES);
  random.fill(bytes);
  return `${first}${REFORM_MARK}${Number.parseInt(reform || '0', 10) + 1}-${hexOf(bytes)}`;
}

/** Whether one of the two was reformed from the other, or both from a third. */
export function areOfOneCluster(one: string, other: string): boolean {
  return one.split(REFORM_MARK)[0] === other.split(REFORM_MARK)[0];
}

export interface ReformedCluster {
  /** Everybody else is down from now on: they have been silent for so long, or are stopped for good. */
  readonly self: NodeId;
  readonly clusterId: string;
  readonly unixMs: number;
}

/** The book with all that the log says, changed to begin the new history; null: an entry is of a newer version. */
export function reformedBook(book: Book, unapplied: readonly Entry[], reform: ReformedCluster): Book | null {
  let last = book;
  for (const { kind, data } of unapplied) {
    if (kind !== EntryKind.command) continue;
    const command = decodeCommand(data);
    if (command === null) return null;
    last = applyCommand(last, command).book;
  }
  return newHistory(withoutOthers(last, reform), reform);
}

/** In one step with the rest: for a moment a new commander would think that they are there, and may give them partitions. */
function withoutOthers(book: Book, { self, unixMs }: ReformedCluster): Book {
  const others = book.members.filter((member) => member !== null).filter(({ id }) => id !== self);
  const nowMs = Math.floor(unixMs);
  return others.reduce(
    (last, { slot, incarnation }) => applyCommand(last, { kind: 'down', slot, incarnation, nowMs }).book,
    book,
  );
}

/**
 * Epochs go on from the present time, as those of a founding do: whatever tokens the lost ones have granted without this
 * node, later ones are larger. And what locks they have granted nobody knows: no lock before the longest lease is over.
 */
function newHistory(book: Book, { clusterId, unixMs }: ReformedCluster): Book {
  const version = book.version + 1;
  const epochNow = Math.floor(unixMs / 1000);
  const locksFromMs = Math.floor(unixMs) + book.settings.maxLeaseMs;
  const partitions = book.partitions.map((partition) => {
    const epoch = Math.max(partition.epoch + 1, epochNow);
    return { ...partition, version, epoch, locksFromMs: Math.max(partition.locksFromMs, locksFromMs) };
  });
  return { ...book, version, settings: { ...book.settings, clusterId }, partitions };
}

/** The state of the only voter: everything up to its last entry is in the snapshot, and a new term begins. */
export function reformedState(
  book: Book,
  { term, lastIndex }: RaftStatus,
  lastTerm: number,
  self: NodeId,
): DurableState {
  const configuration = { voters: [self], learners: [] };
  const snapshot = { index: lastIndex, term: lastTerm, configuration, data: encodeBook(book) };
  return { hardState: { term: term + 1, vote: NOBODY, commit: lastIndex }, snapshot, entries: [] };
}

/** As if a leader had sent it: one step on the disk, and the former log is gone. */
export function readyOf({ hardState, snapshot }: DurableState): Ready {
  return { hardState, snapshot, isInstalled: true, entries: [], messages: [], committed: [], reads: [] };
}
