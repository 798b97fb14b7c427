/** At the leader: who asks to be taken in, and who wants a vote. */
import type { Clock, Log } from '../../base/ports.ts';
import type { Book } from '../../cluster/book.ts';
import type { Command } from '../../cluster/commands.ts';
import type { Founder } from '../../protocol/control-codec.ts';
import type { NodeId } from '../../raft/messages.ts';
import { applyCommand } from './book-machine.ts';
import type { ControlPorts } from './host.ts';
import type { LinkedPeers } from './linked-peers.ts';

/** A proposal that was not applied within this time may be lost. */
const PROPOSE_AGAIN_MS = 1000;
/** Who wants a vote repeats it every two seconds. */
const VOTE_WISH_MS = 10_000;
/** Former lives that are remembered. */
const FORMER_MAX = 1000;

export class JoinDesk {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #peers: LinkedPeers;
  readonly #propose: (command: Command) => void;
  /** By node: the life proposed, and when. */
  readonly #proposed = new Map<NodeId, { readonly incarnation: string; readonly atMs: number }>();
  readonly #voteWishedMs = new Map<NodeId, number>();
  /** Lives that the book has named and that gave way to later ones: a late word of theirs must not bring them back. */
  readonly #former = new Set<string>();

  /** By address, why it is not taken in, as was told last. */
  readonly #toldWhy = new Map<string, string>();

  constructor({ clock, log }: ControlPorts, peers: LinkedPeers, propose: (command: Command) => void) {
    this.#clock = clock;
    this.#log = log;
    this.#peers = peers;
    this.#propose = propose;
  }

  /** Another leads: what was proposed may be lost. */
  reset(): void {
    this.#proposed.clear();
    this.#toldWhy.clear();
    this.#voteWishedMs.clear();
  }

  asked({ nodeId: id, incarnation, address, zone, role, mayVote }: Founder, book: Book | null): void {
    const linked = this.#peers.at(address);
    const isOther = linked !== null && (linked.incarnation !== incarnation || linked.nodeId !== id);
    if (isOther || this.#former.has(incarnation)) return; // said in a former life
    const nowMs = this.#clock.monotonicMs();
    if (mayVote) this.#voteWishedMs.set(id, nowMs);
    const member = book?.members.find((one) => one?.id === id);
    if (member?.incarnation === incarnation && member.address === address) return;
    const proposed = this.#proposed.get(id);
    if (proposed?.incarnation === incarnation && nowMs - proposed.atMs < PROPOSE_AGAIN_MS) return;
    const command = {
      kind: 'join',
      id,
      incarnation,
      address,
      zone,
      role,
      nowMs: Math.floor(this.#clock.unixMs()),
    } as const;
    // What would be refused is not worth an entry of the log, time and again.
    const why = book === null ? 'there is no book yet' : (applyCommand(book, command).refused ?? '');
    this.#tell(address, why);
    if (why !== '') return;
    this.#proposed.set(id, { incarnation, atMs: nowMs });
    this.#propose(command);
  }

  #tell(address: string, why: string): void {
    if (this.#toldWhy.get(address) === why) return;
    this.#toldWhy.set(address, why);
    if (why !== '') this.#log.write('info', 'join put off', { node: address, why });
  }

  wantsVote(id: NodeId): boolean {
    return this.#clock.monotonicMs() - (this.#voteWishedMs.get(id) ?? Number.NEGATIVE_INFINITY) < VOTE_WISH_MS;
  }

  bookChanged(book: Book, before: Book | null): void {
    if (before === null) return;
    for (const [slot, member] of before.members.entries()) {
      if (member === null || book.members[slot]?.incarnation === member.incarnation) continue;
      this.#former.add(member.incarnation);
    }
    for (const incarnation of this.#former) {
      if (this.#former.size <= FORMER_MAX) break;
      this.#former.delete(incarnation);
    }
  }
}
