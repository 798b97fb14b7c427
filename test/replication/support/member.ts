/** A member of the random schedule: one life after another, each with the role that the book, as far as it knows it, gives it. */
import { AcceptStatus, Backup } from '../../../src/replication/backup.ts';
import { EntryKind } from '../../../src/replication/entry-kind.ts';
import type { EpochStart } from '../../../src/replication/epoch-starts.ts';
import { type Follower, FollowerState } from '../../../src/replication/follower.ts';
import { Primary } from '../../../src/replication/primary.ts';
import { Replica } from '../../../src/replication/replica.ts';
import { ENTRY_HEAD_BYTES } from '../../../src/replication/replication-log.ts';
import { describeEntry, plainEntry } from './entries.ts';
import type { Configuration, InSyncChange } from './tiny-book.ts';

interface SentRecord {
  readonly epoch: number;
  readonly operation: number;
  /** The entry from its kind on; null: only the commit point. */
  readonly raw: Uint8Array | null;
  readonly commit: number;
}

/** What travels; `configuration` is the epoch of the reign that it belongs to. */
export type Packet = { readonly configuration: number } & (
  | { readonly kind: 'entries'; readonly records: readonly SentRecord[] }
  | { readonly kind: 'answer'; readonly status: number; readonly epoch: number; readonly operation: number }
  | { readonly kind: 'snapshot'; readonly position: number; readonly epochs: readonly EpochStart[]; held: string[] }
  /** −1: it was not newer than what is there. */
  | { readonly kind: 'installed'; readonly position: number }
);

export class Member {
  readonly id: number;
  replica: Replica = new Replica();
  backup: Backup = new Backup(this.replica);
  /** Number of this life. */
  incarnation = 0;
  alive = true;
  /** The book as far as it is applied; null: this life is not named by it yet. */
  book: Configuration | null = null;
  reign: Primary | null = null;
  /** The primary of the present configuration has said something. */
  heard = false;
  /** What it has proposed last, as primary. */
  proposal: InSyncChange | null = null;
  /** All entries that it holds or held before it dropped them, by position. */
  held: string[] = [];
  /** By member: the life met last on a link. */
  met: number[];
  /** Follows after followers that are not in sync, before it drops what they lack. */
  patient: boolean;
  /** What is wrong, if anything was found to be. */
  violation: string | null = null;
  readonly #min: number;
  readonly #operationsMax: number;

  constructor(id: number, members: number, min: number, operationsMax: number, patient: boolean) {
    this.id = id;
    this.met = new Array(members).fill(0);
    this.#min = min;
    this.#operationsMax = operationsMax;
    this.patient = patient;
  }

  crash(): void {
    this.alive = false;
    this.reign = null;
    this.proposal = null;
    this.book = null;
  }

  /** A new life, empty, of which the book does not know yet. */
  restart(): void {
    this.alive = true;
    this.incarnation += 1;
    this.replica = new Replica();
    this.backup = new Backup(this.replica);
    this.held = [];
    this.met = this.met.map(() => -1);
  }

  // ---- the book

  learn(book: Configuration): void {
    const before = this.book;
    this.book = book;
    if (this.reign !== null && (book.primary !== this.id || book.epoch !== this.reign.epoch)) this.reign = null;
    if (book.primary === this.id) return this.#lead(book);
    if (before?.epoch === book.epoch) return;
    this.heard = false;
    this.backup = new Backup(this.replica);
    this.replica.promise(book.epoch);
  }

  #lead(book: Configuration): void {
    if (this.reign === null) {
      this.reign = new Primary(this.replica, book.epoch, 0, this.#operationsMax);
      this.#note();
    }
    const { reign } = this;
    for (const [member] of book.incarnations.entries()) {
      if (member === this.id) continue;
      const follower = reign.follower(member) ?? reign.follow(member);
      follower.inSync = book.isr.includes(member);
      follower.proposed = false;
    }
    reign.frozen = book.isr.length < this.#min;
    reign.advance();
  }

  /** Of whom this life believes what it hears (R3). */
  names(member: number, incarnation: number): boolean {
    return this.book !== null && this.book.incarnations[member] === incarnation;
  }

  // ---- at the primary

  get writable(): boolean {
    const { reign } = this;
    return reign?.serving === true && !reign.frozen && !reign.exhausted;
  }

  append(content: number): void {
    const raw = plainEntry(content);
    this.reign?.append(EntryKind.put, 0, raw, ENTRY_HEAD_BYTES, raw.length);
    this.reign?.advance();
    this.#note();
  }

  /** The next entries for a follower, at most so many; null: there is nothing to send. */
  nextFor(member: number, entriesMax: number): Packet | null {
    const { reign } = this;
    const follower = reign?.follower(member) ?? null;
    if (reign === null || follower === null) return null;
    if (follower.state === FollowerState.needsSnapshot) return this.#snapshotFor(follower, reign);
    const { log } = this.replica;
    if (follower.sent < log.first) reign.mismatched(follower, 0, 0);
    const to = Math.min(log.next, follower.sent + entriesMax);
    const records: SentRecord[] = [];
    for (let position = follower.sent; position < to; position += 1) records.push(this.#recordOf(position, reign));
    follower.sent = to;
    return records.length === 0 ? null : { kind: 'entries', configuration: reign.epoch, records };
  }

  #recordOf(position: number, { epoch: reigning, commitOperation }: Primary): SentRecord {
    const { log } = this.replica;
    const epoch = log.epoch(position);
    const offset = log.offset(position);
    const raw = log.data.slice(offset, offset + log.length(position));
    return { epoch, operation: log.operation(position), raw, commit: epoch === reigning ? commitOperation : 0 };
  }

  #snapshotFor(follower: Follower, { epoch: configuration }: Primary): Packet | null {
    if (follower.snapshotAt >= 0) return null;
    const { commit: position, epochs } = this.replica;
    follower.snapshotAt = position;
    const starts = epochs.list.filter(({ start }) => start < position);
    return { kind: 'snapshot', configuration, position, epochs: starts, held: this.held.slice(0, position) };
  }

  commitFor(member: number): Packet | null {
    const { reign } = this;
    if (reign === null || reign.commitOperation === 0) return null;
    if (reign.follower(member)?.state !== FollowerState.following) return null;
    const { epoch, commitOperation: commit } = reign;
    return { kind: 'entries', configuration: epoch, records: [{ epoch, operation: commit, raw: null, commit }] };
  }

  /** The link to `member`, in its life `incarnation`, is new. */
  linked(member: number, incarnation: number): void {
    const follower = this.reign?.follower(member) ?? null;
    if (follower !== null && this.met[member] !== incarnation) this.reign?.forgot(follower);
    this.met[member] = incarnation;
    if (follower === null) return;
    follower.snapshotAt = -1;
    this.reign?.resend(follower);
  }

  /** R19: may be proposed, as measured now. */
  hasCaughtUp(follower: Follower): boolean {
    const { reign } = this;
    if (reign === null || follower.mustHold || follower.state !== FollowerState.following) return false;
    if (!this.names(follower.member, this.met[follower.member] as number)) return false;
    return follower.match >= reign.commit && follower.match > reign.barrier;
  }

  /** Keeps no more of the log than somebody may need. */
  drop(): void {
    const { replica, reign } = this;
    let from = replica.commit;
    for (const follower of reign?.followers ?? []) {
      if (follower.mustHold || this.patient) from = Math.min(from, follower.neededFrom);
    }
    if (from > replica.log.first) replica.dropBefore(from);
  }

  // ---- messages

  /** Takes what `from` has sent; gives the answer. */
  take(from: number, packet: Packet): Packet | null {
    const { book } = this;
    if (book === null || packet.configuration > book.epoch) return null;
    if (packet.kind === 'entries') return this.#taken(packet.configuration, packet.records);
    if (packet.kind === 'snapshot') return this.#install(from, packet);
    const follower = this.reign?.follower(from) ?? null;
    if (this.reign === null || follower === null || packet.configuration !== this.reign.epoch) return null;
    if (packet.kind === 'installed') {
      follower.snapshotAt = -1;
      if (packet.position < 0 || follower.state !== FollowerState.needsSnapshot) return null;
      follower.state = FollowerState.unknown;
      follower.sent = packet.position;
    } else this.#answered(this.reign, follower, packet.status, packet.epoch, packet.operation);
    return null;
  }

  #answered(reign: Primary, follower: Follower, status: number, epoch: number, operation: number): void {
    if (!reign.hasAppended(epoch, operation)) {
      this.violation = 'R6: somebody says to hold what was never appended';
      return;
    }
    if (status === AcceptStatus.held) reign.acknowledged(follower, epoch, operation);
    else if (status === AcceptStatus.mismatch) {
      if (epoch === reign.epoch) reign.acknowledged(follower, epoch, operation);
      reign.mismatched(follower, epoch, operation);
    }
  }

  /** The last entry decides the answer. */
  #taken(configuration: number, records: readonly SentRecord[]): Packet | null {
    const { backup, replica } = this;
    if (this.reign !== null && configuration === this.reign.epoch) return null;
    let status = -1;
    if (configuration === this.book?.epoch) this.heard = true;
    for (const { epoch, operation, raw, commit } of records) {
      if (raw !== null) {
        if (configuration === replica.promised && backup.cutsCommitted(backup.placeOf(epoch, operation, raw, 0))) {
          this.violation = 'R15: a primary would cut off what is committed';
          return null;
        }
        status = backup.accept(configuration, epoch, operation, raw, 0, raw.length, 0);
        if (status === AcceptStatus.held && configuration < replica.promised) {
          this.violation = 'R2: it acknowledges an epoch below the one it has promised';
        }
        this.#note();
      }
      if (configuration === replica.promised) backup.committed(epoch, commit);
    }
    const { epoch, operation } = status === AcceptStatus.mismatch ? backup.lacking : replica.last;
    return status < 0 ? null : { kind: 'answer', configuration, status, epoch, operation };
  }

  /** Where its log ends: said when it begins to follow, and again until it is heard. */
  announce(): Packet | null {
    if (this.book === null || this.reign !== null) return null;
    const { epoch, operation } = this.replica.last;
    return { kind: 'answer', configuration: this.book.epoch, status: AcceptStatus.mismatch, epoch, operation };
  }

  #install(from: number, packet: Packet & { kind: 'snapshot' }): Packet | null {
    const { configuration, position, epochs, held } = packet;
    const { replica, book } = this;
    if (book?.primary !== from || book.epoch !== configuration) return null;
    if (position < replica.commit) return { kind: 'installed', configuration, position: -1 };
    const last = epochs.at(-1) ?? { epoch: 0, start: 0 };
    const isHeld = replica.epochs.after(last.epoch, position - last.start, replica.log.next) === position;
    if (!isHeld) {
      replica.restart(position, epochs, 0, 0);
      this.held = [...held];
    }
    this.heard = false;
    return { kind: 'installed', configuration, position };
  }

  /** Writes down what it holds. */
  #note(): void {
    const { log } = this.replica;
    this.held.length = Math.min(this.held.length, log.next);
    for (let position = log.first; position < log.next; position += 1) {
      this.held[position] = describeEntry(log, position);
    }
  }
}
