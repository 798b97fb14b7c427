/**
 * A group under a hostile network, decided by a seed: messages are lost, doubled, delayed and overtake one another; links
 * are cut one way or both; members crash in the middle of a write, restart, pause, join and leave. Ends with a healed
 * network, in which the group must come to agree.
 */
import { assert } from '../../../src/base/assert.ts';
import { BinaryHeap } from '../../../src/base/binary-heap.ts';
import { Prng } from '../../../src/base/prng.ts';
import type { DurableState, Message, NodeId, Ready } from '../../../src/raft/messages.ts';
import type { RaftSettings } from '../../../src/raft/settings.ts';
import { type Counts, narrowSettings, zero } from './counts.ts';
import { Invariants, Violation } from './invariants.ts';
import { Member } from './member.ts';

interface OpenRead {
  readonly id: NodeId;
  readonly since: number;
}

const LATE_MAX_MS = 4000;
const STEPS_MAX = 400_000;

export class World {
  nowMs = 0;
  readonly counts: Counts = { ...zero };
  readonly members: Map<NodeId, Member> = new Map();
  readonly #random: Prng;
  readonly #network: Prng;
  readonly #faults: Prng;
  readonly #events = new BinaryHeap();
  readonly #actions = new Map<number, () => void>();
  readonly #invariants: Invariants;
  readonly #settings: RaftSettings;
  readonly #pausedUntil = new Map<NodeId, number>();
  readonly #heldBack = new Map<NodeId, (() => void)[]>();
  readonly #cut = new Set<string>();
  readonly #timerDue = new Map<NodeId, number>();
  /** The last term in which a member was seen to lead. */
  readonly #lastLed = new Map<NodeId, number>();
  readonly #reads = new Map<number, OpenRead>();
  readonly #founders: readonly NodeId[];
  #nextEvent = 0;
  #nextRead = 1;
  #nextMember: NodeId;
  #isHealed = false;
  /** Swarm: each seed has its own mixture. */
  readonly #lossPercent: number;
  readonly #delayMaxMs: number;
  readonly #diskMaxMs: number;
  /** So many of a hundred messages are late by seconds. */
  readonly #latePercent: number;
  /** So many of a hundred acts change the members. */
  readonly #churnPercent: number;
  readonly #transferPercent: number;

  constructor(seed: number) {
    const root = new Prng(seed);
    this.#random = root.fork('world');
    this.#network = root.fork('network');
    this.#faults = root.fork('faults');
    const swarm = root.fork('swarm');
    this.#settings = {
      ...narrowSettings,
      // At one byte each entry travels alone.
      messageBytesMax: [1, 1, 400][swarm.below(3)] as number,
      inFlightMessagesMax: [1, 4, 16][swarm.below(3)] as number,
      compactEntries: [8, 40, 1000][swarm.below(3)] as number,
      keptEntries: [0, 5][swarm.below(2)] as number,
    };
    this.#invariants = new Invariants(this.#settings);
    this.#latePercent = [0, 3, 10, 35][swarm.below(4)] as number;
    this.#transferPercent = [0, 2, 25][swarm.below(3)] as number;
    this.#churnPercent = [0, 4, 30][swarm.below(3)] as number;
    this.#lossPercent = [0, 2, 10, 25][swarm.below(4)] as number;
    this.#delayMaxMs = [2, 10, 60, 250][swarm.below(4)] as number;
    this.#diskMaxMs = [0, 3, 20, 150][swarm.below(4)] as number;
    const size = [1, 2, 3, 3, 4, 4, 5, 5][swarm.below(8)] as number;
    this.#founders = Array.from({ length: size }, (_, place) => place + 1);
    this.#nextMember = size + 1;
    for (const id of this.#founders) this.#add(id, this.#founders);
  }

  #add(id: NodeId, founders: readonly NodeId[]): void {
    const member = new Member({
      id,
      founders: { voters: founders, learners: [] },
      settings: this.#settings,
      dice: this.#random.fork(`dice ${id}`),
      watcher: {
        send: (message) => this.#send(message),
        ready: (from, ready) => this.#invariants.ready(from, ready),
        advanced: (from, ready) => this.#advanced(from, ready),
        restored: (from, state: DurableState) => this.#invariants.restored(from, state),
      },
    });
    this.members.set(id, member);
    if (this.#diskMaxMs > 0) {
      member.disk.onWrite = () => {
        const { lives } = member;
        this.#after(this.#network.below(this.#diskMaxMs), () => {
          if (member.lives === lives && member.isUp) this.#whenAwake(member, () => member.disk.complete());
        });
      };
    }
    this.#start(member);
  }

  #start(member: Member): void {
    member.start(this.nowMs);
    this.#turn(member);
  }

  // ── events ──

  #after(afterMs: number, run: () => void): void {
    this.#nextEvent += 1;
    this.#actions.set(this.#nextEvent, run);
    this.#events.push(this.nowMs + afterMs, this.#nextEvent);
  }

  #step(): void {
    this.counts.steps += 1;
    this.nowMs = Math.max(this.nowMs, this.#events.peekDeadline());
    const id = this.#events.pop();
    const run = this.#actions.get(id);
    this.#actions.delete(id);
    run?.();
  }

  /** Runs all until `untilMs`, or until `isDone`. */
  run(untilMs: number, isDone: () => boolean = () => false): boolean {
    while (this.#events.peekDeadline() <= untilMs && this.counts.steps < STEPS_MAX) {
      this.#step();
      if (isDone()) return true;
    }
    this.nowMs = Math.max(this.nowMs, untilMs);
    return isDone();
  }

  #whenAwake(member: Member, run: () => void): void {
    if ((this.#pausedUntil.get(member.id) ?? 0) <= this.nowMs) return run();
    const held = this.#heldBack.get(member.id);
    if (held === undefined) this.#heldBack.set(member.id, [run]);
    else held.push(run);
  }

  #turn(member: Member): void {
    member.turn();
    if (!member.isUp) return;
    this.#watchElections(member);
    const due = member.raft.nextTimerMs;
    const known = this.#timerDue.get(member.id);
    if (known !== undefined && known > this.nowMs && known <= due) return;
    this.#timerDue.set(member.id, due);
    const { lives } = member;
    this.#after(Math.max(0, due - this.nowMs), () => {
      this.#whenAwake(member, () => {
        if (!member.isUp || member.lives !== lives || this.#timerDue.get(member.id) !== due) return;
        this.#timerDue.delete(member.id);
        member.raft.tick(this.nowMs);
        this.#turn(member);
      });
    });
  }

  /** Much depends on the moment in which a leader is new: faults come then more often. */
  #watchElections(member: Member): void {
    const { role, term } = member.raft.status;
    if (role !== 'leader' || this.#lastLed.get(member.id) === term) return;
    this.#lastLed.set(member.id, term);
    if (this.#isHealed) return;
    if (this.#churnPercent > 0 && this.#faults.below(2) === 0) {
      this.#changeAt(member);
      this.#cutOff(member);
    } else if (this.#faults.below(4) === 0) this.#cutSomewhere();
    if (this.#faults.below(12) === 0) this.#after(this.#faults.below(50), () => this.#crash(member));
    member.turn();
  }

  // ── network ──

  #send(message: Message): void {
    this.counts.messages += 1;
    if (message.type === 'snapshot') this.counts.snapshotsSent += 1;
    if (message.type === 'append-reply' && message.isRejected) this.counts.rejections += 1;
    const isLost = this.#cut.has(`${message.from}→${message.to}`) || this.#network.below(100) < this.#lossPercent;
    if (isLost && !this.#isHealed) {
      this.counts.lost += 1;
      return;
    }
    if (message.type === 'time-out-now') this.#deafen(message.from);
    this.#deliver(message);
    if (this.#isHealed || this.#network.below(100) >= this.#lossPercent) return;
    this.counts.doubled += 1;
    this.#deliver(message);
  }

  /** Who hands over does not know when it has ceased to lead: it hears only what is under way already, and is asked to read. */
  #deafen(id: NodeId): void {
    const member = this.members.get(id);
    if (member === undefined || this.#isHealed || this.#faults.below(2) === 0) return;
    const links = [...this.members.keys()].map((other) => `${other}→${id}`);
    for (const link of links) this.#cut.add(link);
    this.#after(600, () => {
      for (const link of links) this.#cut.delete(link);
    });
    for (let left = 6; left > 0; left -= 1) this.#after(this.#faults.below(500), () => this.#read(member));
  }

  #deliver(message: Message): void {
    const isLate = this.#network.below(100) < this.#latePercent;
    const delayMs = this.#isHealed ? 1 : this.#network.below(isLate ? LATE_MAX_MS : this.#delayMaxMs + 1);
    this.#after(delayMs, () => {
      const member = this.members.get(message.to);
      if (member === undefined) return;
      this.#whenAwake(member, () => {
        if (!member.isUp) return;
        member.raft.step(message, this.nowMs);
        this.#turn(member);
      });
    });
  }

  #advanced(member: Member, ready: Ready): void {
    this.#invariants.advanced(member, ready);
    for (const { id, index } of ready.reads) {
      const read = this.#reads.get(id);
      if (read === undefined) continue;
      this.#reads.delete(id);
      if (index === null) continue;
      this.counts.readsAnswered += 1;
      this.#invariants.read(member.id, index, read.since);
    }
  }

  // ── what happens ──

  /** Load and faults for a while, then a healed network. */
  runFaults(forMs: number): void {
    const endMs = this.nowMs + forMs;
    while (this.nowMs < endMs && this.counts.steps < STEPS_MAX) {
      this.#act();
      this.run(this.nowMs + this.#faults.below(60));
    }
    this.heal();
  }

  /** Faults at a leader tell more. */
  #any(): Member {
    const leaders = this.#leaders();
    if (leaders.length > 0 && this.#faults.below(3) === 0) return leaders[this.#faults.below(leaders.length)] as Member;
    const members = [...this.members.values()];
    return members[this.#faults.below(members.length)] as Member;
  }

  #act(): void {
    const member = this.#any();
    if (this.#faults.below(100) < this.#churnPercent) return this.#change();
    const choice = this.#faults.below(100);
    if (choice < 3) this.#crash(member);
    else if (choice < 5) this.#pause(member);
    else if (choice < 9) this.#cutSomewhere();
    else if (choice < 14) this.#cut.clear();
    else if (choice < 14 + this.#transferPercent) this.#transfer(member);
    else if (choice < 55) this.#read(member);
    else for (let left = this.#faults.below(4); left >= 0; left -= 1) this.#propose();
  }

  #crash(member: Member): void {
    if (!member.isUp) return;
    this.counts.crashes += 1;
    const { torn } = member.disk;
    member.crash(this.#faults);
    this.counts.torn += member.disk.torn - torn;
    this.#timerDue.delete(member.id);
    this.#after(this.#faults.below(2000), () => {
      if (!member.isUp) this.#start(member);
    });
  }

  #pause(member: Member): void {
    if ((this.#pausedUntil.get(member.id) ?? 0) > this.nowMs) return;
    this.counts.pauses += 1;
    const forMs = 50 + this.#faults.below(2500);
    this.#pausedUntil.set(member.id, this.nowMs + forMs);
    this.#after(forMs, () => this.#wake(member));
  }

  #wake(member: Member): void {
    this.#pausedUntil.delete(member.id);
    const held = this.#heldBack.get(member.id) ?? [];
    this.#heldBack.delete(member.id);
    for (const run of held) run();
  }

  #cutSomewhere(): void {
    this.counts.cuts += 1;
    const ids = [...this.members.keys()];
    const isOneWay = this.#faults.below(3) === 0;
    const side = new Set(ids.filter(() => this.#faults.below(2) === 0));
    for (const a of ids) {
      for (const b of ids) {
        if (side.has(a) && !side.has(b)) this.#cut.add(`${a}→${b}`);
        if (side.has(b) && !side.has(a) && !isOneWay) this.#cut.add(`${a}→${b}`);
      }
    }
  }

  /** Leaves a member with one or two others, cut off from the rest. */
  #cutOff(member: Member): void {
    this.counts.cuts += 1;
    this.#cut.clear();
    const ids = [...this.members.keys()];
    const side = new Set([member.id, this.#any().id]);
    if (this.#faults.below(3) === 0) side.add(this.#any().id);
    for (const a of ids) for (const b of ids) if (side.has(a) !== side.has(b)) this.#cut.add(`${a}→${b}`);
  }

  #leaders(): Member[] {
    return [...this.members.values()].filter((member) => member.leads && !this.#isPaused(member));
  }

  #isPaused(member: Member): boolean {
    return (this.#pausedUntil.get(member.id) ?? 0) > this.nowMs;
  }

  #propose(): void {
    for (const leader of this.#leaders()) {
      const data = new Uint8Array(this.#faults.below(200));
      for (let at = 0; at < data.length; at += 1) data[at] = this.#faults.below(256);
      const proposed = leader.raft.propose(data, this.nowMs);
      if ('accepted' in proposed) this.counts.proposals += 1;
      else this.counts.refusals += 1;
      this.#turn(leader);
    }
  }

  /** Every leader, those of former terms too, is asked for one or two changes at once. */
  #change(): void {
    for (const leader of this.#leaders()) {
      for (let left = this.#faults.below(2); left >= 0; left -= 1) this.#changeAt(leader);
      this.#turn(leader);
    }
  }

  #changeAt(leader: Member): void {
    const { voters, learners } = leader.raft.configuration;
    const kinds = ['add-learner', 'add-voter', 'add-voter', 'remove', 'remove'] as const;
    const kind = kinds[this.#faults.below(kinds.length)] as (typeof kinds)[number];
    const known = kind === 'add-voter' ? learners : [...voters, ...learners];
    const isFull = voters.length + learners.length >= 6;
    if (kind === 'add-learner' ? isFull : known.length === 0) return;
    const id = kind === 'add-learner' ? this.#newcomer() : (known[this.#faults.below(known.length)] as NodeId);
    if ('accepted' in leader.raft.proposeChange({ kind, id }, this.nowMs)) this.counts.changes += 1;
  }

  #newcomer(): NodeId {
    const removed = [...this.members.values()].filter(
      (member) => member.isUp && member.raft.configuration.voters.length === 0,
    );
    const [waiting] = removed;
    if (waiting !== undefined) return waiting.id;
    const id = this.#nextMember;
    this.#nextMember += 1;
    this.#add(id, []);
    return id;
  }

  #transfer(target: Member): void {
    for (const leader of this.#leaders()) {
      if (leader.raft.transfer(target.id, this.nowMs) === null) this.counts.transfers += 1;
      this.#turn(leader);
    }
  }

  #read(member: Member): void {
    if (!member.isUp || this.#isPaused(member)) return;
    const id = this.#nextRead;
    this.#nextRead += 1;
    if (member.raft.readIndex(id, this.nowMs) !== null) return;
    this.counts.reads += 1;
    this.#reads.set(id, { id: member.id, since: this.#invariants.highestCommit });
    this.#turn(member);
  }

  // ── the end ──

  heal(): void {
    this.#isHealed = true;
    this.#cut.clear();
    for (const member of this.members.values()) {
      if (!member.isUp) this.#start(member);
      this.#wake(member);
    }
  }

  /** Everybody the newest leader knows has applied the same, and a new proposal is committed. */
  agree(withinMs: number): void {
    const marker = this.#invariants.highestCommit;
    const isAgreed = this.run(this.nowMs + withinMs, () => {
      const [leader, ...others] = this.#leaders();
      if (leader === undefined || others.length > 0 || !leader.raft.status.mayAct) return false;
      if (leader.raft.status.lastIndex <= marker + 1) this.#proposeMarker(leader);
      return this.#isAgreed(leader, marker);
    });
    this.counts.terms = this.#invariants.terms;
    this.counts.committed = this.#invariants.highestCommit;
    if (!isAgreed) throw new Violation(`progress: no agreement within ${withinMs} ms after healing: ${this.#report()}`);
  }

  #proposeMarker(leader: Member): void {
    leader.raft.propose(new Uint8Array(1), this.nowMs);
    this.#turn(leader);
  }

  #isAgreed(leader: Member, marker: number): boolean {
    const { voters, learners } = leader.raft.configuration;
    const states = [...voters, ...learners].map((id) => this.members.get(id)?.state);
    assert(
      states.every((state) => state !== undefined),
      'members of the configuration exist',
    );
    return states.every(
      (state) => state?.index === leader.state.index && state.hash === leader.state.hash && state.index > marker,
    );
  }

  #report(): string {
    return [...this.members.values()]
      .map(
        ({ id, raft, state }) =>
          `${id} ${raft.status.role} term ${raft.status.term} last ${raft.status.lastIndex} applied ${state.index}`,
      )
      .join(', ');
  }
}

/** One seed from beginning to end. @throws Violation, AssertionError */
export function runSeed(seed: number, forMs: number): Counts {
  const world = new World(seed);
  world.runFaults(forMs);
  world.agree(20_000);
  return world.counts;
}
