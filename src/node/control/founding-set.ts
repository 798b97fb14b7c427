/** Founding sets: making one, comparing it with what this node was started with, and when a promise binds no longer. */
import { hexOf } from '../../base/bytes.ts';
import type { Random } from '../../base/ports.ts';
import {
  CLUSTER_ID_BYTES,
  type Founder,
  type FoundingSet,
  type FoundingSettings,
} from '../../protocol/control-codec.ts';
import type { Configuration } from '../../raft/messages.ts';
import type { ControlIdentity } from './host.ts';
import type { LinkedPeer, LinkedPeers } from './linked-peers.ts';

/** More voters would not survive more, but make every entry wait for more of them. */
const VOTERS_MAX = 7;

export interface Own {
  readonly identity: ControlIdentity;
  readonly nodeId: number;
  readonly isVolatile: boolean;
}

export function settingsOf(identity: ControlIdentity): FoundingSettings {
  const { cluster, partitions, replicas, min, maxLeaseMs, onLoss, isNew } = identity;
  return { clusterName: cluster, partitions, replicas, min, maxLeaseMs, onLoss, isNew };
}

export function founderOf({ identity, nodeId, isVolatile }: Own): Founder {
  const { address, zone, role, isNew } = identity;
  const incarnation = hexOf(identity.incarnation);
  return { address, nodeId, incarnation, zone, role, isVolatile, mayVote: !isVolatile || isNew };
}

export function drawClusterId(random: Random): string {
  const bytes = new Uint8Array(CLUSTER_ID_BYTES);
  random.fill(bytes);
  return hexOf(bytes);
}

export function isEqualList(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((address, place) => address === other[place]);
}

function addressesOf({ founders }: FoundingSet): string[] {
  return founders.map(({ address }) => address);
}

/** Which settings of a founding set are not those of this node; '' none. */
export function differingSettings({ settings }: FoundingSet, identity: ControlIdentity): string {
  const own = settingsOf(identity);
  const options = [
    ['--cluster', settings.clusterName, own.clusterName],
    ['--partitions', settings.partitions, own.partitions],
    ['--replicas', settings.replicas, own.replicas],
    ['--min', settings.min, own.min],
    ['--max-lease (ms)', settings.maxLeaseMs, own.maxLeaseMs],
    ['--on-loss', settings.onLoss, own.onLoss],
  ] as const;
  const differing = options.filter(([, theirs, ours]) => theirs !== ours);
  return differing.map(([option, theirs, ours]) => `${option} ${theirs} there, ${ours} here`).join('; ');
}

/** Whether the promise of the asker itself is still what it would ask for now. */
export function isCurrent(set: FoundingSet, own: Own, peers: LinkedPeers): boolean {
  const { identity } = own;
  if (!isEqualList(addressesOf(set), identity.founders)) return false;
  if (differingSettings(set, identity) !== '' || set.settings.isNew !== identity.isNew) return false;
  return set.founders.every(({ address, nodeId }) => nodeId === (nodeAt(address, own, peers) ?? nodeId));
}

function nodeAt(address: string, { identity, nodeId }: Own, peers: LinkedPeers): number | null {
  return address === identity.address ? nodeId : (peers.at(address)?.nodeId ?? null);
}

/** Why this node does not promise `set` to the node that asks for it; '' it may. */
export function objection(set: FoundingSet, asker: LinkedPeer, own: Own): string {
  const { identity, nodeId } = own;
  if (!founderOf(own).mayVote) return 'it has no state directory and was not started with --new';
  const list = addressesOf(set);
  if (!isEqualList(list, identity.founders)) {
    return `its --peers name ${identity.founders.join(',')}, those of ${asker.address} name ${list.join(',')}`;
  }
  const [first] = set.founders;
  if (first?.address !== asker.address || first.nodeId !== asker.nodeId) {
    return `not ${asker.address}, but ${first?.address} is to ask`;
  }
  const self = set.founders.find(({ address }) => address === identity.address);
  if (self?.nodeId !== nodeId) return 'it has become another node meanwhile';
  const differing = differingSettings(set, identity);
  if (differing !== '') return `started with other options: ${differing}`;
  if (set.settings.isNew && !identity.isNew) return 'it was started without --new';
  return '';
}

/**
 * Whether a promise may give way to another one, because what it promised was not founded and never will be: only the
 * asker founds first, so it is free until it does, and so is whoever it asks again. An asker without a directory has
 * forgotten everything with its life.
 */
export function givesWay(promise: FoundingSet, set: FoundingSet, own: Own): boolean {
  const asker = promise.founders[0];
  const asksNow = set.founders[0];
  if (asker === undefined || asksNow === undefined) return false;
  if (asker.nodeId === own.nodeId) return true;
  if (asker.nodeId === asksNow.nodeId) return set.attempt > promise.attempt;
  return asker.isVolatile && asker.address === asksNow.address;
}

/**
 * Whether a promise binds no longer when others belong to a cluster already. A founder of the set that belongs to
 * another cluster has not promised it, or was free to break the promise: either way nobody can have founded the set.
 */
export function isVoid(promise: FoundingSet, own: Own, peers: LinkedPeers): boolean {
  if (promise.founders[0]?.nodeId === own.nodeId) return true;
  return promise.founders.some(({ nodeId }) => {
    const clusterId = peers.withNode(nodeId)?.clusterId ?? '';
    return clusterId !== '' && clusterId !== promise.clusterId;
  });
}

/** All witnesses and as many of the others as make seven, in order of their addresses, vote; the others learn. */
export function firstConfiguration({ founders }: FoundingSet): Configuration {
  const witnesses = founders.filter(({ role }) => role === 'witness');
  const others = founders.filter(({ role }) => role !== 'witness');
  const chosen = new Set([...witnesses, ...others].slice(0, VOTERS_MAX));
  const idsOf = (isVoter: boolean): number[] =>
    founders.filter((founder) => chosen.has(founder) === isVoter).map(({ nodeId }) => nodeId);
  return { voters: idsOf(true), learners: idsOf(false) };
}
