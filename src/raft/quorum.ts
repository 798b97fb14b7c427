/**
 * Majorities. Each question about one is the same question: the largest value that more than half of the voters have
 * reached. For match indexes it is the commit index (Raft §5.4), for rounds of heartbeats what is confirmed (thesis 6.4),
 * for the times they were last heard when a majority was there (thesis 6.2).
 */

import type { NodeId } from './messages.ts';

export function majorityOf(voters: number): number {
  return Math.floor(voters / 2) + 1;
}

/** The largest value that a majority of `voters` has reached; −∞ where there are none: nobody decides nothing. */
export function reachedByMajority(voters: readonly NodeId[], reached: (voter: NodeId) => number): number {
  if (voters.length === 0) return Number.NEGATIVE_INFINITY;
  const values = voters.map(reached).sort((a, b) => b - a);
  return values[majorityOf(voters.length) - 1] as number;
}

export type Tally = 'won' | 'lost' | 'open';

/** How an election stands; `votes` may hold nodes that have no vote, they do not count. */
export function tally(voters: readonly NodeId[], votes: ReadonlyMap<NodeId, boolean>): Tally {
  const needed = majorityOf(voters.length);
  const granted = voters.filter((voter) => votes.get(voter) === true).length;
  const refused = voters.filter((voter) => votes.get(voter) === false).length;
  if (voters.length > 0 && granted >= needed) return 'won';
  return voters.length - refused < needed ? 'lost' : 'open';
}
