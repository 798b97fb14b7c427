/**
 * The partitions of a node, in the roles that the book gives them: primary of some, backup of others, nothing of the rest
 * (R1). A change of the book ends roles and begins others; a new primary first waits until nobody can answer reads any
 * more under a lease that this node has granted (R12).
 */
import type { Arena } from '../base/arena.ts';
import { assert } from '../base/assert.ts';
import { type Book, type BookPartition, NO_MEMBER } from '../cluster/book.ts';
import { electorateOf, minOf } from '../cluster/electorate.ts';
import { PartitionBackup } from './partition-backup.ts';
import { PartitionPrimary } from './partition-primary.ts';
import { PartitionReplica, type TakeStage } from './partition-replica.ts';
import { PartitionState } from './partition-state.ts';
import type { NodePorts } from './ports.ts';
import type { PrimaryHost } from './primary-host.ts';
import { Rivals } from './rivals.ts';
import type { Roster } from './roster.ts';

export interface PartitionsHost {
  readonly ports: NodePorts;
  readonly arena: Arena;
  readonly nowMs: number;
  readonly roster: Roster;
  readonly primaryHost: PrimaryHost;
  touch(): number;
  /** The partition has something to tell its primary at the end of the turn. */
  acknowledge(partition: PartitionBackup): void;
  reignBegan(partition: PartitionPrimary): void;
  /** A reign has ended: what was under way outside the log ends with it. */
  reignEnded(partition: PartitionPrimary): void;
  /** A role has begun, or the in-sync set has changed. */
  configured(partition: number): void;
}

export class Partitions {
  /** By partition; null: nothing is kept. */
  readonly replicas: (PartitionReplica | null)[] = [];
  readonly primaries: (PartitionPrimary | null)[] = [];
  readonly backups: (PartitionBackup | null)[] = [];
  /** By partition: slot of the primary, NO_MEMBER: none. */
  primaryMembers: Uint16Array = new Uint16Array(0);
  book: Book | null = null;
  /** Reigns that had to wait for a predecessor's leases; and times that a log was cut back here. */
  waitsForRivals = 0;
  truncations = 0;
  /** Makes the empty state of a partition. */
  makeState: (partition: number, takeStage: TakeStage) => PartitionState;
  readonly #host: PartitionsHost;
  readonly #rivals: Rivals;
  /** Partitions that wait to begin their reign. */
  readonly #elected: Set<number> = new Set();
  /** By partition: when it was seen here to begin anew, monotonic milliseconds. */
  readonly #begunAnewMs: Map<number, number> = new Map();

  constructor(host: PartitionsHost) {
    this.#host = host;
    this.makeState = (_, takeStage): PartitionState => new PartitionState(host.arena, takeStage);
    this.#rivals = new Rivals(host.roster, host);
  }

  get count(): number {
    return this.primaryMembers.length;
  }

  entry(partition: number): BookPartition {
    const entry = this.book?.partitions[partition];
    assert(entry !== undefined, 'partitions: the book has them all');
    return entry;
  }

  /** The book has changed; the roster knows it already. */
  bookChanged(book: Book, before: Book | null): void {
    this.book = book;
    if (this.primaryMembers.length !== book.partitions.length) this.#resize(book.partitions.length);
    const others = before === null || this.#host.roster.changedSelf || minOf(book) !== minOf(before);
    for (let partition = 0; partition < book.partitions.length; partition += 1) {
      const entry = book.partitions[partition] as BookPartition;
      const old = before?.partitions[partition] ?? null;
      if (entry === old && !others) continue;
      this.#rivals.changed(partition, entry, old, book, before);
      if (old !== null && entry.firstEpoch !== old.firstEpoch) this.#begunAnewMs.set(partition, this.#host.nowMs);
      this.primaryMembers[partition] = entry.primary;
      this.#configure(partition, entry);
    }
  }

  #resize(count: number): void {
    assert(this.primaryMembers.length === 0, 'partitions: their number never changes');
    this.primaryMembers = new Uint16Array(count).fill(NO_MEMBER);
    for (let partition = 0; partition < count; partition += 1) {
      this.replicas.push(null);
      this.primaries.push(null);
      this.backups.push(null);
    }
  }

  // ---- roles

  #configure(partition: number, entry: BookPartition): void {
    const { self } = this.#host.roster;
    const keeps = self !== NO_MEMBER && isKeeper(entry, self);
    const primary = this.primaries[partition] ?? null;
    if (primary !== null && (entry.primary !== self || entry.epoch !== primary.epoch)) this.#endReign(primary);
    this.#endBackup(partition, entry);
    this.#elected.delete(partition);
    if (keeps) this.#forgetFormer(partition, entry);
    if (entry.primary === self && self !== NO_MEMBER) this.#reignOrWait(partition, entry);
    else if (keeps) this.#follow(partition, entry);
    else this.#drop(partition);
    this.#host.configured(partition);
  }

  #endReign(primary: PartitionPrimary): void {
    this.primaries[primary.id] = null;
    primary.end();
    this.#host.reignEnded(primary);
  }

  #endBackup(partition: number, entry: BookPartition): void {
    const backup = this.backups[partition] ?? null;
    if (backup === null) return;
    if (backup.epoch === entry.epoch && backup.primaryMember === entry.primary) return;
    backup.ended = true;
    if (backup.backup.truncated > 0) this.truncations += 1;
    this.backups[partition] = null;
  }

  /** R9: what was before the partition began anew is nothing any more. */
  #forgetFormer(partition: number, entry: BookPartition): void {
    const kept = this.replicas[partition] ?? null;
    if (kept === null || kept.replica.isEmpty || kept.replica.epochs.lastEpoch >= entry.firstEpoch) return;
    kept.forget();
  }

  #keep(partition: number): PartitionReplica {
    const known = this.replicas[partition] ?? null;
    if (known !== null) return known;
    const kept = new PartitionReplica(partition, (takeStage) => this.makeState(partition, takeStage));
    this.replicas[partition] = kept;
    return kept;
  }

  #follow(partition: number, entry: BookPartition): void {
    if (this.backups[partition] !== null && this.backups[partition] !== undefined) return;
    const backup = new PartitionBackup(this.#keep(partition), entry.epoch, entry.primary);
    this.backups[partition] = backup;
    backup.announce(this.#host.nowMs);
    this.#host.acknowledge(backup);
  }

  /** It is nothing to this node any more. */
  #drop(partition: number): void {
    const backup = this.backups[partition] ?? null;
    if (backup !== null) backup.ended = true;
    this.backups[partition] = null;
    this.replicas[partition]?.forget();
    this.replicas[partition] = null;
  }

  // ---- reigns

  #reignOrWait(partition: number, entry: BookPartition): void {
    const primary = this.primaries[partition] ?? null;
    if (primary !== null) return this.#reconfigure(primary, entry);
    this.#elected.add(partition);
    this.beginReigns();
  }

  /** Begins the reigns whose wait is over. */
  beginReigns(): void {
    if (this.#elected.size === 0) return;
    const now = this.#host.touch();
    let earliest = Number.POSITIVE_INFINITY;
    for (const partition of [...this.#elected]) {
      const until = this.#rivals.untilMs(partition);
      if (now >= until) this.#begin(partition);
      else earliest = Math.min(earliest, until);
    }
    if (earliest < Number.POSITIVE_INFINITY) this.waitsForRivals += 1;
    if (earliest < Number.POSITIVE_INFINITY) {
      this.#host.ports.timers.after(earliest - now, () => this.beginReigns());
    }
  }

  #begin(partition: number): void {
    this.#elected.delete(partition);
    const { primaryHost, ports } = this.#host;
    const entry = this.entry(partition);
    const unixMs = ports.clock.unixMs();
    const primary = new PartitionPrimary(this.#keep(partition), { epoch: entry.epoch, unixMs }, primaryHost);
    primary.locksFromMs = this.#locksFromMs(partition, entry, unixMs);
    this.primaries[partition] = primary;
    this.#reconfigure(primary, entry);
    primary.changed();
    this.#host.reignBegan(primary);
    this.#host.configured(partition);
  }

  /** R9: by the own clock where the beginning was seen here; wall clocks of different nodes only where it was not. */
  #locksFromMs(partition: number, { locksFromMs }: BookPartition, unixMs: number): number {
    const { nowMs } = this.#host;
    if (locksFromMs === 0) return 0;
    const maxLeaseMs = this.book?.settings.maxLeaseMs ?? 0;
    const begunMs = this.#begunAnewMs.get(partition);
    if (begunMs !== undefined) return begunMs + maxLeaseMs;
    const waitMs = Math.min(maxLeaseMs, locksFromMs - unixMs);
    return waitMs > 0 ? nowMs + waitMs : 0;
  }

  /** R5, R8: who must hold what commits, and who is to be brought there. */
  #reconfigure(partition: PartitionPrimary, entry: BookPartition): void {
    const { self } = this.#host.roster;
    const { primary } = partition;
    const others = [...new Set([...entry.isr, ...entry.eligible, ...entry.target])].filter((slot) => slot !== self);
    for (const { member } of [...primary.followers]) if (!others.includes(member)) primary.unfollow(member);
    // A proposal ends when the book has passed the version it named (R1), and not before.
    const isSettled = partition.version !== entry.version;
    partition.version = entry.version;
    for (const slot of others) {
      const follower = primary.follower(slot) ?? primary.follow(slot);
      follower.inSync = entry.isr.includes(slot);
      if (isSettled) follower.proposed = false;
    }
    primary.frozen = entry.isr.length < minOf(this.book as Book);
    const proposed = primary.followers.filter((follower) => follower.proposed).map(({ member }) => member);
    partition.lease.needs([...new Set([...electorateOf(entry), ...proposed])].filter((slot) => slot !== self));
    partition.advance();
    partition.changed();
  }

  /** A former primary answers no reads any more under `epoch` or below (R17). */
  released(partition: number, epoch: number): void {
    if (partition >= this.count) return;
    this.#rivals.released(partition, epoch);
    this.beginReigns();
  }

  /** Whether this node is to be primary of the partition, and is about to. */
  isElected(partition: number): boolean {
    return this.#elected.has(partition);
  }
}

function isKeeper({ isr, eligible, target, primary }: BookPartition, slot: number): boolean {
  return primary === slot || isr.includes(slot) || eligible.includes(slot) || target.includes(slot);
}
