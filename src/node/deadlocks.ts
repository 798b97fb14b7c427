/**
 * Deadlocks at this node (L10): it answers those who look for them (wait-reports.ts), looks itself while it is commander
 * (deadlock-rounds.ts), and ends the wait that is to end. Every wait that ends so was part of a deadlock between two rounds;
 * whether it still waits is looked at here.
 */

import { readU32 } from '../base/bytes.ts';
import { LOCK_MODE_NAMES } from '../base/lock-mode.ts';
import type { Log } from '../base/ports.ts';
import type { DeadlockStep } from '../errors.ts';
import type { Deadlock } from '../lock/deadlock.ts';
import type { ReportedLock } from '../lock/messages.ts';
import * as codec from '../protocol/deadlock-codec.ts';
import { CYCLE_STEPS_MAX, describeCycle, failText } from '../protocol/deadlock-cycle.ts';
import { DLKA, DLKQ, DLKV } from '../protocol/opcode.ts';
import type { Connection } from './connection.ts';
import { DeadlockRounds, type RoundsHost } from './deadlock-rounds.ts';
import type { PartitionPrimary } from './partition-primary.ts';
import type { Peer } from './peer.ts';
import type { NodeSettings } from './settings.ts';
import { waitsLasting } from './wait-reports.ts';

/** Whoever asked says at once what follows from the answer; what it says later may be long since over. */
const VERDICT_MS = 2000;

export interface DeadlocksHost {
  readonly nowMs: number;
  readonly isCommander: boolean;
  readonly settings: NodeSettings;
  readonly log: Log;
  readonly peers: readonly Peer[];
  readonly primaries: readonly (PartitionPrimary | null)[];
  peerOf(slot: number): Peer | null;
}

export class Deadlocks implements RoundsHost {
  readonly rounds: DeadlockRounds;
  /** Waits ended here because of one. */
  ended = 0;
  readonly #host: DeadlocksHost;
  /** By peer: the last round of it that was answered, and when. */
  readonly #answered: WeakMap<Peer, { readonly round: number; readonly atMs: number }> = new WeakMap();

  constructor(host: DeadlocksHost) {
    this.#host = host;
    this.rounds = new DeadlockRounds(this);
  }

  get nowMs(): number {
    return this.#host.nowMs;
  }

  get isCommander(): boolean {
    return this.#host.isCommander;
  }

  get settings(): NodeSettings {
    return this.#host.settings;
  }

  tick(): void {
    this.rounds.tick();
  }

  // ---- looking

  report(afterMs: number): ReportedLock[] {
    return waitsLasting(this.#host.primaries, afterMs);
  }

  ask(round: number, afterMs: number): number[] {
    const asked: number[] = [];
    for (const { isNamed, healthy, control, slot } of this.#host.peers) {
      if (!isNamed || !healthy || control === null) continue;
      control.frames.begin(DLKQ, round);
      control.frames.u32(afterMs);
      control.frames.end();
      asked.push(slot);
    }
    return asked;
  }

  condemn(deadlock: Deadlock, by: number | null, round: number): void {
    const [victim] = deadlock;
    if (victim === undefined) return;
    const { epoch, operation, sequence } = victim.wait;
    const cycle = deadlock.slice(0, CYCLE_STEPS_MAX).map(stepOf);
    const condemned: codec.Condemned = { partition: victim.lock.partition, epoch, operation, sequence, cycle };
    if (by === null) return this.end(condemned);
    const frames = this.#host.peerOf(by)?.control?.frames;
    if (frames === undefined) return;
    frames.begin(DLKV, round);
    codec.encodeCondemned(frames, condemned);
    frames.end();
  }

  // ---- frames of other members

  /** False: malformed. */
  frame(peer: Peer, { decoder }: Connection): boolean {
    const { opcode, messageId, buffer, bodyStart, bodyEnd } = decoder;
    if (opcode === DLKQ) {
      if (bodyEnd - bodyStart !== codec.DEADLOCK_ASKED_BYTES) return false;
      this.#answer(peer, messageId, readU32(buffer, bodyStart + codec.DEADLOCK_AFTER));
      return true;
    }
    if (opcode === DLKA) {
      const locks = codec.decodeReport(buffer, bodyStart, bodyEnd);
      if (locks !== null && peer.isNamed) this.rounds.answered(peer.slot, messageId, locks);
      return locks !== null;
    }
    const condemned = codec.decodeCondemned(buffer, bodyStart, bodyEnd);
    if (condemned !== null && this.#isAnswer(peer, messageId)) this.end(condemned);
    return condemned !== null;
  }

  #answer(peer: Peer, round: number, afterMs: number): void {
    const { control } = peer;
    if (!peer.isNamed || control === null) return;
    this.#answered.set(peer, { round, atMs: this.nowMs });
    control.frames.begin(DLKA, round);
    codec.encodeReport(control.frames, this.report(afterMs));
    control.frames.end();
  }

  /** It follows from what this node reported a moment ago. */
  #isAnswer(peer: Peer, round: number): boolean {
    const last = this.#answered.get(peer);
    return peer.isNamed && last?.round === round && this.nowMs - last.atMs <= VERDICT_MS;
  }

  /** Ends the wait, if it still waits here. */
  end({ partition: id, epoch, operation, sequence, cycle }: codec.Condemned): void {
    const partition = this.#host.primaries[id] ?? null;
    if (partition === null || !partition.locks.condemn(epoch, operation, sequence, failText(cycle))) return;
    this.ended += 1;
    this.#host.log.write('warn', 'deadlock resolved', {
      partition: id,
      waits: cycle.length,
      why: describeCycle(cycle),
    });
  }
}

function stepOf({ lock, wait, isBehind }: Deadlock[number]): DeadlockStep {
  const { session, name, flow, mode, waitsMs } = wait;
  return { session, name, flow, key: lock.key, mode: LOCK_MODE_NAMES[mode] as string, waitsMs, isBehind };
}
