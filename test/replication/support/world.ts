/**
 * One partition, its primary and its backups, taken through a schedule that a seed decides: writes, batches of any size,
 * links that break and lose what is on them, restarts of everybody. Links keep their order; between links anything may
 * overtake anything. In some schedules links lose batches without breaking, which no real one does: R6 must hold anyway.
 */
import { Prng } from '../../../src/base/prng.ts';
import { AcceptStatus } from '../../../src/replication/backup.ts';
import { EntryKind } from '../../../src/replication/entry-kind.ts';
import { BackupState, Primary } from '../../../src/replication/primary.ts';
import { ENTRY_HEAD_BYTES, ReplicationLog } from '../../../src/replication/replication-log.ts';
import { describeEntry, plainEntry } from './entries.ts';
import { type Acknowledgement, type History, Replica, type SentRecord } from './replica.ts';

/** Epochs of one life of the primary; the next life begins behind them, or before when its clock was set back. */
const EPOCHS_PER_LIFE = 1000;
/** Rounds in which everything that is under way must come to rest. */
const QUIET_ROUNDS_MAX = 100;

interface Link {
  up: boolean;
  batches: SentRecord[][];
  answers: Acknowledgement[];
  /** Life of the backup that the primary met here last; −1: none. */
  met: number;
}

export class World {
  primary: Primary;
  readonly replicas: Replica[];
  readonly #links: Link[];
  readonly #random: Prng;
  readonly #operationsMax: number;
  /** Of 1000 steps, so many restart somebody, and lose a batch. */
  readonly #restarts: number;
  readonly #losses: number;
  #history: History = { life: -1, entries: [], committed: 0 };
  #epochSlots: number[] = [];
  #contents = 0;
  #commitSeen = 0;

  constructor(seed: number) {
    this.#random = new Prng(seed);
    this.#operationsMax = this.#pick([2, 3, 5, 1000]);
    this.#restarts = this.#pick([0, 3, 10, 40]);
    this.#losses = this.#pick([0, 0, 50]);
    const count = 1 + this.#random.below(3);
    this.replicas = Array.from({ length: count }, () => new Replica());
    this.#links = this.replicas.map(() => ({ up: false, batches: [], answers: [], met: -1 }));
    this.primary = this.#newPrimary();
  }

  #pick<T>(choices: readonly T[]): T {
    return choices[this.#random.below(choices.length)] as T;
  }

  #chance(perMille: number): boolean {
    return this.#random.below(1000) < perMille;
  }

  // ---- steps

  step(): void {
    const link = this.#random.below(this.#links.length);
    if (this.#chance(this.#restarts)) return this.#restartSomebody(link);
    if (this.#chance(30)) return this.#break(link);
    if (this.#chance(this.#losses)) return void this.#links[link]?.batches.shift();
    switch (this.#random.below(6)) {
      case 0:
      case 1:
        return this.append();
      case 2:
        return this.#send(link, 1 + this.#random.below(6));
      case 3:
        return this.#tellCommit(link);
      case 4:
        return this.#deliverBatch(link);
      default:
        return this.#links[link]?.up ? this.#deliverAnswer(link) : this.#connect(link);
    }
  }

  #restartSomebody(link: number): void {
    if (this.#chance(100)) {
      for (const index of this.replicas.keys()) this.restart(index);
      return this.#restartPrimary();
    }
    this.restart(this.#chance(300) ? this.replicas.length : link);
  }

  /** Restarts a backup, or, with the number behind theirs, the primary. */
  restart(member: number): void {
    const replica = this.replicas[member];
    if (replica === undefined) return this.#restartPrimary();
    replica.restart();
    this.#break(member);
  }

  #restartPrimary(): void {
    this.#links.forEach((link, index) => {
      this.#break(index);
      link.met = -1;
    });
    this.primary = this.#newPrimary();
  }

  #newPrimary(): Primary {
    const primary = new Primary(new ReplicationLog(), this.replicas.length, this.#operationsMax);
    this.#beginHistory(this.#history.life + 1);
    primary.open(this.#newEpoch(), 0);
    this.#note(primary);
    return primary;
  }

  /** Later than all before; sometimes earlier, but one of its own. */
  #newEpoch(): number {
    let slot = 1 + Math.max(0, ...this.#epochSlots);
    if (this.#chance(300)) slot = Math.max(1, slot - 2 - this.#random.below(3));
    while (this.#epochSlots.includes(slot)) slot += 1;
    this.#epochSlots.push(slot);
    return slot * EPOCHS_PER_LIFE;
  }

  #beginHistory(life: number): void {
    this.#history = { life, entries: [], committed: 0 };
    this.#commitSeen = 0;
  }

  /** Writes down what the primary appended. */
  #note({ log }: Primary): void {
    const { entries } = this.#history;
    while (entries.length < log.next) entries.push(describeEntry(log, entries.length));
  }

  /** R7: every backup is there and follows. */
  get writable(): boolean {
    const { primary } = this;
    const isThere = (link: Link, backup: number): boolean =>
      link.up && primary.states[backup] === BackupState.following;
    return primary.serving && this.#links.every(isThere);
  }

  append(): void {
    if (!this.writable) return;
    this.#contents += 1;
    const raw = plainEntry(this.#contents);
    this.primary.append(EntryKind.put, 0, raw, ENTRY_HEAD_BYTES, raw.length);
    this.#note(this.primary);
  }

  #send(index: number, entriesMax: number): void {
    const link = this.#links[index] as Link;
    const { primary } = this;
    const from = primary.sent[index] as number;
    const to = Math.min(primary.log.next, from + entriesMax);
    if (!link.up || from === to) return;
    const records: SentRecord[] = [];
    for (let position = from; position < to; position += 1) records.push(this.#recordOf(position));
    primary.sent[index] = to;
    link.batches.push(records);
  }

  #recordOf(position: number): SentRecord {
    const { log, epoch, commitOperation } = this.primary;
    const offset = log.offset(position);
    const raw = log.data.slice(offset, offset + log.length(position));
    const commit = log.epoch(position) === epoch ? commitOperation : 0;
    return { history: this.#history, epoch: log.epoch(position), operation: log.operation(position), raw, commit };
  }

  #tellCommit(index: number): void {
    const link = this.#links[index] as Link;
    const { epoch, commitOperation: commit } = this.primary;
    if (!link.up || commit === 0) return;
    link.batches.push([{ history: this.#history, epoch, operation: commit, raw: null, commit }]);
  }

  #deliverBatch(index: number): void {
    const link = this.#links[index] as Link;
    const batch = link.batches.shift();
    if (batch === undefined) return;
    const answer = (this.replicas[index] as Replica).take(batch);
    if (answer !== null) link.answers.push(answer);
  }

  #deliverAnswer(index: number): void {
    const answer = (this.#links[index] as Link).answers.shift();
    if (answer === undefined) return;
    const { primary } = this;
    const { status, epoch, operation } = answer;
    if (status === AcceptStatus.held) primary.acknowledged(index, epoch, operation);
    else if (status === AcceptStatus.mismatch) primary.mismatched(index, epoch, operation);
    else if (status === AcceptStatus.refused) this.#refused(index);
    else if (!primary.serving && !primary.existed && epoch >= primary.epoch) this.#reopen(epoch + 1);
    this.#history.committed = Math.max(this.#history.committed, primary.commit);
    if (primary.holdsEntries) primary.log.dropBefore(primary.commit);
  }

  #refused(index: number): void {
    this.primary.refused(index);
    for (const other of this.#links.keys()) this.#tellExisted(other);
  }

  /** R4: a backup that lacks what existed is told that it existed. */
  #tellExisted(index: number): void {
    const link = this.#links[index] as Link;
    if (!link.up || !this.primary.mustBeTold(index)) return;
    const { epoch } = this.primary;
    link.batches.push([{ history: this.#history, epoch, operation: 0, raw: null, commit: 0, existed: true }]);
  }

  #reopen(epoch: number): void {
    this.#beginHistory(this.#history.life);
    this.primary.reopen(epoch, 0);
    this.#note(this.primary);
  }

  #break(index: number): void {
    const link = this.#links[index] as Link;
    link.up = false;
    link.batches = [];
    link.answers = [];
  }

  #connect(index: number): void {
    const link = this.#links[index] as Link;
    const { incarnation } = this.replicas[index] as Replica;
    if (link.met >= 0 && link.met !== incarnation) this.primary.restarted(index);
    link.met = incarnation;
    link.up = true;
    this.primary.resend(index);
    this.#tellExisted(index);
  }

  /** Renews all links and lets everything arrive. False: it does not come to rest. */
  settle(): boolean {
    for (const index of this.#links.keys()) {
      this.#break(index);
      this.#connect(index);
    }
    for (let round = 0; round < QUIET_ROUNDS_MAX; round += 1) {
      for (const [index, link] of this.#links.entries()) {
        this.#send(index, Number.POSITIVE_INFINITY);
        while (link.batches.length > 0) this.#deliverBatch(index);
        while (link.answers.length > 0) this.#deliverAnswer(index);
      }
      const unsent = [...this.primary.sent].some((sent) => sent < this.primary.log.next);
      if (!unsent) return true;
    }
    return false;
  }

  /** Lets everybody know what is committed. */
  tellAll(): void {
    for (const index of this.#links.keys()) {
      this.#tellCommit(index);
      this.#deliverBatch(index);
    }
  }

  // ---- what must hold

  violation(): string | null {
    const { primary, replicas } = this;
    const history = this.#history;
    if (primary.commit < this.#commitSeen) return 'the commit point went back';
    const moved = primary.commit > this.#commitSeen;
    this.#commitSeen = primary.commit;
    for (const [index, replica] of replicas.entries()) {
      const broken = replica.violation() ?? this.#violationBetween(index, replica, history, moved);
      if (broken !== null) return `backup ${index}: ${broken}`;
    }
    return null;
  }

  /** `moved`: the commit point has just moved. */
  #violationBetween(index: number, replica: Replica, history: History, moved: boolean): string | null {
    const { primary } = this;
    const held = replica.held(history);
    const current = (this.#links[index] as Link).met === replica.incarnation;
    if (!current) return null;
    const follows = primary.states[index] === BackupState.following;
    if (follows && (primary.match[index] as number) > held) return 'R6: it acknowledged what it lacks';
    const isOut = primary.states[index] === BackupState.restarted;
    if ((follows || (moved && !isOut)) && primary.commit > held) return 'R5: it lacks what is committed';
    const former = replica.backup.holdsEntries && replica.backup.life !== history.life;
    return primary.serving && former ? 'R4: it knows of entries of a former life, and the primary serves' : null;
  }

  /** Entries committed in this life, barriers included. */
  get committed(): number {
    return this.#history.committed;
  }

  get life(): number {
    return this.#history.life;
  }
}
