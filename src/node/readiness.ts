/** Whether a node is where it is to be (/readyz): taken in, in sync wherever it is to keep keys, its partitions served. */
import { type Book, NO_MEMBER } from '../cluster/book.ts';
import type { ControlStatus } from './control/host.ts';
import type { PartitionPrimary } from './partition-primary.ts';
import type { Roster } from './roster.ts';

/** An election takes less. */
const NO_COMMANDER_MS = 3000;

export interface ReadinessSource {
  readonly book: Book | null;
  readonly roster: Roster;
  readonly primaries: readonly (PartitionPrimary | null)[];
  readonly nowMs: number;
  /** Monotonic; −∞: none yet. */
  readonly commanderHeardMs: number;
  controlStatus(): ControlStatus;
}

/** Reasons why not; none: it is. */
export function readiness(source: ReadinessSource): string[] {
  const { book, roster, primaries } = source;
  if (book === null || roster.self === NO_MEMBER) return [waiting(source.controlStatus())];
  const { self } = roster;
  const behind = book.partitions.filter(({ target, isr }) => target.includes(self) && !isr.includes(self)).length;
  const reasons: string[] = [];
  const silentMs = Math.round(source.nowMs - source.commanderHeardMs);
  if (silentMs > NO_COMMANDER_MS)
    reasons.push(`no commander was heard for ${silentMs} ms: is a majority of the voters gone?`);
  if (behind > 0) reasons.push(`${behind} partitions that this node is to keep are not in sync here yet`);
  const own = book.partitions.flatMap(({ primary }, partition) => (primary === self ? [partition] : []));
  const stuck = own.find((partition) => primaries[partition]?.writable !== true);
  if (stuck !== undefined) {
    reasons.push(primaries[stuck]?.obstacle() ?? `partition ${stuck}: its reign here has not begun yet`);
  }
  const orphaned = book.partitions.findIndex(({ primary }) => primary === NO_MEMBER);
  if (orphaned >= 0) reasons.push(`partition ${orphaned} has no primary`);
  return reasons;
}

function waiting({ waitsFor }: ControlStatus): string {
  return waitsFor === '' ? 'the cluster has not taken this node in yet' : `waits for ${waitsFor}`;
}
