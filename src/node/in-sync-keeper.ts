/**
 * Keeps the in-sync sets of the partitions of which this node is primary: proposes to go on without members that it cannot
 * reach (R18), and with those that have caught up (R19). Only the book decides; until it has, whoever was to go is waited
 * for, and whoever was to come must hold everything. A proposal ends when the book has passed the version it named; so one
 * that is wanted no more, as a member is back, is withdrawn by moving the version on.
 */
import type { Book, BookPartition } from '../cluster/book.ts';
import type { Command } from '../cluster/commands.ts';
import { minOf } from '../cluster/electorate.ts';
import { STALLED_MS } from '../cluster/silence.ts';
import { type Follower, FollowerState } from '../replication/follower.ts';
import type { PartitionPrimary } from './partition-primary.ts';
import { type Peer, SILENCE_MS } from './peer.ts';
import { IN_FLIGHT_PER_FOLLOWER_MAX, SlowFollowers } from './slow-followers.ts';

/** A proposal of which nothing is heard is repeated: it may be lost, or the commander was another. */
const AGAIN_MS = 400;

export interface InSyncHost {
  readonly nowMs: number;
  readonly self: number;
  readonly book: Book | null;
  readonly primaries: readonly (PartitionPrimary | null)[];
  peerOf(slot: number): Peer | null;
  anyPeerOf(slot: number): Peer | null;
  propose(command: Command): void;
  /** Tells the commander whom the primary cannot reach, where it may not go on without them (R18). */
  report(partition: PartitionPrimary, unreachable: readonly number[]): void;
}

interface Proposal {
  readonly version: number;
  readonly command: Command;
  /** Those that it goes on without because they could not be reached. */
  readonly gone: readonly Follower[];
  sentAtMs: number;
}

export class InSyncKeeper {
  readonly #host: InSyncHost;
  readonly #slow: SlowFollowers = new SlowFollowers();
  /** By partition. */
  readonly #proposals: Map<number, Proposal> = new Map();
  #reportedAtMs = 0;

  constructor(host: InSyncHost) {
    this.#host = host;
  }

  /** Some proposal of this node on the partition is under way. */
  isProposing(partition: number): boolean {
    return this.#proposals.has(partition);
  }

  tick(): void {
    const { book, primaries, nowMs } = this.#host;
    if (book === null) return;
    const reports = nowMs - this.#reportedAtMs > AGAIN_MS;
    if (reports) this.#reportedAtMs = nowMs;
    for (let id = 0; id < primaries.length; id += 1) {
      const partition = primaries[id] ?? null;
      if (partition === null) this.#proposals.delete(id);
      else this.#look(partition, book, book.partitions[id] as BookPartition, reports);
    }
  }

  #look(partition: PartitionPrimary, book: Book, entry: BookPartition, reports: boolean): void {
    if (!this.#isSettled(partition.id, entry)) return;
    if (partition.closedFor !== null || this.#isCalm(partition)) return;
    const gone = partition.primary.followers.filter((one) => one.inSync && !this.#isReachable(one));
    const { nowMs } = this.#host;
    const slow = partition.primary.followers.filter(
      (one) => one.inSync && this.#slow.isTooSlow(one, partition.log, nowMs),
    );
    const mayLose = entry.isr.length - minOf(book);
    // Those behind must not keep those that are gone, nor the other way round: each kind goes by itself.
    if (gone.length > 0 && gone.length <= mayLose) return this.#propose('shrink', partition, book, entry, gone, gone);
    if (slow.length > 0 && slow.length <= mayLose) {
      for (const { member } of slow) this.#slow.punish(member, nowMs);
      return this.#propose('shrink', partition, book, entry, slow);
    }
    // With one more, those may go that may not go now.
    const ready = partition.primary.followers.filter((one) => this.#hasCaughtUp(partition, entry, one));
    if (ready.length > 0) return this.#with(partition, book, entry, ready);
    // R18: it does not fall below min on its own.
    if (gone.length > 0 && reports) {
      const unreachable = partition.primary.followers.filter((one) => !this.#isReachable(one));
      this.#host.report(
        partition,
        unreachable.map(({ member }) => member),
      );
    }
  }

  /** The usual case, without making anything: who is in sync is there and keeps up, and nobody is about to be. */
  #isCalm({ primary, log }: PartitionPrimary): boolean {
    const { followers } = primary;
    for (let index = 0; index < followers.length; index += 1) {
      const follower = followers[index] as Follower;
      if (follower.inSync ? !this.#isReachable(follower) : follower.state === FollowerState.following) return false;
      if (follower.inSync && follower.match < log.next) return false; // whether it gets there has to be watched
    }
    return log.usedBytes <= IN_FLIGHT_PER_FOLLOWER_MAX;
  }

  /** Nothing that was proposed is under way any more. */
  #isSettled(id: number, entry: BookPartition): boolean {
    const proposal = this.#proposals.get(id);
    if (proposal === undefined) return true;
    const { version } = proposal;
    if (entry.version !== version) {
      this.#proposals.delete(id);
      return true;
    }
    const { nowMs } = this.#host;
    if (nowMs - proposal.sentAtMs > AGAIN_MS) {
      proposal.sentAtMs = nowMs;
      this.#host.propose(this.#isWanted(proposal) ? proposal.command : { kind: 'touch', partition: id, version });
    }
    return false;
  }

  /** While there is no commander a proposal may wait for long: whoever is back by then is not to go. */
  #isWanted({ gone }: Proposal): boolean {
    return !gone.some((follower) => this.#isReachable(follower));
  }

  #isReachable({ member }: Follower): boolean {
    const peer = this.#host.peerOf(member);
    if (peer === null) {
      // Another life than the book names: the book will know soon.
      const other = this.#host.anyPeerOf(member);
      return other !== null && this.#host.nowMs - other.lostAtMs <= SILENCE_MS;
    }
    if (peer.control === null) return this.#host.nowMs - peer.lostAtMs <= SILENCE_MS;
    // The commander is as patient.
    const { nowMs } = this.#host;
    return peer.state !== 'silent' || (peer.isStalled(nowMs) && nowMs - peer.heardAtMs < STALLED_MS);
  }

  /** R19: at the commit point and behind the start of this epoch, committed or not, and heard in this epoch. */
  #hasCaughtUp({ primary }: PartitionPrimary, entry: BookPartition, follower: Follower): boolean {
    if (follower.inSync || follower.state !== FollowerState.following) return false;
    if (!this.#slow.mayReturn(follower.member, this.#host.nowMs)) return false;
    if (follower.match < primary.commit || follower.match <= primary.barrier) return false;
    const isWanted = entry.target.includes(follower.member) || entry.eligible.includes(follower.member);
    return isWanted && this.#host.peerOf(follower.member)?.healthy === true;
  }

  /** From now on whoever is to come must hold every write. */
  #with(partition: PartitionPrimary, book: Book, entry: BookPartition, ready: readonly Follower[]): void {
    for (const follower of ready) follower.proposed = true;
    partition.lease.needs([...new Set([...partition.lease.grantors, ...ready.map(({ member }) => member)])]);
    this.#propose('expand', partition, book, entry, ready);
  }

  #propose(
    kind: 'shrink' | 'expand',
    partition: PartitionPrimary,
    book: Book,
    entry: BookPartition,
    followers: readonly Follower[],
    gone: readonly Follower[] = [],
  ): void {
    const members = followers.map(({ member: slot }) => ({ slot, incarnation: book.members[slot]?.incarnation ?? '' }));
    const { version, epoch } = entry;
    const command: Command = { kind, partition: partition.id, version, epoch, by: this.#host.self, members };
    this.#proposals.set(partition.id, { version, command, gone, sentAtMs: this.#host.nowMs });
    this.#host.propose(command);
  }
}
