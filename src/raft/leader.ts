/**
 * The leader (Raft §5.3, §5.4, §8): brings its log to all others, commits what a majority holds and what its own term has
 * entries of, and steps down as soon as a majority is no longer heard (thesis 6.2).
 */

import { assert } from '../base/assert.ts';
import { type Change, changed, encodeConfiguration } from './configuration.ts';
import type { Core, Role } from './core.ts';
import {
  type AppendReply,
  EntryKind,
  type HeartbeatReply,
  type Message,
  NOBODY,
  type NodeId,
  type ReadRequest,
} from './messages.ts';
import { Progress } from './progress.ts';
import type { ProposeRefusal, TransferRefusal } from './proposals.ts';
import { reachedByMajority } from './quorum.ts';
import { bytesOf } from './raft-log.ts';
import { ReadIndex, type WaitingRead } from './read-index.ts';
import { replicate, sendNext } from './replication.ts';
import { snapshotRetryMs } from './settings.ts';
import { Transfer } from './transfer.ts';

export class Leader implements Role {
  readonly name = 'leader';
  readonly #core: Core;
  /** Of all members but this one. */
  readonly #progress = new Map<NodeId, Progress>();
  readonly #reads: ReadIndex;
  #transfer: Transfer | null = null;
  #uncommittedBytes = 0;
  #round = 0;
  /** It acts only once a majority has answered this round: after a pause others may lead. */
  #actsFromRound = 0;
  #heartbeatDueMs: number;

  constructor(core: Core) {
    this.#core = core;
    this.#reads = new ReadIndex(core.settings.readsMax);
    this.#heartbeatDueMs = core.nowMs;
    for (let index = core.log.committed + 1; index <= core.log.lastIndex; index += 1) this.#count(index);
  }

  /** Takes the lead: an entry of the own term comes first, it commits what former leaders left (Raft §8). */
  begin(): void {
    this.#append(EntryKind.nothing, new Uint8Array(0));
    this.#followConfiguration();
  }

  get progress(): ReadonlyMap<NodeId, Progress> {
    return this.#progress;
  }

  get uncommittedBytes(): number {
    return this.#uncommittedBytes;
  }

  /** Whether a majority was heard since the last pause, and the state is that of its own term. */
  get mayAct(): boolean {
    return this.#isConfirmed && this.#isTermCommitted;
  }

  get #isConfirmed(): boolean {
    return this.#confirmedRound() >= this.#actsFromRound;
  }

  get #isTermCommitted(): boolean {
    const { log, term } = this.#core;
    return log.termAt(log.committed) === term;
  }

  // ── proposals ──

  propose(data: Uint8Array): ProposeRefusal | null {
    const { settings, log } = this.#core;
    if (data.length > settings.entryBytesMax) return 'too-large';
    if (this.#transfer !== null) return 'transferring';
    if (!this.#isConfirmed) return 'unconfirmed';
    const isFull = this.#uncommittedBytes + data.length > settings.uncommittedBytesMax;
    if (this.#uncommittedBytes > 0 && isFull) return 'full';
    if (log.bytes + data.length > settings.logBytesMax) return 'full';
    this.#append(EntryKind.command, data);
    return null;
  }

  proposeChange(change: Change): ProposeRefusal | null {
    const { configurations, log } = this.#core;
    if (this.#transfer !== null) return 'transferring';
    if (!this.#isConfirmed) return 'unconfirmed';
    // Ongaro's correction of 2015: before that, two leaders could hold configurations without a common majority.
    if (!this.#isTermCommitted) return 'term-not-committed';
    if (configurations.newestIndex > log.committed) return 'change-pending';
    const next = changed(configurations.newest, change);
    if (next === null) return 'no-change';
    if (change.kind === 'add-voter' && !this.#hasCaughtUp(change.id)) return 'not-caught-up';
    this.#append(EntryKind.configuration, encodeConfiguration(next));
    this.#followConfiguration();
    return null;
  }

  /** A new voter must not hold up commits until it has the log (thesis 4.2.1). */
  #hasCaughtUp(id: NodeId): boolean {
    const progress = this.#progress.get(id);
    return progress !== undefined && progress.state === 'replicate' && progress.match >= this.#core.log.committed;
  }

  #append(kind: EntryKind, data: Uint8Array): void {
    const { log, term } = this.#core;
    this.#core.append({ index: log.lastIndex + 1, term, kind, data });
    this.#count(log.lastIndex);
  }

  #count(index: number): void {
    const [entry] = this.#core.log.from(index, 0);
    if (entry !== undefined) this.#uncommittedBytes += bytesOf(entry);
  }

  /** Followers come and go with the configuration that stands last in the log. */
  #followConfiguration(): void {
    const { id, configurations, log, settings, nowMs } = this.#core;
    const { voters, learners } = configurations.newest;
    const members = [...voters, ...learners].filter((member) => member !== id);
    for (const known of this.#progress.keys()) if (!members.includes(known)) this.#progress.delete(known);
    for (const member of members) {
      if (this.#progress.has(member)) continue;
      // The entry just appended is sent with the first probe.
      this.#progress.set(member, new Progress(member, log.lastIndex, settings, nowMs));
    }
  }

  // ── answers ──

  step(message: Message): void {
    switch (message.type) {
      case 'append-reply':
        return this.#onAppendReply(message);
      case 'heartbeat-reply':
        return this.#onHeartbeatReply(message);
      case 'read-request':
        return this.#onReadRequest(message);
      case 'append':
      case 'heartbeat':
      case 'snapshot':
        return assert(false, 'two leaders in one term');
      default:
        return; // an answer to a role that was left meanwhile
    }
  }

  #heard(from: NodeId): Progress | null {
    const progress = this.#progress.get(from) ?? null;
    if (progress !== null) progress.heardMs = this.#core.nowMs;
    return progress;
  }

  #onAppendReply({ from, isRejected, index, hintIndex, hintTerm }: AppendReply): void {
    const { log } = this.#core;
    const progress = this.#heard(from);
    if (progress === null) return;
    if (isRejected) {
      const place = log.lastNotAbove(hintIndex, hintTerm);
      if (progress.rejected(index, place.index)) replicate(this.#core, progress);
      return;
    }
    assert(index <= log.lastIndex, 'a follower acknowledged what its leader does not have');
    progress.accepted(index, log.baseIndex);
    this.#commit();
    this.#continueTransfer(progress);
  }

  #onHeartbeatReply({ from, round }: HeartbeatReply): void {
    const progress = this.#heard(from);
    if (progress === null) return;
    progress.answeredRound(round);
    this.#answerReads();
    const isLost = this.#core.nowMs - progress.snapshotSentMs >= snapshotRetryMs(this.#core.settings);
    if (progress.state === 'snapshot' && isLost) progress.probeFrom(progress.match + 1);
    // Something it should have acknowledged by now may be lost: an append, empty if need be, finds out.
    if (!progress.isPaused && progress.match < this.#core.log.lastIndex) sendNext(this.#core, progress);
    this.#continueTransfer(progress);
  }

  /** Only an entry of the own term is committed by counting; what lies before it is committed with it (Raft §5.4.2). */
  #commit(): void {
    const { id, log, configurations, term } = this.#core;
    const before = log.committed;
    const held = reachedByMajority(configurations.newest.voters, (voter) =>
      voter === id ? log.stable : (this.#progress.get(voter)?.match ?? 0),
    );
    if (held <= before || log.termAt(held) !== term) return;
    for (const entry of log.from(before + 1, Number.POSITIVE_INFINITY, held)) this.#uncommittedBytes -= bytesOf(entry);
    log.commitTo(held);
    if (!this.#core.mayCampaign) this.#leaveRemoved();
  }

  /** The configuration without this node is committed: it steps down (thesis 4.2.2), and names the one most advanced. */
  #leaveRemoved(): void {
    const { id, term, configurations } = this.#core;
    const voters = [...this.#progress.values()].filter(({ id }) => configurations.newest.voters.includes(id));
    const best = voters.reduce<Progress | null>((a, b) => (a === null || b.match > a.match ? b : a), null);
    this.#heartbeat(); // tells what is committed now
    if (best !== null) {
      this.#core.send({ type: 'time-out-now', from: id, to: best.id, term });
    }
    this.#core.turnInto.follow(term, NOBODY);
  }

  advanced(): void {
    this.#commit();
  }

  // ── reads ──

  /** False: too many wait already. */
  read(read: WaitingRead): boolean {
    return this.#reads.add(read);
  }

  #onReadRequest({ from, id }: ReadRequest): void {
    this.#reads.add({ id, from });
  }

  #answerReads(): void {
    this.#reads.confirmed(this.#confirmedRound(), ({ id, from }, index) => {
      const core = this.#core;
      if (from === core.id) core.reads.push({ id, index });
      else core.send({ type: 'read-reply', from: core.id, to: from, term: core.term, id, index });
    });
  }

  #confirmedRound(): number {
    const { id, configurations } = this.#core;
    return reachedByMajority(configurations.newest.voters, (voter) =>
      voter === id ? this.#round : (this.#progress.get(voter)?.round ?? 0),
    );
  }

  // ── transfer ──

  transfer(target: NodeId): TransferRefusal | null {
    const core = this.#core;
    if (this.#transfer !== null) return 'transferring';
    const progress = this.#progress.get(target);
    if (progress === undefined || !core.configurations.newest.voters.includes(target)) return 'not-a-voter';
    this.#transfer = new Transfer(target, core.nowMs + core.settings.electionMs);
    this.#continueTransfer(progress);
    return null;
  }

  #continueTransfer(progress: Progress): void {
    const { id, term, log } = this.#core;
    if (this.#transfer?.target !== progress.id) return;
    if (!this.#transfer.isReady(progress.match, log.lastIndex)) return;
    this.#core.send({ type: 'time-out-now', from: id, to: progress.id, term });
  }

  // ── time ──

  get dueMs(): number {
    return Math.min(this.#heartbeatDueMs, this.#transfer?.dueMs ?? Number.POSITIVE_INFINITY);
  }

  tick(): void {
    const { nowMs, settings, term, turnInto } = this.#core;
    if (this.#transfer?.isOver(nowMs)) this.#transfer = null;
    if (nowMs < this.#heartbeatDueMs) return;
    if (nowMs - this.#majorityHeardMs() >= settings.electionMs) return turnInto.follow(term, NOBODY);
    this.#heartbeat();
  }

  #majorityHeardMs(): number {
    const { id, nowMs, configurations } = this.#core;
    return reachedByMajority(configurations.newest.voters, (voter) =>
      voter === id ? nowMs : (this.#progress.get(voter)?.heardMs ?? Number.NEGATIVE_INFINITY),
    );
  }

  #heartbeat(): void {
    const { id, term, log, nowMs, settings } = this.#core;
    this.#round += 1;
    this.#heartbeatDueMs = nowMs + settings.heartbeatMs;
    for (const progress of this.#progress.values()) {
      progress.roundSent = this.#round;
      // No more than is known to be held: an entry that was lost must not be taken as committed.
      const commit = Math.min(progress.match, log.committed);
      this.#core.send({ type: 'heartbeat', from: id, to: progress.id, term, commit, round: this.#round });
    }
  }

  woke(): void {
    for (const progress of this.#progress.values()) progress.heardMs = this.#core.nowMs;
    this.#heartbeat();
    this.#actsFromRound = this.#round;
  }

  flush(): void {
    if (this.#reads.wantsRound && this.#isTermCommitted) {
      this.#heartbeat();
      this.#reads.begin(this.#round, this.#core.log.committed);
      this.#answerReads(); // at once where this is the only voter
    }
    for (const progress of this.#progress.values()) replicate(this.#core, progress);
  }

  left(): void {
    const { id, reads } = this.#core;
    this.#core.knowLeader(NOBODY);
    this.#reads.abandon((read) => {
      if (read.from === id) reads.push({ id: read.id, index: null });
    });
  }
}
