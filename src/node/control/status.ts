/** The control plane as people see it. */
import type { ClusterMember } from './cluster-member.ts';
import type { ControlStatus } from './host.ts';
import type { StateKeeper } from './state-keeper.ts';
import type { Waiting } from './waiting.ts';

export function controlStatus(
  { keeper, waiting }: { readonly keeper: StateKeeper; readonly waiting: Waiting },
  member: ClusterMember | null,
  hasFailed: boolean,
): ControlStatus {
  const raft = member?.raft;
  const names = (ids: readonly number[] = []): string[] => ids.map((id) => member?.nameOf(id) ?? '');
  const stateOfMember = member?.isTakenIn ? 'member' : 'joining';
  return {
    nodeId: keeper.nodeId,
    clusterId: keeper.clusterId,
    state: hasFailed ? 'failed' : member === null ? 'founding' : stateOfMember,
    waitsFor: waiting.cause,
    directory: keeper.path,
    role: raft?.role ?? 'none',
    term: raft?.term ?? 0,
    leader: member?.leaderAddress ?? '',
    voters: names(member?.configuration.voters),
    learners: names(member?.configuration.learners),
    bookVersion: member?.book?.version ?? 0,
    commit: raft?.commit ?? 0,
    applied: raft?.applied ?? 0,
    lastIndex: raft?.lastIndex ?? 0,
    lastTerm: member?.lastTerm ?? 0,
    logBytes: raft?.logBytes ?? 0,
    leaderChanges: member?.leadership.changes ?? 0,
    withoutLeaderMs: member?.leadership.withoutLeaderMs ?? 0,
  };
}
