/**
 * Reads of what a replica holds, be it primary or backup (R13): answered at once from the applied state, without lease or
 * round, and labelled with an upper bound of their age. Only those in sync, or taken out of the in-sync set while commits
 * were frozen (R8), answer: others may hold anything, a part of it or nothing.
 */
import { readU16 } from '../base/bytes.ts';
import { type Book, NO_MEMBER } from '../cluster/book.ts';
import * as codec from '../protocol/client-codec.ts';
import { INLINE_VALUE_BYTES_MAX } from '../protocol/limits.ts';
import { type Follower, FollowerState } from '../replication/follower.ts';
import type { PartitionBackup } from './partition-backup.ts';
import type { PartitionPrimary } from './partition-primary.ts';
import type { PartitionReplica } from './partition-replica.ts';
import type { Peer } from './peer.ts';
import { type ReplyTarget, replyStale } from './reply.ts';
import type { VouchedTime } from './vouched-time.ts';

/** A key that is due is there until its expiry has committed (R23): it is shown with the least time left. */
const DUE_TTL_MS = 1;

export interface StaleHost {
  readonly book: Book | null;
  /** Own slot. */
  readonly self: number;
  readonly peers: readonly Peer[];
  readonly nowMs: number;
  readonly primaries: readonly (PartitionPrimary | null)[];
  readonly backups: readonly (PartitionBackup | null)[];
  readonly partitions: { readonly replicas: readonly (PartitionReplica | null)[] };
  touch(): number;
  isElected(partition: number): boolean;
  peerOf(slot: number): Peer | null;
  sendLarge(
    to: ReplyTarget,
    messageId: number,
    value: Uint8Array,
    epoch: number,
    operation: number,
    ttlMs: number,
    ageMs: number,
  ): void;
}

export class StaleReads {
  readonly #host: StaleHost;

  constructor(host: StaleHost) {
    this.#host = host;
  }

  /** Answers the GETK whose body ends with its key; false: the partition is not kept here. */
  get(partition: number, to: ReplyTarget, messageId: number, bytes: Uint8Array, start: number): boolean {
    const kept = this.#host.partitions.replicas[partition] ?? null;
    if (kept === null || !this.#isWhole(partition)) return false;
    const keyStart = start + codec.READ_KEY;
    const { keys } = kept.state;
    const slot = keys.find(bytes, keyStart, keyStart + readU16(bytes, start + codec.READ_KEY_LENGTH));
    const ttlMs = slot < 0 ? 0 : this.#ttlMs(partition, kept, keys.deadlineMs(slot));
    const large = slot < 0 ? null : keys.largeValue(slot);
    const ageMs = this.ageMs(partition);
    if (large === null || large.length <= INLINE_VALUE_BYTES_MAX) replyStale(to, messageId, keys, slot, ttlMs, ageMs);
    else this.#host.sendLarge(to, messageId, large, keys.epoch(slot), keys.operation(slot), ttlMs, ageMs);
    return true;
  }

  #isWhole(partition: number): boolean {
    const { book, self } = this.#host;
    const entry = book?.partitions[partition];
    if (entry === undefined || self === NO_MEMBER) return false;
    return entry.isr.includes(self) || entry.eligible.includes(self);
  }

  /** As near as this node can tell: log time at a backup is that of its last entry and what has passed since. */
  #ttlMs(partition: number, kept: PartitionReplica, deadlineMs: number): number {
    if (deadlineMs === 0) return 0;
    const { lastTimeMs, lastTakenAtMs } = kept.replica;
    const primary = this.#host.primaries[partition] ?? null;
    const nowMs = primary?.logTimeMs() ?? lastTimeMs + Math.max(0, this.#host.touch() - lastTakenAtMs);
    return Math.max(DUE_TTL_MS, Math.floor(deadlineMs - nowMs));
  }

  /** Whole milliseconds, at most: everything committed longer ago is applied here. AGE_UNKNOWN: nobody can tell. */
  ageMs(partition: number): number {
    const untilMs = this.#latestMs(partition);
    if (untilMs === Number.NEGATIVE_INFINITY) return codec.AGE_UNKNOWN;
    return Math.min(codec.AGE_UNKNOWN - 1, Math.ceil(Math.max(0, this.#host.touch() - untilMs)));
  }

  /** Until when what is applied here was the latest, own monotonic milliseconds. */
  #latestMs(partition: number): number {
    const primary = this.#host.primaries[partition] ?? null;
    if (primary === null) return this.#remember(partition);
    // R11: before the barrier is committed, what the predecessor committed may not be applied. R9: an orphan knows nothing.
    if (!primary.primary.serving || primary.orphan || primary.ended) return Number.NEGATIVE_INFINITY;
    return primary.lease.untilMs;
  }

  /** What has been vouched for stays true of the state, whomever it follows later. */
  #remember(partition: number): number {
    const kept = this.#host.partitions.replicas[partition] ?? null;
    if (kept === null) return Number.NEGATIVE_INFINITY;
    const vouched = this.#vouchedFor(partition);
    if (vouched !== null && vouched.untilMs > kept.latestMs) kept.latestMs = vouched.untilMs;
    return kept.latestMs;
  }

  /** What the primary says of a partition that is followed here in sync; null: nothing. */
  #vouchedFor(partition: number): VouchedTime | null {
    const { book, self } = this.#host;
    const backup = this.#host.backups[partition] ?? null;
    const entry = book?.partitions[partition];
    if (backup === null || entry === undefined || !entry.isr.includes(self)) return null;
    const peer = this.#host.peerOf(backup.primaryMember);
    // While the book changes, the slot may be another one's already.
    if (peer === null || peer.name !== book?.members[backup.primaryMember]?.address) return null;
    // Of an entry of the book that it did not know yet the peer has said nothing.
    return peer.vouched.version >= entry.version ? peer.vouched : null;
  }

  /** The book is about to change: what was vouched for by the present entries is kept. */
  bookChanging(): void {
    const { backups } = this.#host;
    for (let partition = 0; partition < backups.length; partition += 1)
      if (backups[partition] !== null) this.#remember(partition);
  }

  /** R12: a clock here cannot be trusted: how old anything is, nobody knows. */
  void(): void {
    const nowMs = this.#host.touch();
    for (const peer of this.#host.peers) peer.vouched.void(nowMs);
    for (const kept of this.#host.partitions.replicas) if (kept !== null) kept.latestMs = Number.NEGATIVE_INFINITY;
  }

  /** A heartbeat of a peer: `echo` is what this node said at that time, microseconds; 0: it echoes nothing. */
  beaten(peer: Peer, vouches: boolean, version: number, sent: number, echo: number): void {
    const askedMs = echo === 0 || echo / 1000 > this.#host.nowMs ? Number.NEGATIVE_INFINITY : echo / 1000;
    peer.vouched.heard(vouches, sent, askedMs, version, this.#host.book?.version ?? 0);
  }

  /** Decides for whom the next heartbeats vouch; see vouched-time.ts. Just before they leave. */
  vouch(): void {
    const { peers, primaries, book, self } = this.#host;
    for (const peer of peers) peer.vouches = book !== null && self !== NO_MEMBER;
    for (let partition = 0; partition < primaries.length; partition += 1) {
      const primary = primaries[partition] ?? null;
      if (primary !== null) this.#vouchFor(primary);
      else if (this.#host.isElected(partition)) {
        for (const slot of book?.partitions[partition]?.isr ?? []) this.#denyTo(slot);
      }
    }
  }

  #vouchFor(primary: PartitionPrimary): void {
    const isOnly = primary.serving && primary.lease.holds;
    const { followers } = primary.primary;
    for (let index = 0; index < followers.length; index += 1) {
      const { inSync, state, member } = followers[index] as Follower;
      if (inSync && !(isOnly && state === FollowerState.following)) this.#denyTo(member);
    }
  }

  #denyTo(slot: number): void {
    const peer = this.#host.peerOf(slot);
    if (peer !== null) peer.vouches = false;
  }
}
