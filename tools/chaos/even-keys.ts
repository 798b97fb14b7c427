/** Keys spread evenly over the partitions, so that each is asked as often as the others and a silence means something. */
import { dataKey } from '../loadgen/keys.ts';
import { partitionOfKey } from './watched-requests.ts';

/** Indexes of `count` data keys, from `first` on, of which each partition has as many as the others or one more. */
export function evenKeys(first: number, count: number, partitions: number): number[] {
  const each = Math.floor(count / partitions);
  const taken: number[] = new Array(partitions).fill(0);
  let extra = count - each * partitions;
  const indexes: number[] = [];
  for (let index = first; indexes.length < count; index += 1) {
    const partition = partitionOfKey(dataKey(index), partitions);
    const before = taken[partition] as number;
    if (before > each || (before === each && extra === 0)) continue;
    if (before === each) extra -= 1;
    taken[partition] = before + 1;
    indexes.push(index);
  }
  return indexes;
}
