/** Two nodes join only when they were started with the same cluster in mind; otherwise both print the difference. */
import { KeyvalError } from '../errors.ts';
import type { PeerHello } from '../protocol/hello-codec.ts';

export interface PeerIdentity {
  readonly address: string;
  readonly partitions: number;
  readonly replicas: number;
  readonly members: readonly string[];
}

/** @throws KeyvalError KV_CONFIG_MISMATCH saying what differs */
export function checkPeerHello(theirs: PeerHello, ours: PeerIdentity): void {
  const differences = [
    ...memberDifferences(theirs, ours),
    ...difference('--partitions', theirs.partitions, ours.partitions),
    ...difference('--replicas', theirs.replicas, ours.replicas),
  ];
  if (theirs.address === ours.address) differences.push(`both say that they are ${ours.address}`);
  if (differences.length === 0) return;
  throw new KeyvalError(
    'KV_CONFIG_MISMATCH',
    `${theirs.address} and ${ours.address} were started differently: ${differences.join('; ')}`,
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
