/**
 * Being taken in: a node without a cluster by the cluster it sees, a member in its new life (R3), and a learner that
 * wants a vote. All three ask by JOIN, again and again, until the book or the configuration names what they ask for.
 *
 * A directory names the cluster only once the leader sends this node entries as one of its own: asking binds nobody, and
 * what is asked by mistake, of the wrong cluster, leaves no trace.
 */
import type { Book } from '../../cluster/book.ts';
import type { Founder } from '../../protocol/control-codec.ts';
import type { Configuration } from '../../raft/messages.ts';
import type { LinkedPeers } from './linked-peers.ts';

const ASK_AGAIN_MS = 300;
/** A vote is nothing that anybody waits for. */
const ASK_VOTE_AGAIN_MS = 2000;

export class Joining {
  readonly #peers: LinkedPeers;
  readonly #self: Founder;
  #askedMs = Number.NEGATIVE_INFINITY;
  #turn = 0;
  #wasTakenIn = false;

  constructor(peers: LinkedPeers, self: Founder) {
    this.#peers = peers;
    this.#self = self;
  }

  /** Asks at the next opportunity, however short ago the last time was. */
  hurry(): void {
    this.#askedMs = Number.NEGATIVE_INFINITY;
  }

  /** The book names this life of this node. */
  isTakenIn(book: Book | null): boolean {
    const { nodeId, incarnation, address } = this.#self;
    const own = book?.members.find((member) => member?.id === nodeId);
    const isTakenIn = own?.incarnation === incarnation && own.address === address;
    this.#wasTakenIn ||= isTakenIn;
    return isTakenIn;
  }

  /** The book has named this life and does so no more: nobody believes it any more, only another life may come back. */
  isOver(book: Book | null): boolean {
    return !this.isTakenIn(book) && this.#wasTakenIn;
  }

  wantsVote({ learners }: Configuration): boolean {
    return this.#self.mayVote && learners.includes(this.#self.nodeId);
  }

  /** Whether it is time to ask; counts as asked. */
  isDue(nowMs: number, isTakenIn: boolean): boolean {
    if (nowMs - this.#askedMs < (isTakenIn ? ASK_VOTE_AGAIN_MS : ASK_AGAIN_MS)) return false;
    this.#askedMs = nowMs;
    return true;
  }

  /** Address of the one to ask: the leader, or one member after the other, which passes it on; '' nobody is linked. */
  whom(clusterId: string, leader: string): string {
    if (leader !== '' && this.#peers.at(leader) !== null) return leader;
    const members = this.#peers.membersOf(clusterId);
    this.#turn += 1;
    return members[this.#turn % Math.max(1, members.length)]?.address ?? '';
  }
}
