/** What is committed is what some replica has applied: of a partition's states the one that has come furthest. */
import type { PartitionReplica } from '../node/partition-replica.ts';
import type { PartitionState } from '../node/partition-state.ts';
import type { SimCluster } from './sim-cluster.ts';

export function newestStateOf(cluster: SimCluster, partition: number): PartitionState | null {
  return furthestOf(cluster, partition, ({ state }) => [state.appliedEpoch, state.appliedOperation])?.state ?? null;
}

/**
 * The same, where nothing is on its way: null while the newest log of the partition has entries that are not applied. What was
 * answered is in it, but with the death of its primary it may be applied nowhere for a moment.
 */
export function settledStateOf(cluster: SimCluster, partition: number): PartitionState | null {
  const newest = furthestOf(cluster, partition, ({ replica: { last } }) => [last.epoch, last.operation]);
  return newest === null || newest.applied < newest.log.next ? null : newest.state;
}

/** The first of the replicas of which `placeOf` gives the latest place: epoch and operation. */
function furthestOf(
  { seats }: SimCluster,
  partition: number,
  placeOf: (replica: PartitionReplica) => readonly [number, number],
): PartitionReplica | null {
  let furthest: PartitionReplica | null = null;
  let [epoch, operation] = [0, 0];
  for (const { node } of seats) {
    const replica = node?.dataPlane.partitions.replicas[partition] ?? null;
    if (replica === null) continue;
    const [itsEpoch, itsOperation] = placeOf(replica);
    if (furthest !== null && (itsEpoch < epoch || (itsEpoch === epoch && itsOperation <= operation))) continue;
    [furthest, epoch, operation] = [replica, itsEpoch, itsOperation];
  }
  return furthest;
}
