/** Which primaries go where: away from one node, so that those who take them have about equally many afterwards. */
import type { MemberFacts, PartitionFacts } from '../../protocol/cluster-facts.ts';
import { usage } from '../shared/values.ts';

export interface Move {
  readonly partition: number;
  readonly to: string;
}

export interface TransferPlan {
  readonly moves: readonly Move[];
  /** Partitions that nobody else can take now, and why. */
  readonly stuck: readonly { readonly partition: number; readonly reason: string }[];
}

/**
 * `to`: only there. Takers are members that are up and in sync; whoever has the fewest primaries comes first.
 * @throws KeyvalError KV_USAGE for an address that is no member
 */
export function planTransfers(
  members: readonly MemberFacts[],
  partitions: readonly PartitionFacts[],
  from: string,
  to?: string,
): TransferPlan {
  for (const address of [from, ...(to === undefined ? [] : [to])]) checkMember(members, address);
  if (from === to) throw usage('--to is the same node as --all-from');
  const load = new Map(members.filter((one) => one.health === 'up').map((one) => [one.address, one.primaries]));
  const moves: Move[] = [];
  const stuck: { partition: number; reason: string }[] = [];
  for (const { partition, primary, inSync } of partitions) {
    if (primary !== from) continue;
    const takers = inSync.filter((address) => address !== from && load.has(address) && (to ?? address) === address);
    const taker = takers.reduce<string | null>((best, one) => lighter(load, best, one), null);
    if (taker === null) {
      const reason =
        to === undefined ? 'nobody else who is up holds all of it' : `${to} is not up, or does not hold all of it`;
      stuck.push({ partition, reason });
      continue;
    }
    load.set(taker, (load.get(taker) as number) + 1);
    moves.push({ partition, to: taker });
  }
  return { moves, stuck };
}

function checkMember(members: readonly MemberFacts[], address: string): void {
  if (members.some((one) => one.address === address)) return;
  const known = members.map((one) => one.address).join(', ');
  throw usage(`${address} is not a member of the cluster; there are ${known}`);
}

function lighter(load: ReadonlyMap<string, number>, best: string | null, one: string): string {
  if (best === null) return one;
  return (load.get(one) as number) < (load.get(best) as number) ? one : best;
}
