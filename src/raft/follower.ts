/**
 * The follower (Raft §5.2, §5.3, §7): takes the leader's entries where they follow on its log, says where they do not, and
 * stands for election when the leader has been silent for too long. Learners are followers that never stand.
 */

import type { Core, Role } from './core.ts';
import {
  type Append,
  type Heartbeat,
  type InstallSnapshot,
  type Message,
  NOBODY,
  type ReadReply,
  type TimeOutNow,
} from './messages.ts';

export class Follower implements Role {
  readonly name = 'follower';
  readonly #core: Core;

  constructor(core: Core) {
    this.#core = core;
    core.clock.draw(core.rank);
  }

  get dueMs(): number {
    return this.#core.mayCampaign ? this.#core.clock.dueMs : Number.POSITIVE_INFINITY;
  }

  tick(): void {
    const core = this.#core;
    if (core.mayCampaign && core.clock.isDue) core.turnInto.preCampaign();
  }

  step(message: Message): void {
    switch (message.type) {
      case 'append':
        return this.#onAppend(message);
      case 'heartbeat':
        return this.#onHeartbeat(message);
      case 'snapshot':
        return this.#onSnapshot(message);
      case 'time-out-now':
        return this.#onTimeOutNow(message);
      case 'read-reply':
        return this.#onReadReply(message);
      default:
        return; // an answer to a role that was left meanwhile
    }
  }

  #heard(message: Append | Heartbeat | InstallSnapshot): void {
    const core = this.#core;
    core.clock.heard();
    if (core.leader === message.from) return;
    core.knowLeader(message.from);
    core.clock.draw(core.rank);
  }

  #onAppend(message: Append): void {
    this.#heard(message);
    const { previousIndex, previousTerm, entries, commit } = message;
    const { log } = this.#core;
    if (previousIndex < log.committed) return this.#accept(log.committed); // late or doubled: held already
    if (!log.has({ index: previousIndex, term: previousTerm })) return this.#reject(previousIndex, previousTerm);
    this.#core.merge(entries);
    const lastEqual = previousIndex + entries.length;
    log.commitTo(Math.min(commit, lastEqual));
    this.#accept(lastEqual);
  }

  /** Everything through `index` is held as the leader has it. */
  #accept(index: number): void {
    this.#reply(index, false, 0, 0);
  }

  #reject(previousIndex: number, previousTerm: number): void {
    const hint = this.#core.log.lastNotAbove(previousIndex, previousTerm);
    this.#reply(previousIndex, true, hint.index, hint.term);
  }

  #reply(index: number, isRejected: boolean, hintIndex: number, hintTerm: number): void {
    const { id, leader, term } = this.#core;
    this.#core.send({ type: 'append-reply', from: id, to: leader, term, isRejected, index, hintIndex, hintTerm });
  }

  #onHeartbeat(message: Heartbeat): void {
    this.#heard(message);
    const { commit, round } = message;
    const { id, leader, term, log } = this.#core;
    // The leader names no more than this node has acknowledged; were the log shorter, it would be another disk.
    log.commitTo(Math.min(commit, log.lastIndex));
    this.#core.send({ type: 'heartbeat-reply', from: id, to: leader, term, round });
  }

  #onSnapshot(message: InstallSnapshot): void {
    this.#heard(message);
    const { snapshot } = message;
    const { log } = this.#core;
    // The log reaches beyond it already: there is nothing to load (Raft §7, rule 6).
    if (snapshot.index > log.committed && log.has(snapshot)) log.commitTo(snapshot.index);
    if (snapshot.index <= log.committed) return this.#accept(log.committed);
    this.#core.install(snapshot);
    this.#accept(snapshot.index);
  }

  #onTimeOutNow({ from }: TimeOutNow): void {
    const core = this.#core;
    if (from === core.leader && core.mayCampaign) core.turnInto.campaign(true);
  }

  #onReadReply({ id, index }: ReadReply): void {
    if (this.#core.reads.length < this.#core.settings.readsMax) this.#core.reads.push({ id, index });
  }

  woke(): void {}

  flush(): void {}

  advanced(): void {}

  left(): void {
    this.#core.knowLeader(NOBODY);
  }
}
