/** The cluster of a fuzzed node: the other founders say what makes it found one with them, without any node behind them. */
import { ByteWriter } from '../../../src/base/byte-writer.ts';
import { hexOf } from '../../../src/base/bytes.ts';
import { encodeFoundingSet, type Founder } from '../../../src/protocol/control-codec.ts';
import { FNDC, FNDQ } from '../../../src/protocol/opcode.ts';
import { bytes, frame } from './frames.ts';
import { CLUSTER, type FuzzedNode, MEMBERS, MEMBERS_PARTITIONS } from './fuzzed-node.ts';
import { FIRST_EPOCH } from './manual-time.ts';

const CLUSTER_ID = 'c1c2c3c4c5c6c7c8';
/** Of the other members. */
export const INCARNATION: Uint8Array = new Uint8Array(8).fill(1);

export function nodeIdOf(member: number): number {
  return 1001 + member;
}

/** What the first member says on its control link, so that the last one, which is `node`, founds a cluster with all. */
export function founding({ node }: FuzzedNode): Uint8Array {
  const { identity } = node;
  const founders = MEMBERS.map((address, member): Founder => {
    const isSelf = address === identity.address;
    return {
      address,
      nodeId: isSelf ? identity.nodeId : nodeIdOf(member),
      incarnation: hexOf(isSelf ? identity.incarnation : INCARNATION),
      zone: '',
      role: 'data',
      isVolatile: false,
      mayVote: true,
    };
  });
  const { min, maxLeaseMs, onLoss, replicas, isNew } = identity;
  const settings = { clusterName: CLUSTER, partitions: MEMBERS_PARTITIONS, replicas, min, maxLeaseMs, onLoss, isNew };
  const set = new ByteWriter();
  encodeFoundingSet(set, { clusterId: CLUSTER_ID, attempt: 1, foundedAtSeconds: FIRST_EPOCH, settings, founders });
  return bytes(frame(FNDQ, 0, set.finish()), frame(FNDC, 0, Buffer.from(CLUSTER_ID, 'hex')));
}
