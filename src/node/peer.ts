/**
 * Another node, as this one sees it: its links, its incarnation, whether it can be counted on, and the leases that the two
 * have granted each other. One control link and one bulk link join each pair.
 */
import type { Address } from '../base/ports.ts';
import { NO_MEMBER } from '../protocol/hello-codec.ts';
import type { Connection } from './connection.ts';
import { PeerLease } from './peer-lease.ts';
import type { Stages } from './stages.ts';
import { VouchedTime } from './vouched-time.ts';

/** A peer says something at least this often. */
export const HEARTBEAT_MS = 100;
/** Silent for this long: down. */
export const SILENCE_MS = 600;

export type PeerState = 'connecting' | 'up' | 'silent' | 'refused';

export class Peer {
  /** Place among the peers of this node. */
  readonly index: number;
  readonly name: string;
  readonly address: Address;
  /** Place in the book; NO_MEMBER: it is not in it. */
  slot: number = NO_MEMBER;
  /** It was a member and is none any more: it is not dialled. */
  forgotten = false;
  /** It is the life of that member which the book names: only then does it count for anything (R3). */
  isNamed = false;
  /** As it said at its login; 0: not yet. */
  nodeId = 0;
  control: Connection | null = null;
  bulk: Connection | null = null;
  /** From its liveness thread: says nothing while all is well. */
  liveness: Connection | null = null;
  incarnation: Uint8Array | null = null;
  heardAtMs = 0;
  /** When its control link broke, monotonic milliseconds. */
  lostAtMs: number = Number.NEGATIVE_INFINITY;
  /** Until when it is believed that its main thread stands still: silence counts for less meanwhile. */
  stalledUntilMs: number = Number.NEGATIVE_INFINITY;
  state: PeerState = 'connecting';
  /** Why it is not up, for people. */
  reason = 'not connected yet';
  /** It has reached its memory limit. */
  memoryFull = false;
  /** Stages to forget that it has not been told of. */
  readonly dropsOwed: number[] = [];
  /** Told on the present bulk link, the latest: it may break before it brings them. */
  readonly dropsTold: number[] = [];
  // Batches being encoded at the end of a turn.
  appending = false;
  acknowledging = false;
  /** Values that this peer, as a primary, has staged here. */
  readonly stages: Stages;
  readonly lease: PeerLease = new PeerLease();
  /** Up to when it has told what it had committed (R13). */
  readonly vouched: VouchedTime = new VouchedTime();
  /** The next heartbeat to it vouches for what it follows from here in sync. */
  vouches = false;

  constructor(index: number, name: string, address: Address, stages: Stages) {
    this.stages = stages;
    this.index = index;
    this.name = name;
    this.address = address;
  }

  /** Its liveness thread has told lately that its main thread stands still. */
  isStalled(nowMs: number): boolean {
    return nowMs < this.stalledUntilMs;
  }

  get healthy(): boolean {
    return this.state === 'up';
  }
}
