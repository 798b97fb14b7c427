/**
 * The members of the book as this node meets them: which peer is in which slot, whether it is the life that the book names
 * (R3), and which slot is this node's own.
 */
import { hexOf } from '../base/bytes.ts';
import { type Book, NO_MEMBER } from '../cluster/book.ts';
import { memberOf } from '../cluster/electorate.ts';
import type { Peer } from './peer.ts';

export interface RosterHost {
  /** The peer at an address; a link to it is kept from now on. */
  peerAt(address: string): Peer;
  /** Nobody is there any more. */
  forgetPeer(address: string): void;
  readonly peers: readonly Peer[];
  /** Addresses that are dialled whatever the book says. */
  readonly founders: readonly string[];
}

export class Roster {
  /** Own slot; NO_MEMBER: the book does not name this life of this node. */
  self: number = NO_MEMBER;
  /** The own slot has just changed. */
  changedSelf = false;
  readonly #host: RosterHost;
  readonly #nodeId: () => number;
  readonly #incarnation: string;
  readonly #address: string;
  #bySlot: (Peer | null)[] = [];
  #incarnations: string[] = [];

  constructor(host: RosterHost, nodeId: () => number, incarnation: Uint8Array, address: string) {
    this.#host = host;
    this.#nodeId = nodeId;
    this.#incarnation = hexOf(incarnation);
    this.#address = address;
  }

  bookChanged(book: Book): void {
    const own = memberOf(book, this.#nodeId());
    const self = own !== null && own.incarnation === this.#incarnation ? own.slot : NO_MEMBER;
    this.changedSelf = self !== this.self;
    this.self = self;
    const gone = new Set(this.#bySlot.filter((peer) => peer !== null));
    this.#bySlot = book.members.map((member) =>
      // Under the own address may stand who this node was before it lost its directory.
      member === null || member.address === this.#address ? null : this.#host.peerAt(member.address),
    );
    this.#incarnations = book.members.map((member) => member?.incarnation ?? '');
    this.#bySlot.forEach((peer, slot) => {
      if (peer === null) return;
      gone.delete(peer);
      peer.slot = slot;
      this.#name(peer);
      peer.lease.bookApplied(book.version);
    });
    for (const peer of gone) this.#leave(peer);
  }

  #leave(peer: Peer): void {
    peer.slot = NO_MEMBER;
    peer.isNamed = false;
    if (!this.#host.founders.includes(peer.name)) this.#host.forgetPeer(peer.name);
  }

  /** The peer is another life than before. */
  met(peer: Peer): void {
    this.#name(peer);
  }

  #name(peer: Peer): void {
    const { slot, incarnation } = peer;
    peer.isNamed = slot !== NO_MEMBER && incarnation !== null && hexOf(incarnation) === this.#incarnations[slot];
  }

  /** Who is in a slot, if it is the life that the book names. */
  peerOf(slot: number): Peer | null {
    const peer = this.#bySlot[slot] ?? null;
    return peer?.isNamed ? peer : null;
  }

  /** Who is in a slot, whatever its life. */
  anyPeerOf(slot: number): Peer | null {
    return this.#bySlot[slot] ?? null;
  }

  /** Until when the member in `slot` may believe in what this node has granted. */
  grantedUntilMs(slot: number): number {
    return this.#bySlot[slot]?.lease.grantedUntilMs ?? Number.NEGATIVE_INFINITY;
  }

  /** The same for whoever comes last. */
  latestGrantMs(): number {
    return this.#host.peers.reduce(
      (latest, { lease }) => Math.max(latest, lease.grantedUntilMs),
      Number.NEGATIVE_INFINITY,
    );
  }

  /** Until when the member in `slot` has granted its lease to this node. */
  leaseUntilMs(slot: number): number {
    const peer = this.#bySlot[slot];
    return peer?.isNamed ? peer.lease.untilMs : Number.NEGATIVE_INFINITY;
  }
}
