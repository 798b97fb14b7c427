/** What is committed is what some replica has applied: of a partition's states the one that has come furthest. */
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
