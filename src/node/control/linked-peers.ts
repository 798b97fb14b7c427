/** Who is linked now, as the logins told: by address, by node id, by cluster. */
import { hexOf } from '../../base/bytes.ts';
import type { PeerFacts } from './host.ts';

export interface LinkedPeer {
  readonly address: string;
  readonly nodeId: number;
  /** '' none yet; it may come to have one while it is linked. */
  clusterId: string;
  readonly incarnation: string;
}

export class LinkedPeers {
  readonly #byAddress = new Map<string, LinkedPeer>();
  readonly #byNode = new Map<number, LinkedPeer>();

  add(address: string, { nodeId, clusterId, incarnation }: PeerFacts): LinkedPeer {
    this.remove(address);
    const peer = { address, nodeId, clusterId, incarnation: hexOf(incarnation) };
    this.#byAddress.set(address, peer);
    this.#byNode.set(nodeId, peer);
    return peer;
  }

  remove(address: string): void {
    const peer = this.#byAddress.get(address);
    if (peer === undefined) return;
    this.#byAddress.delete(address);
    if (this.#byNode.get(peer.nodeId) === peer) this.#byNode.delete(peer.nodeId);
  }

  at(address: string): LinkedPeer | null {
    return this.#byAddress.get(address) ?? null;
  }

  withNode(nodeId: number): LinkedPeer | null {
    return this.#byNode.get(nodeId) ?? null;
  }

  /** By address. */
  get all(): LinkedPeer[] {
    return [...this.#byAddress.values()].sort((one, other) => (one.address < other.address ? -1 : 1));
  }

  membersOf(clusterId: string): LinkedPeer[] {
    return this.all.filter((peer) => peer.clusterId === clusterId);
  }

  /** The clusters that linked nodes belong to. */
  get clusters(): string[] {
    return [...new Set(this.all.flatMap(({ clusterId }) => (clusterId === '' ? [] : [clusterId])))];
  }
}
