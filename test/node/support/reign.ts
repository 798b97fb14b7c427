/** A reign in a cluster: the partition's world, a book, and peers of which the test says what is heard. */
import type { Book, BookPartition } from '../../../src/cluster/book.ts';
import type { Command } from '../../../src/cluster/commands.ts';
import type { Connection } from '../../../src/node/connection.ts';
import type { PartitionPrimary } from '../../../src/node/partition-primary.ts';
import { Peer } from '../../../src/node/peer.ts';
import type { ReplyTarget } from '../../../src/node/reply.ts';
import { Stages } from '../../../src/node/stages.ts';
import { bookOf, withPartition } from '../../helpers/books.ts';
import { Caller } from './caller.ts';
import { EPOCH, PARTITION, PartitionWorld } from './partition.ts';

export class ReignSubject {
  readonly world: PartitionWorld;
  readonly self = 0;
  book: Book;
  /** By slot; nobody at 0, which is this node. */
  readonly peers: (Peer | null)[];
  /** What the peers were sent, by slot: over the control link, and over the bulk link. */
  readonly controls: readonly Caller[];
  readonly bulks: readonly Caller[];
  readonly proposed: Command[] = [];
  readonly reports: (readonly number[])[] = [];
  /** Requests handled again from the beginning: message ids. */
  readonly again: number[] = [];
  wakes = 0;
  /** An in-sync change is under way. */
  proposing = false;

  constructor({ others = 2, min = 2 }: { readonly others?: number; readonly min?: number } = {}) {
    this.world = new PartitionWorld({ backups: others });
    const slots = Array.from({ length: others + 1 }, (_, slot) => slot);
    const addresses = slots.map((slot) => `127.0.0.${slot + 1}:6234`);
    const book = bookOf({ addresses, partitions: PARTITION + 1, replicas: others + 1, min });
    const entry = { epoch: EPOCH, primary: 0, isr: slots, target: slots, eligible: [] };
    this.book = withPartition(book, PARTITION, entry);
    this.controls = slots.map(() => new Caller());
    this.bulks = slots.map(() => new Caller());
    this.peers = slots.map((slot) => (slot === 0 ? null : this.#peer(slot, addresses[slot] as string)));
  }

  #peer(slot: number, name: string): Peer {
    const peer = new Peer(slot - 1, name, { host: name, port: 6234 }, new Stages(1, () => true));
    peer.slot = slot;
    peer.isNamed = true;
    peer.state = 'up';
    peer.heardAtMs = this.world.nowMs;
    peer.control = { frames: (this.controls[slot] as Caller).frames } as Partial<Connection> as Connection;
    peer.bulk = { frames: (this.bulks[slot] as Caller).frames } as Partial<Connection> as Connection;
    return peer;
  }

  get nowMs(): number {
    return this.world.nowMs;
  }

  get primary(): PartitionPrimary {
    return this.world.primary;
  }

  get primaries(): readonly (PartitionPrimary | null)[] {
    const primaries = new Array<PartitionPrimary | null>(PARTITION + 1).fill(null);
    if (!this.world.primary.ended) primaries[PARTITION] = this.world.primary;
    return primaries;
  }

  get entry(): BookPartition {
    return this.book.partitions[PARTITION] as BookPartition;
  }

  /** The book's entry changes; followers are told as the node would. */
  change(changes: Partial<BookPartition>): void {
    this.book = withPartition(this.book, PARTITION, changes);
    for (const follower of this.primary.primary.followers) {
      follower.inSync = this.entry.isr.includes(follower.member);
      follower.proposed = false;
    }
    this.primary.advance();
  }

  peer(slot: number): Peer {
    return this.peers[slot] as Peer;
  }

  /** Nothing is heard from there any more, since now. */
  silence(slot: number): void {
    this.peer(slot).state = 'silent';
  }

  /** The link to it breaks now. */
  cut(slot: number): void {
    const peer = this.peer(slot);
    peer.control = null;
    peer.bulk = null;
    peer.lostAtMs = this.nowMs;
    peer.state = 'connecting';
  }

  /** What was proposed since the last look. */
  takeProposed(): Command[] {
    return this.proposed.splice(0);
  }

  // ---- what the parts of a node ask for

  peerOf(slot: number): Peer | null {
    const peer = this.peers[slot] ?? null;
    return peer?.isNamed ? peer : null;
  }

  anyPeerOf(slot: number): Peer | null {
    return this.peers[slot] ?? null;
  }

  propose(command: Command): void {
    this.proposed.push(command);
  }

  report(_: PartitionPrimary, unreachable: readonly number[]): void {
    this.reports.push(unreachable);
  }

  isProposing(): boolean {
    return this.proposing;
  }

  wake(): void {
    this.wakes += 1;
  }

  handleAgain(_to: ReplyTarget, _opcode: number, messageId: number): void {
    this.again.push(messageId);
  }
}
