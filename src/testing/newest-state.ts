/** What is committed is what some replica has applied: of a partition's states the one that has come furthest. */
import type { PartitionReplica } from '../node/partition-replica.ts';
import type { PartitionState } from '../node/partition-state.ts';
import type { SimCluster } from './sim-cluster.ts';

export function newestStateOf({ seats }: SimCluster, partition: number): PartitionState | null {
  let newest: PartitionState | null = null;
  for (const { node } of seats) {
    const state = node?.dataPlane.partitions.replicas[partition]?.state ?? null;
    if (state === null) continue;
    const isNewer =
      newest === null ||
      state.appliedEpoch > newest.appliedEpoch ||
      (state.appliedEpoch === newest.appliedEpoch && state.appliedOperation > newest.appliedOperation);
    if (isNewer) newest = state;
  }
  return newest;
}

/**
 * The same, where nothing is on its way: null while the newest log of the partition has entries that are not applied. What was
 * answered is in it, but with the death of its primary it may be applied nowhere for a moment.
 */
export function settledStateOf({ seats }: SimCluster, partition: number): PartitionState | null {
  let newest: PartitionReplica | null = null;
  for (const { node } of seats) {
    const replica = node?.dataPlane.partitions.replicas[partition] ?? null;
    if (replica !== null && (newest === null || isBehind(newest, replica))) newest = replica;
  }
  return newest === null || newest.applied < newest.log.next ? null : newest.state;
}

function isBehind(
  { replica: { last: one } }: PartitionReplica,
  { replica: { last: other } }: PartitionReplica,
): boolean {
  return one.epoch < other.epoch || (one.epoch === other.epoch && one.operation < other.operation);
}
