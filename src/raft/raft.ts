/**
 * One node of a Raft group (Ongaro & Ousterhout 2014, "the paper"; Ongaro's thesis), as a state machine without time,
 * chance or devices: messages and the present time go in, one `Ready` comes out (after etcd-io/raft's RawNode). Its driver
 *
 *     step(message, nowMs) · tick(nowMs) · propose(…)     as things happen
 *     ready() ─► persist ─► send ─► load, apply ─► answer reads ─► advance()    at the end of a turn
 *     one timer at nextTimerMs
 *
 * Nothing leaves before the `Ready` that persists what it rests on; while one is out there is no other.
 */

import { assert } from '../base/assert.ts';
import { Candidate, PreCandidate } from './candidate.ts';
import type { Change } from './configuration.ts';
import { Core, type Role, type RoleName } from './core.ts';
import type { Dice } from './election.ts';
import { Follower } from './follower.ts';
import { Leader } from './leader.ts';
import {
  type DurableState,
  type Entry,
  type HardState,
  type Message,
  NOBODY,
  type NodeId,
  type Ready,
} from './messages.ts';
import type { Proposed, ProposeRefusal, ReadRefusal, TransferRefusal } from './proposals.ts';
import { checkSettings, defaultRaftSettings, type RaftSettings } from './settings.ts';
import { answerVote, isIgnored } from './voting.ts';

export interface RaftOptions {
  readonly id: NodeId;
  /** What the state directory holds. */
  readonly restored: DurableState;
  /** Of the own stream: two nodes with the same one would tie for ever. */
  readonly dice: Dice;
  readonly nowMs: number;
  readonly settings?: RaftSettings;
}

export interface RaftStatus {
  readonly role: RoleName;
  readonly term: number;
  readonly leader: NodeId;
  readonly commit: number;
  readonly applied: number;
  readonly lastIndex: number;
  readonly logBytes: number;
  /** Leads, has an entry of its term committed, and has heard a majority since its last pause. */
  readonly mayAct: boolean;
  /** When the leader, this one or the last one known, was heard; −∞: never. */
  readonly leaderHeardMs: number;
}

export class Raft {
  readonly #core: Core;
  #role: Role;
  /** As in the last `Ready`. */
  #saved: HardState;
  #out: Ready | null = null;

  constructor({ id, restored, dice, nowMs, settings = defaultRaftSettings }: RaftOptions) {
    checkSettings(settings);
    assert(id !== NOBODY, 'a node has an id');
    this.#core = new Core(id, settings, restored, dice, nowMs, {
      follow: (term, leader) => this.#follow(term, leader),
      preCampaign: () => this.#preCampaign(),
      campaign: (isTransfer) => this.#campaign(isTransfer),
      lead: () => this.#lead(),
      step: (message) => this.#role.step(message),
    });
    this.#saved = this.#core.hardState;
    this.#role = new Follower(this.#core);
  }

  // ── in ──

  step(message: Message, nowMs: number): void {
    const core = this.#core;
    this.#observe(nowMs);
    if (message.to !== core.id || message.from === core.id) return; // lost its way
    const isRequest = message.type === 'vote' || message.type === 'pre-vote';
    if (isRequest && message.term >= core.term && isIgnored(core, message)) return;
    if (message.term > core.term) this.#onHigherTerm(message);
    if (message.term < core.term && !isRequest) return this.#onLowerTerm(message);
    if (isRequest) answerVote(core, message);
    else this.#role.step(message);
  }

  #onHigherTerm(message: Message): void {
    // Neither asking for a vote-to-be nor granting one is a claim that the term has begun.
    if (message.type === 'pre-vote' || (message.type === 'pre-vote-reply' && message.isGranted)) return;
    const isFromLeader = message.type === 'append' || message.type === 'heartbeat' || message.type === 'snapshot';
    this.#follow(message.term, isFromLeader ? message.from : NOBODY);
  }

  /** A leader of a former term learns from the answer that it is over. */
  #onLowerTerm({ type, from }: Message): void {
    if (type !== 'append' && type !== 'heartbeat' && type !== 'snapshot') return;
    const { id, term } = this.#core;
    const nowhere = { isRejected: true, index: 0, hintIndex: 0, hintTerm: 0 };
    this.#core.send({ type: 'append-reply', from: id, to: from, term, ...nowhere });
  }

  /** The timer has fired, or anything else happened. */
  tick(nowMs: number): void {
    this.#observe(nowMs);
    this.#role.tick();
  }

  #observe(nowMs: number): void {
    if (this.#core.clock.observe(nowMs)) this.#role.woke();
  }

  propose(data: Uint8Array, nowMs: number): Proposed {
    return this.#proposed(nowMs, (leader) => leader.propose(data));
  }

  proposeChange(change: Change, nowMs: number): Proposed {
    return this.#proposed(nowMs, (leader) => leader.proposeChange(change));
  }

  #proposed(nowMs: number, run: (leader: Leader) => ProposeRefusal | null): Proposed {
    this.#observe(nowMs);
    if (!(this.#role instanceof Leader)) return { refused: 'not-leader' };
    const refused = run(this.#role);
    if (refused !== null) return { refused };
    return { accepted: { index: this.#core.log.lastIndex, term: this.#core.term } };
  }

  /**
   * Asks from which index on a read is linearizable; `Ready.reads` brings the answer under `id`, unless it is lost on its
   * way to the leader or back: ask again after a time.
   */
  readIndex(id: number, nowMs: number): ReadRefusal | null {
    this.#observe(nowMs);
    const core = this.#core;
    if (this.#role instanceof Leader) return this.#role.read({ id, from: core.id }) ? null : 'full';
    if (core.leader === NOBODY) return 'no-leader';
    core.send({ type: 'read-request', from: core.id, to: core.leader, term: core.term, id });
    return null;
  }

  transfer(target: NodeId, nowMs: number): TransferRefusal | null {
    this.#observe(nowMs);
    return this.#role instanceof Leader ? this.#role.transfer(target) : 'not-leader';
  }

  /** The longest-lived first, as the book knows them; before that the order of the configuration counts. */
  setSeniority(ids: readonly NodeId[]): void {
    this.#core.seniority = [...ids];
    this.#core.clock.draw(this.#core.rank);
  }

  // ── roles ──

  #become(role: Role): void {
    this.#role = role;
  }

  #follow(term: number, leader: NodeId): void {
    const core = this.#core;
    const wasLeader = this.#role instanceof Leader;
    this.#role.left();
    core.enterTerm(term);
    core.knowLeader(leader);
    this.#become(new Follower(core));
    if (wasLeader) core.clock.restart(core.rank);
  }

  #preCampaign(): void {
    this.#role.left();
    const role = new PreCandidate(this.#core);
    this.#become(role);
    role.begin();
  }

  #campaign(isTransfer: boolean): void {
    const core = this.#core;
    this.#role.left();
    core.enterTerm(core.term + 1);
    core.vote = core.id;
    const role = new Candidate(core, isTransfer);
    this.#become(role);
    role.begin();
  }

  #lead(): void {
    const core = this.#core;
    this.#role.left();
    core.knowLeader(core.id);
    const role = new Leader(core);
    this.#become(role);
    role.begin();
    role.tick();
  }

  // ── out ──

  /** What is to be done now, or null: nothing, or the last one is not done yet. */
  ready(): Ready | null {
    if (this.#out !== null) return null;
    this.#role.flush();
    const core = this.#core;
    const { log, hardState } = core;
    const entries = log.unstable();
    const isChanged = hardState.term !== this.#saved.term || hardState.vote !== this.#saved.vote;
    const snapshot = core.isSnapshotNew ? core.snapshot : null;
    const isWritten = isChanged || entries.length > 0 || snapshot !== null;
    const committed = log.toApply(core.settings.applyBytesMax);
    const isNothing = core.outbox.length === 0 && committed.length === 0 && core.reads.length === 0;
    if (!isWritten && isNothing) return null;
    this.#out = {
      hardState: isWritten ? hardState : null,
      snapshot,
      isInstalled: core.isSnapshotInstalled,
      entries,
      messages: core.outbox,
      committed,
      reads: core.reads,
    };
    this.#saved = hardState;
    core.isSnapshotNew = false;
    core.isSnapshotInstalled = false;
    core.outbox = [];
    core.reads = [];
    return this.#out;
  }

  /** The last `Ready` is done: durable, sent, applied. */
  advance(): void {
    const ready = this.#out;
    assert(ready !== null, 'there is nothing to advance over');
    this.#out = null;
    const { log } = this.#core;
    const written = ready.entries.at(-1);
    if (written !== undefined) log.stableTo(written);
    const applied = ready.committed.at(-1);
    // A snapshot taken in meanwhile has carried the log beyond it.
    if (applied !== undefined && applied.index > log.applied) log.appliedTo(applied.index);
    this.#role.advanced();
  }

  /** When `tick` is to be called at the latest. */
  get nextTimerMs(): number {
    // Its own ticks tell a node that it runs: they never lie further apart than a heartbeat.
    return Math.min(this.#role.dueMs, this.#core.nowMs + this.#core.settings.heartbeatMs);
  }

  // ── snapshots ──

  /** Whether so much was applied since the last snapshot that another is worth its cost. */
  get wantsSnapshot(): boolean {
    const { log, snapshot, settings } = this.#core;
    const entries = log.applied - snapshot.index;
    return entries >= settings.compactEntries || (entries > 0 && log.bytes >= settings.compactBytes);
  }

  /**
   * Takes `data`, the state after applying everything up to now, as the snapshot; the next `Ready` stores it.
   * @returns false: it is larger than a snapshot may be, or a `Ready` is out
   */
  compact(data: Uint8Array): boolean {
    const core = this.#core;
    const { log, settings, configurations } = core;
    const index = log.applied;
    if (this.#out !== null || data.length > settings.snapshotBytesMax) return false;
    if (index <= core.snapshot.index) return true;
    core.snapshot = { index, term: log.termAt(index), configuration: configurations.at(index), data };
    core.isSnapshotNew = true;
    const kept = log.bytes >= settings.compactBytes ? 0 : settings.keptEntries;
    const dropped = Math.min(index - kept, log.stable);
    log.compact(dropped);
    configurations.compact(log.baseIndex);
    return true;
  }

  get status(): RaftStatus {
    const { term, leader, log, clock } = this.#core;
    const isLeader = this.#role instanceof Leader;
    return {
      role: this.#role.name,
      term,
      leader,
      commit: log.committed,
      applied: log.applied,
      lastIndex: log.lastIndex,
      logBytes: log.bytes,
      mayAct: this.#role instanceof Leader && this.#role.mayAct,
      leaderHeardMs: isLeader ? clock.nowMs : clock.heardMs,
    };
  }

  get configuration(): Core['configurations']['newest'] {
    return this.#core.configurations.newest;
  }

  /** Behind the last entry applied, committed or not: what only a new leader could say more about. */
  get unapplied(): readonly Entry[] {
    const { log } = this.#core;
    return log.from(log.applied + 1, Number.POSITIVE_INFINITY);
  }

  /** Term of the last entry. */
  get lastTerm(): number {
    return this.#core.log.lastTerm;
  }

  /** For tests and status: what the leader knows of its followers; empty elsewhere. */
  get progress(): Leader['progress'] {
    return this.#role instanceof Leader ? this.#role.progress : new Map();
  }
}
