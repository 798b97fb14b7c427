/**
 * A partition's primary for one reign: appends, learns what the other replicas hold, and says what is committed
 * (PacificA, MSR-TR-2008-25, §2.3). Pure: messages and time come in, positions come out; the driver sends and applies.
 *
 *      first … commit … match … sent … next        match, sent: one of each per follower
 *
 * R5: committed = held by every member of the in-sync set, and of any that is proposed; nothing commits while the set is
 * smaller than `min`. R6: without gaps. R11: nothing is served before the epoch's barrier is committed. R15: entries keep
 * their epoch; a follower that differs is walked back.
 */
import { assert } from '../base/assert.ts';
import { writeU32 } from '../base/bytes.ts';
import { EntryKind } from './entry-kind.ts';
import { Follower, FollowerState } from './follower.ts';
import type { Replica } from './replica.ts';

/** At this operation the primary needs a new epoch, so that an operation number always fits a signed 32-bit integer. */
export const OPERATIONS_PER_EPOCH_MAX: number = 2 ** 31 - 1;

/** So many operations before the last a new epoch is asked for. */
const SPARE_OPERATIONS = 2 ** 24;

export class Primary {
  readonly replica: Replica;
  readonly epoch: number;
  /** Position of the epoch's barrier. */
  readonly barrier: number;
  readonly followers: Follower[] = [];
  /** The in-sync set is smaller than `min`: nothing commits (R5, R7). */
  frozen = false;
  readonly #operationsMax: number;

  /** Begins the reign: the first entry of `epoch` is a barrier that names its predecessor (R11, R15). */
  constructor(replica: Replica, epoch: number, timeMs: number, operationsMax: number = OPERATIONS_PER_EPOCH_MAX) {
    const { epoch: lastEpoch, operation: lastOperation } = replica.last;
    assert(epoch > lastEpoch, 'primary: epochs only grow');
    replica.promise(epoch);
    this.replica = replica;
    this.epoch = epoch;
    this.#operationsMax = operationsMax;
    this.barrier = replica.log.next;
    const body = new Uint8Array(8);
    writeU32(body, 0, lastEpoch);
    writeU32(body, 4, lastOperation);
    this.#append(EntryKind.barrier, timeMs, body, 0, body.length);
    replica.epochs.add(epoch, this.barrier);
  }

  get commit(): number {
    return this.replica.commit;
  }

  get sentAll(): boolean {
    return this.followers.every(({ sent }) => sent === this.replica.log.next);
  }

  /** Another replica that is to have everything; what it holds will turn out. */
  follow(member: number): Follower {
    assert(this.follower(member) === null, 'primary: nobody follows twice');
    const follower = new Follower(member);
    follower.sent = this.#unknownFrom;
    this.followers.push(follower);
    return follower;
  }

  follower(member: number): Follower | null {
    for (let index = 0; index < this.followers.length; index += 1) {
      const one = this.followers[index] as Follower;
      if (one.member === member) return one;
    }
    return null;
  }

  unfollow(member: number): void {
    const at = this.followers.findIndex((one) => one.member === member);
    if (at >= 0) this.followers.splice(at, 1);
  }

  /** R11. */
  get serving(): boolean {
    return this.replica.commit > this.barrier;
  }

  /** Operation numbers have run out: nothing is appended before a new epoch was opened. */
  get exhausted(): boolean {
    return this.replica.log.next - this.barrier >= this.#operationsMax;
  }

  /** They will soon: time to ask for a new epoch. */
  get isTiring(): boolean {
    const used = this.replica.log.next - this.barrier;
    return used >= this.#operationsMax - Math.min(SPARE_OPERATIONS, this.#operationsMax / 2);
  }

  /** Appends one entry; gives its position. */
  append(kind: number, timeMs: number, source: Uint8Array, start: number, end: number): number {
    assert(this.serving, 'R11: nothing is appended before the barrier is committed');
    assert(!this.exhausted, 'primary: operation numbers have run out');
    return this.#append(kind, timeMs, source, start, end);
  }

  #append(kind: number, timeMs: number, source: Uint8Array, start: number, end: number): number {
    const { replica } = this;
    const { log } = replica;
    if (timeMs > replica.lastTimeMs) replica.lastTimeMs = timeMs;
    return log.append(this.epoch, log.next - this.barrier + 1, kind, replica.lastTimeMs, source, start, end);
  }

  /** False: in this epoch so many entries were never appended. Of other epochs nothing is said. */
  hasAppended(epoch: number, operation: number): boolean {
    return epoch !== this.epoch || this.barrier + operation <= this.replica.log.next;
  }

  /** A follower holds everything through `operation` of `epoch`. True when the commit point moved. */
  acknowledged(follower: Follower, epoch: number, operation: number): boolean {
    if (epoch !== this.epoch || operation < 1) return false;
    const held = this.barrier + operation;
    assert(held <= this.replica.log.next, 'primary: somebody acknowledged what was never sent');
    follower.state = FollowerState.following;
    if (held <= follower.match) return false;
    follower.match = held;
    if (follower.sent < held) follower.sent = held;
    return follower.mustHold && this.advance();
  }

  /** R15: the last entry of a follower that may be the primary's too: send from behind it, or a snapshot. */
  mismatched(follower: Follower, epoch: number, operation: number): void {
    const { log, epochs } = this.replica;
    const common = epochs.lastNotAbove(epoch, operation, log.next);
    const after = epochs.after(common.epoch, common.operation, log.next);
    if (after < log.first) {
      follower.state = FollowerState.needsSnapshot;
      follower.sent = log.next;
      return;
    }
    if (follower.state === FollowerState.needsSnapshot) follower.state = FollowerState.unknown;
    if (after < follower.match) follower.match = after; // said late, perhaps: what it holds it will acknowledge again
    follower.sent = after;
  }

  /** Where to begin with one whose log is not known: most of them have the barrier's predecessor. */
  get #unknownFrom(): number {
    const { log } = this.replica;
    return this.barrier < log.first ? log.next : this.barrier;
  }

  /** The link was renewed: what was sent and not acknowledged may be lost. */
  resend(follower: Follower): void {
    if (follower.state === FollowerState.following && follower.match >= this.replica.log.first) {
      follower.sent = follower.match;
      return;
    }
    follower.state = FollowerState.unknown;
    follower.sent = this.#unknownFrom;
  }

  /** It has lost what it held (R4): nothing of it counts any more. */
  forgot(follower: Follower): void {
    follower.match = 0;
    follower.state = FollowerState.unknown;
    follower.sent = this.#unknownFrom;
  }

  /** Looks at what all have acknowledged. True when the commit point moved. */
  advance(): boolean {
    if (this.frozen) return false;
    const { replica, followers } = this;
    let commit = replica.log.next;
    for (let index = 0; index < followers.length; index += 1) {
      const follower = followers[index] as Follower;
      if (follower.mustHold && follower.match < commit) commit = follower.match;
    }
    if (commit <= replica.commit || commit <= this.barrier) return false;
    replica.commit = commit;
    return true;
  }

  /** Operation of the present epoch up to which everything is committed; 0 before its barrier is. */
  get commitOperation(): number {
    return Math.max(0, this.replica.commit - this.barrier);
  }
}
