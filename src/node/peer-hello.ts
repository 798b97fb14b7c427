/**
 * Two nodes join when they belong to one cluster; or when one of them does, and the other wants to join it; or when
 * neither does, and both were started with the same cluster in mind. Otherwise both print the difference.
 */
import { KeyvalError } from '../errors.ts';
import type { PeerHello } from '../protocol/hello-codec.ts';
import { areOfOneCluster } from './control/reform.ts';

export interface PeerIdentity {
  readonly address: string;
  /** 48 bits; see raft/identity.ts. */
  readonly nodeId: number;
  /** Of the cluster that it belongs to; '': none yet. */
  readonly clusterId: string;
  readonly partitions: number;
  readonly replicas: number;
  readonly members: readonly string[];
}

/** @throws KeyvalError KV_CONFIG_MISMATCH, KV_WRONG_CLUSTER saying what differs */
export function checkPeerHello(theirs: PeerHello, ours: PeerIdentity): void {
  if (theirs.address === ours.address) {
    throw new KeyvalError('KV_CONFIG_MISMATCH', `both say that they are ${ours.address}`);
  }
  checkClusters(theirs.address, theirs.clusterId, ours.clusterId);
  if (theirs.clusterId !== '' || ours.clusterId !== '') return;
  const differences = [
    ...memberDifferences(theirs, ours),
    ...difference('--partitions', theirs.partitions, ours.partitions),
    ...difference('--replicas', theirs.replicas, ours.replicas),
  ];
  if (differences.length === 0) return;
  throw new KeyvalError(
    'KV_CONFIG_MISMATCH',
    `${theirs.address} and ${ours.address} were started differently: ${differences.join('; ')}`,
  );
}

/** @throws KeyvalError KV_WRONG_CLUSTER: two clusters never become one */
export function checkClusters(address: string, theirs: string, ours: string): void {
  if (theirs === '' || ours === '' || theirs === ours) return;
  if (areOfOneCluster(theirs, ours)) throw reformed(address, theirs, ours);
  throw new KeyvalError(
    'KV_WRONG_CLUSTER',
    `${address} belongs to the cluster ${theirs}, this node to ${ours}; check --peers and --data of both: two clusters never become one`,
  );
}

function reformed(address: string, theirs: string, ours: string): KeyvalError {
  return new KeyvalError(
    'KV_WRONG_CLUSTER',
    `the cluster was reformed (keyval cluster reform): ${address} belongs to ${theirs}, this node to ${ours}, and these ` +
      'are two histories that never become one; of the node that is not to go on with its own (the id with ~ is the ' +
      'reformed one) move the state directory away (--data), then start it again with an empty one',
  );
}

function memberDifferences(theirs: PeerHello, ours: PeerIdentity): string[] {
  const onlyTheirs = theirs.members.filter((member) => !ours.members.includes(member));
  const onlyOurs = ours.members.filter((member) => !theirs.members.includes(member));
  const found: string[] = [];
  if (onlyTheirs.length > 0) found.push(`--peers of ${theirs.address} has ${onlyTheirs.join(', ')} besides`);
  if (onlyOurs.length > 0) found.push(`--peers of ${ours.address} has ${onlyOurs.join(', ')} besides`);
  if (found.length === 0 && !ours.members.includes(theirs.address)) {
    found.push(`${theirs.address} is not among the --peers`);
  }
  return found;
}

function difference(option: string, theirs: number, ours: number): string[] {
  return theirs === ours ? [] : [`${option} is ${theirs} there and ${ours} here`];
}
