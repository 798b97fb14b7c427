/**
 * Standing for election, in two steps. The pre-candidate asks whether it would be elected, without entering a new term
 * (thesis 9.6): one that was cut off comes back without disturbing anybody. The candidate then enters the term, votes for
 * itself and asks for votes (Raft §5.2). Requests are repeated every heartbeat: what was lost, or ignored by a follower
 * that had just heard the leader, need not wait for another time-out.
 */

import type { Core, Role } from './core.ts';
import { type Message, NOBODY, type NodeId, type VoteReply } from './messages.ts';
import { tally } from './quorum.ts';

abstract class Campaign implements Role {
  abstract readonly name: 'pre-candidate' | 'candidate';
  readonly core: Core;
  readonly #votes = new Map<NodeId, boolean>();
  #askAgainMs = 0;

  constructor(core: Core) {
    this.core = core;
  }

  /** Restarts the clock, votes for itself where it has a vote, and asks the others. */
  begin(): void {
    this.core.clock.restart(this.core.rank);
    this.#votes.set(this.core.id, true);
    this.#ask();
    this.#judge();
  }

  protected abstract request(to: NodeId): Message;
  protected abstract isAnswer(message: Message): message is VoteReply;
  protected abstract won(): void;

  #ask(): void {
    this.#askAgainMs = this.core.nowMs + this.core.settings.heartbeatMs;
    for (const voter of this.core.configurations.newest.voters) {
      if (!this.#votes.has(voter)) this.core.send(this.request(voter));
    }
  }

  #judge(): void {
    const standing = tally(this.core.configurations.newest.voters, this.#votes);
    if (standing === 'won') this.won();
    else if (standing === 'lost') this.core.turnInto.follow(this.core.term, NOBODY);
  }

  step(message: Message): void {
    if (this.isAnswer(message)) {
      if (!this.#votes.has(message.from)) this.#votes.set(message.from, message.isGranted);
      return this.#judge();
    }
    if (message.type !== 'append' && message.type !== 'heartbeat' && message.type !== 'snapshot') return;
    // Another was elected in this term.
    this.core.turnInto.follow(this.core.term, message.from);
    this.core.turnInto.step(message);
  }

  get dueMs(): number {
    return Math.min(this.core.clock.dueMs, this.#askAgainMs);
  }

  tick(): void {
    if (this.core.clock.isDue) this.core.turnInto.preCampaign();
    else if (this.core.nowMs >= this.#askAgainMs) this.#ask();
  }

  woke(): void {}

  flush(): void {}

  advanced(): void {}

  left(): void {}
}

export class PreCandidate extends Campaign {
  readonly name = 'pre-candidate';

  protected request(to: NodeId): Message {
    const { id, term, log } = this.core;
    return { type: 'pre-vote', from: id, to, term: term + 1, lastIndex: log.lastIndex, lastTerm: log.lastTerm };
  }

  protected isAnswer(message: Message): message is VoteReply {
    if (message.type !== 'pre-vote-reply') return false;
    return !message.isGranted || message.term === this.core.term + 1;
  }

  protected won(): void {
    this.core.turnInto.campaign(false);
  }
}

export class Candidate extends Campaign {
  readonly name = 'candidate';
  readonly #isTransfer: boolean;

  constructor(core: Core, isTransfer: boolean) {
    super(core);
    this.#isTransfer = isTransfer;
  }

  protected request(to: NodeId): Message {
    const { id, term, log } = this.core;
    const { lastIndex, lastTerm } = log;
    return { type: 'vote', from: id, to, term, lastIndex, lastTerm, isTransfer: this.#isTransfer };
  }

  protected isAnswer(message: Message): message is VoteReply {
    return message.type === 'vote-reply';
  }

  protected won(): void {
    this.core.turnInto.lead();
  }
}
