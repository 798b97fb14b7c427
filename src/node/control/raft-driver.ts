/**
 * Drives one Raft node (raft/raft.ts, its contract): what happens in a turn is taken in at once; at the end of the turn
 * everything that is ready is persisted, then sent, then applied; one timer stands at the next moment Raft asks for.
 */
import type { TimerHandle } from '../../base/ports.ts';
import type { Change } from '../../raft/configuration.ts';
import {
  type Entry,
  type Message,
  NOBODY,
  type NodeId,
  type RaftStorage,
  type Ready,
  type Snapshot,
} from '../../raft/messages.ts';
import type { Proposed } from '../../raft/proposals.ts';
import { Raft, type RaftStatus } from '../../raft/raft.ts';
import type { ControlPorts } from './host.ts';
import type { Opened } from './state-keeper.ts';

export interface DriverHost {
  readonly ports: ControlPorts;
  send(message: Message): void;
  /** The state is that of the leader's snapshot from now on. */
  load(snapshot: Snapshot): void;
  apply(entry: Entry): void;
  /** The state as a snapshot, everything applied so far. */
  save(): Uint8Array;
  /** Everything that was ready is done, or waits for the disk. */
  turned(): void;
  failed(error: Error): void;
}

export class RaftDriver {
  readonly raft: Raft;
  readonly #host: DriverHost;
  readonly #storage: RaftStorage;
  #timer: TimerHandle | null = null;
  #timerDueMs = 0;
  #isTurnDue = false;
  #isPersisting = false;
  #isStopped = false;
  #isSnapshotTooLargeTold = false;

  constructor(host: DriverHost, id: NodeId, { storage, state }: Opened) {
    this.#host = host;
    this.#storage = storage;
    this.raft = new Raft({ id, restored: state, dice: host.ports.random, nowMs: this.#nowMs });
  }

  get #nowMs(): number {
    return this.#host.ports.clock.monotonicMs();
  }

  get status(): RaftStatus {
    return this.raft.status;
  }

  // ── in ──

  step(message: Message): void {
    this.raft.step(message, this.#nowMs);
    this.wake();
  }

  propose(data: Uint8Array): Proposed {
    const proposed = this.raft.propose(data, this.#nowMs);
    this.wake();
    return proposed;
  }

  proposeChange(change: Change): Proposed {
    const proposed = this.raft.proposeChange(change, this.#nowMs);
    this.wake();
    return proposed;
  }

  transfer(target: NodeId): void {
    this.raft.transfer(target, this.#nowMs);
    this.wake();
  }

  /** Stands for election without waiting for anybody's silence: where there cannot be a leader yet. */
  stand(id: NodeId): void {
    this.step({ type: 'time-out-now', from: NOBODY, to: id, term: this.status.term });
  }

  /** Makes sure that a turn follows. */
  wake(): void {
    if (this.#isTurnDue || this.#isStopped) return;
    this.#isTurnDue = true;
    this.#host.ports.timers.atTurnEnd(() => {
      this.#isTurnDue = false;
      this.#turn();
    });
  }

  // ── out ──

  #turn(): void {
    if (this.#isStopped) return;
    this.raft.tick(this.#nowMs);
    this.#perform();
    if (this.#isStopped) return;
    this.#arm();
    this.#host.turned();
  }

  #perform(): void {
    while (!this.#isPersisting && !this.#isStopped) {
      this.#compact();
      const ready = this.raft.ready();
      if (ready === null) return;
      this.#isPersisting = true;
      this.#storage.persist(ready, (error) => {
        this.#isPersisting = false;
        this.#persisted(ready, error);
        this.wake();
      });
    }
  }

  #persisted(ready: Ready, error: Error | null): void {
    if (this.#isStopped) return;
    if (error !== null) return this.#host.failed(error);
    for (const message of ready.messages) this.#host.send(message);
    if (ready.isInstalled && ready.snapshot !== null) this.#host.load(ready.snapshot);
    if (this.#isStopped) return;
    for (const entry of ready.committed) {
      this.#host.apply(entry);
      if (this.#isStopped) return;
    }
    this.raft.advance();
  }

  #compact(): void {
    if (!this.raft.wantsSnapshot) return;
    const state = this.#host.save();
    if (this.raft.compact(state) || this.#isSnapshotTooLargeTold) return;
    this.#isSnapshotTooLargeTold = true;
    this.#host.ports.log.write('error', 'snapshot too large', { bytes: state.length });
  }

  /** A timer that fires too early does no harm; it is replaced only by an earlier one. */
  #arm(): void {
    const dueMs = this.raft.nextTimerMs;
    if (this.#timer !== null && this.#timerDueMs <= dueMs) return;
    this.#timer?.cancel();
    this.#timerDueMs = dueMs;
    this.#timer = this.#host.ports.timers.after(Math.max(0, dueMs - this.#nowMs), () => {
      this.#timer = null;
      this.#turn();
    });
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
    this.#timer = null;
  }
}
