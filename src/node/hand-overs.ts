/**
 * Planned hand-over (R17): new requests wait, the target gets everything, then the book names it; the clients are sent
 * there. When nobody knows what became of the proposal, the primary goes on only after an own change of the same version
 * has committed, which ends the proposal.
 */
import type { Book, BookPartition } from '../cluster/book.ts';
import type { Command } from '../cluster/commands.ts';
import { FollowerState } from '../replication/follower.ts';
import type { PartitionPrimary } from './partition-primary.ts';

/** The target must hold everything within this, or it is given up: nothing was proposed. */
const DRAIN_MS = 2000;
/** Of a proposal nothing was heard for so long: it is ended. */
const UNKNOWN_MS = 1000;
const AGAIN_MS = 300;
const REASON = 'it is being handed over to another node';

export interface HandOverHost {
  readonly nowMs: number;
  readonly self: number;
  readonly book: Book | null;
  readonly primaries: readonly (PartitionPrimary | null)[];
  propose(command: Command): void;
  /** An in-sync change of the partition is under way. */
  isProposing(partition: number): boolean;
  wake(): void;
}

interface HandOver {
  readonly partition: PartitionPrimary;
  readonly to: number;
  readonly beganMs: number;
  /** Version of the entry it was proposed on; −1: it waits for the target to hold everything. */
  version: number;
  proposedMs: number;
  sentMs: number;
}

export class HandOvers {
  /** Partitions handed over so far. */
  done = 0;
  readonly #host: HandOverHost;
  readonly #under: Map<number, HandOver> = new Map();

  constructor(host: HandOverHost) {
    this.#host = host;
  }

  get size(): number {
    return this.#under.size;
  }

  /** Why the partition cannot be handed to the member in slot `to` now; null: it has begun. */
  begin(id: number, to: number): string | null {
    const partition = this.#host.primaries[id] ?? null;
    if (partition === null) return 'this node is not its primary';
    if (this.#under.has(id)) return 'it is being handed over already';
    if (!partition.writable) return partition.obstacle();
    if (this.#host.isProposing(id)) return 'its in-sync set is just changing';
    const isSelf = to === this.#host.self;
    const follower = partition.primary.follower(to);
    if (!isSelf && (follower === null || !follower.inSync || follower.state !== FollowerState.following)) {
      return `the member in slot ${to} is not in sync`;
    }
    partition.closedFor = REASON;
    const { nowMs } = this.#host;
    this.#under.set(id, { partition, to, beganMs: nowMs, version: -1, proposedMs: 0, sentMs: 0 });
    this.#look(id);
    return null;
  }

  /** To be called often, and when something was acknowledged. */
  tick(): void {
    for (const id of [...this.#under.keys()]) this.#look(id);
  }

  #look(id: number): void {
    const one = this.#under.get(id) as HandOver;
    const entry = this.#host.book?.partitions[id] as BookPartition;
    if (one.partition.ended) this.#gone(id, one);
    else if (one.version < 0) this.#drain(id, one, entry);
    else if (entry.version !== one.version) this.#goOn(id, one);
    else this.#askAgain(id, one);
  }

  /** Proposes as soon as the target holds everything. */
  #drain(id: number, one: HandOver, entry: BookPartition): void {
    const { partition, to } = one;
    const follower = partition.primary.follower(to);
    const { next } = partition.log;
    const isThere = to === this.#host.self || (follower !== null && follower.match === next);
    if (isThere && partition.applied === next) {
      one.version = entry.version;
      one.proposedMs = this.#host.nowMs;
      return this.#propose(id, one);
    }
    if (this.#host.nowMs - one.beganMs > DRAIN_MS) this.#goOn(id, one);
  }

  #propose(id: number, one: HandOver): void {
    one.sentMs = this.#host.nowMs;
    const { self: by } = this.#host;
    const { epoch } = one.partition;
    this.#host.propose({ kind: 'hand-over', partition: id, version: one.version, epoch, by, to: one.to });
  }

  #askAgain(id: number, one: HandOver): void {
    const { nowMs } = this.#host;
    if (nowMs - one.sentMs < AGAIN_MS) return;
    if (nowMs - one.proposedMs < UNKNOWN_MS) return this.#propose(id, one);
    one.sentMs = nowMs;
    this.#host.propose({ kind: 'touch', partition: id, version: one.version });
  }

  #gone(id: number, { version }: HandOver): void {
    this.#under.delete(id);
    if (version >= 0) this.done += 1;
  }

  /** It stays here. */
  #goOn(id: number, { partition }: HandOver): void {
    this.#under.delete(id);
    partition.closedFor = null;
    this.#host.wake();
  }
}
