/** Hand-overs as an operator asks for them: begun one after the other, and waited for together. */
import type { ClusterAdmin } from '../../client/cluster-admin.ts';
import { KeyvalError } from '../../errors.ts';
import { systemClock } from '../../io/clock.ts';
import type { TransferAnswer } from '../../protocol/cluster-facts.ts';
import { pause } from '../bulk/pace.ts';
import { counted } from './text.ts';
import { planTransfers } from './transfer-plan.ts';

const LOOK_AGAIN_MS = 50;

/** One partition, or all that a node is primary of. */
export interface Wish {
  readonly what: { readonly partition: number } | { readonly allFrom: string };
  readonly to: string | undefined;
}

export interface Outcome {
  readonly partition: number;
  /** Addresses; not of one that nobody could take. */
  readonly from?: string;
  readonly to?: string;
  readonly moved: boolean;
  /** Why it was not. */
  readonly reason: string | null;
}

/** @throws KeyvalError KV_USAGE, and KV_NO_QUORUM for a single partition that cannot be moved */
export async function handOver(admin: ClusterAdmin, { what, to }: Wish, waitMs: number): Promise<Outcome[]> {
  const { begun, refused } =
    'partition' in what
      ? { begun: [await admin.transfer(what.partition, to)], refused: [] }
      : await beginAll(admin, what.allFrom, to);
  const late = new Set(await lateOnes(admin, begun, waitMs));
  const ended = begun.map((one): Outcome => {
    const isLate = late.has(one);
    return { ...one, moved: !isLate, reason: isLate ? 'not done in time' : null };
  });
  return [...ended, ...refused].sort((one, other) => one.partition - other.partition);
}

interface Beginning {
  readonly begun: readonly TransferAnswer[];
  readonly refused: readonly Outcome[];
}

async function beginAll(admin: ClusterAdmin, from: string, to: string | undefined): Promise<Beginning> {
  const [{ members }, partitions] = await Promise.all([admin.members(), admin.partitions()]);
  const { moves, stuck } = planTransfers(members, partitions, from, to);
  const begun: TransferAnswer[] = [];
  const refused: Outcome[] = stuck.map((one) => ({ ...one, from, moved: false }));
  for (const move of moves) {
    try {
      begun.push(await admin.transfer(move.partition, move.to));
    } catch (error) {
      // It may have moved, or lost its copy there, since the plan was made.
      if (!(error instanceof KeyvalError)) throw error;
      refused.push({ ...move, from, moved: false, reason: error.message });
    }
  }
  return { begun, refused };
}

/** Those that the book does not show in time. */
async function lateOnes(
  admin: ClusterAdmin,
  begun: readonly TransferAnswer[],
  waitMs: number,
): Promise<readonly TransferAnswer[]> {
  const untilMs = systemClock.monotonicMs() + waitMs;
  const { signal } = new AbortController();
  for (let waiting = begun; ; ) {
    if (waiting.length === 0) return waiting;
    const primaries = new Map((await admin.partitions()).map(({ partition, primary }) => [partition, primary]));
    waiting = waiting.filter(({ partition, to }) => primaries.get(partition) !== to);
    if (waiting.length === 0 || systemClock.monotonicMs() > untilMs) return waiting;
    await pause(LOOK_AGAIN_MS, signal);
  }
}

export function handOversText(outcomes: readonly Outcome[]): string {
  if (outcomes.length === 0) return 'nothing to move: the node is primary of no partition';
  const moved = outcomes.filter((one) => one.moved);
  const rest = outcomes.filter((one) => !one.moved).map(({ partition, reason }) => `partition ${partition}: ${reason}`);
  const [first] = moved;
  if (outcomes.length === 1 && first !== undefined)
    return `partition ${first.partition} moved from ${first.from} to ${first.to}`;
  const takers = [...Map.groupBy(moved, ({ to }) => to ?? '')].map(([to, list]) => `${list.length} to ${to}`);
  const summary = `moved ${counted(moved.length, 'partition')}${takers.length === 0 ? '' : `: ${takers.join(', ')}`}`;
  return [summary, ...rest].join('\n');
}
