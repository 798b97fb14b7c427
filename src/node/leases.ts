/**
 * Heartbeats between nodes and the leases they carry (R12, peer-lease.ts): what is granted, what was received, and when
 * nothing of it counts any more because a clock here has jumped.
 */
import { NO_MEMBER } from '../cluster/book.ts';
import { INCARNATION_BYTES } from '../protocol/hello-codec.ts';
import { BEAT } from '../protocol/opcode.ts';
import { BeatFlag } from '../protocol/peer-codec.ts';
import type { Connection } from './connection.ts';
import type { Peer } from './peer.ts';
import type { NodePorts } from './ports.ts';

/** Wall clock and monotonic clock may drift apart by so much between two ticks before leases are void. */
const CLOCK_JUMP_MS = 100;

export interface LeasesHost {
  readonly ports: NodePorts;
  readonly incarnation: Uint8Array;
  readonly nowMs: number;
  readonly memory: { readonly full: boolean };
  readonly roster: { readonly self: number };
  readonly book: { readonly version: number } | null;
  touch(): number;
  /** Leases that were granted to this node count no more. */
  voidLeases(): void;
}

export class Leases {
  readonly #host: LeasesHost;
  /** Wall clock minus monotonic clock at the last tick. */
  #clockDistanceMs: number;
  /** Renewals asked for before this moment count for nothing. */
  #fromMs: number = Number.NEGATIVE_INFINITY;

  constructor(host: LeasesHost) {
    this.#host = host;
    this.#clockDistanceMs = host.ports.clock.unixMs() - host.ports.clock.monotonicMs();
  }

  /** Says something to a peer: asks for its lease, and grants this node's where it was asked for. */
  beat(peer: Peer, connection: Connection): void {
    const { incarnation, memory, roster, book, nowMs } = this.#host;
    const { frames } = connection;
    const grants = peer.isNamed && roster.self !== NO_MEMBER && peer.lease.heardSent > 0;
    frames.begin(BEAT, 0);
    frames.bytes(incarnation, 0, INCARNATION_BYTES);
    frames.u8((memory.full ? BeatFlag.memoryFull : 0) | (peer.vouches ? BeatFlag.vouches : 0));
    frames.u32(book?.version ?? 0);
    frames.u48(Math.max(1, Math.floor(nowMs * 1000)));
    frames.u48(grants ? peer.lease.heardSent : 0);
    frames.end();
    if (!grants) return;
    peer.lease.heardSent = 0;
    peer.lease.granted(this.#host.touch());
  }

  /** A peer has asked at `sent`, its microseconds, and grants what was asked at `echo`, this node's; 0: nothing. */
  beaten(peer: Peer, version: number, sent: number, echo: number): void {
    peer.lease.heardSent = sent;
    const askedMs = echo / 1000;
    if (echo === 0 || askedMs > this.#host.nowMs || askedMs < this.#fromMs) return;
    peer.lease.received(askedMs, version, this.#host.book?.version ?? 0);
  }

  /** While clocks jump nobody knows how long a lease has held. To be called with each tick, and before answers leave. */
  checkClocks(): void {
    const nowMs = this.#host.touch();
    const distance = this.#host.ports.clock.unixMs() - nowMs;
    const jumped = Math.abs(distance - this.#clockDistanceMs) > CLOCK_JUMP_MS;
    this.#clockDistanceMs = distance;
    if (!jumped) return;
    this.#fromMs = nowMs;
    this.#host.voidLeases();
  }
}
