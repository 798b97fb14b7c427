/**
 * What all roles share: term, vote, log, configurations, the clock, and what waits to leave. The role itself is one
 * object, exchanged as a whole; the exchange is done by raft.ts, which knows all of them.
 */

import { assert } from '../base/assert.ts';
import { ConfigurationHistory } from './configuration.ts';
import { type Dice, ElectionClock, seniorityRank } from './election.ts';
import {
  type DurableState,
  type Entry,
  type HardState,
  type Message,
  NOBODY,
  type NodeId,
  type ReadState,
  type Snapshot,
} from './messages.ts';
import { RaftLog } from './raft-log.ts';
import type { RaftSettings } from './settings.ts';

export type RoleName = 'follower' | 'pre-candidate' | 'candidate' | 'leader';

export interface Role {
  readonly name: RoleName;
  /** Takes a message of the present term that is no request for a vote. */
  step(message: Message): void;
  /** Does what is due at `core.nowMs`. */
  tick(): void;
  /** When `tick` has something to do. */
  readonly dueMs: number;
  /** The process was paused; clocks have started anew. */
  woke(): void;
  /** Makes the messages that were put off to the end of the turn. */
  flush(): void;
  /** More of the log is durable, or applied. */
  advanced(): void;
  /** Another role follows. */
  left(): void;
}

/** How one role gives way to another. */
export interface Transitions {
  follow(term: number, leader: NodeId): void;
  /** Asks first whether an election would be won (thesis 9.6). */
  preCampaign(): void;
  campaign(isTransfer: boolean): void;
  lead(): void;
  /** Hands a message to the role of now. */
  step(message: Message): void;
}

export class Core {
  readonly id: NodeId;
  readonly settings: RaftSettings;
  readonly turnInto: Transitions;
  readonly log: RaftLog;
  readonly configurations: ConfigurationHistory;
  readonly clock: ElectionClock;
  term: number;
  vote: NodeId;
  /** Of the present term; NOBODY while unknown. */
  leader: NodeId = NOBODY;
  /** The last one known, whatever the term: the one whose silence is waited for. */
  lastLeader: NodeId = NOBODY;
  /** The longest-lived first. */
  seniority: readonly NodeId[] = [];
  snapshot: Snapshot;
  /** The snapshot above has yet to be written; and it came from the leader. */
  isSnapshotNew = false;
  isSnapshotInstalled = false;
  outbox: Message[] = [];
  droppedMessages = 0;
  reads: ReadState[] = [];

  constructor(
    id: NodeId,
    settings: RaftSettings,
    restored: DurableState,
    dice: Dice,
    nowMs: number,
    turnInto: Transitions,
  ) {
    const { hardState, snapshot, entries } = restored;
    this.id = id;
    this.settings = settings;
    this.turnInto = turnInto;
    this.log = new RaftLog(snapshot, entries, hardState.commit);
    this.configurations = new ConfigurationHistory(snapshot.index, snapshot.configuration);
    for (const entry of entries) this.configurations.appended(entry);
    this.clock = new ElectionClock(settings, dice, nowMs);
    this.term = hardState.term;
    this.vote = hardState.vote;
    this.snapshot = snapshot;
    assert(this.log.lastTerm <= this.term, 'the log has entries of a term that the hard state has not reached');
  }

  get nowMs(): number {
    return this.clock.nowMs;
  }

  get hardState(): HardState {
    return { term: this.term, vote: this.vote, commit: this.log.committed };
  }

  get rank(): number {
    const { voters } = this.configurations.newest;
    const seniority = this.seniority.length > 0 ? this.seniority : voters;
    return seniorityRank(seniority, voters, this.id, this.lastLeader);
  }

  /** Whether this node has a vote in the configuration that counts. */
  get isVoter(): boolean {
    return this.configurations.newest.voters.includes(this.id);
  }

  /**
   * Whether it may stand for election. A voter whose removal is not committed yet may still be needed (thesis 4.2.2); its
   * own vote does not count then.
   */
  get mayCampaign(): boolean {
    return this.isVoter || this.configurations.at(this.log.committed).voters.includes(this.id);
  }

  /** A new term: the vote and the leader of the former one mean nothing any more. */
  enterTerm(term: number): void {
    assert(term >= this.term, 'terms never go back');
    if (term > this.term) this.vote = NOBODY;
    this.term = term;
  }

  knowLeader(leader: NodeId): void {
    this.leader = leader;
    if (leader !== NOBODY) this.lastLeader = leader;
  }

  send(message: Message): void {
    assert(message.to !== this.id, 'nobody sends to itself');
    if (this.outbox.length < this.settings.outboxMax) this.outbox.push(message);
    else this.droppedMessages += 1;
  }

  /** Appends one of the leader's own entries. */
  append(entry: Entry): void {
    this.log.append(entry);
    this.configurations.appended(entry);
  }

  /** Takes in the leader's entries, with the configurations among them. */
  merge(entries: readonly Entry[]): void {
    const first = this.log.merge(entries);
    if (first === 0) return;
    this.configurations.cut(first);
    const before = this.configurations.newestIndex;
    for (const entry of entries) if (entry.index >= first) this.configurations.appended(entry);
    if (this.configurations.newestIndex !== before) this.clock.draw(this.rank);
  }

  /** Everything gives way to the leader's snapshot. */
  install(snapshot: Snapshot): void {
    this.log.restore(snapshot);
    this.configurations.reset(snapshot.index, snapshot.configuration);
    this.snapshot = snapshot;
    this.isSnapshotNew = true;
    this.isSnapshotInstalled = true;
  }
}
