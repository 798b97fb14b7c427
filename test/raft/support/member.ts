/** One node of a group as a driver runs it: persists, sends, applies, answers reads; over a simulated disk. */
import type { Prng } from '../../../src/base/prng.ts';
import { DurableLog } from '../../../src/raft/durable-log.ts';
import type { Dice } from '../../../src/raft/election.ts';
import type { Identity } from '../../../src/raft/identity.ts';
import {
  type Configuration,
  type DurableState,
  type Message,
  NOBODY,
  type NodeId,
  type Ready,
} from '../../../src/raft/messages.ts';
import { Raft } from '../../../src/raft/raft.ts';
import type { RaftSettings } from '../../../src/raft/settings.ts';
import { SimDisk } from './sim-disk.ts';
import { StateMachine } from './state-machine.ts';

/** What happens to members, for those who watch. */
export interface Watcher {
  send(message: Message): void;
  /** Before it is persisted. */
  ready(member: Member, ready: Ready): void;
  /** After it was persisted, sent and applied. */
  advanced(member: Member, ready: Ready): void;
  restored(member: Member, state: DurableState): void;
}

export interface MemberOptions {
  readonly id: NodeId;
  readonly founders: Configuration;
  readonly settings: RaftSettings;
  readonly dice: Dice;
  readonly watcher: Watcher;
}

export class Member {
  readonly id: NodeId;
  readonly disk: SimDisk;
  readonly #options: MemberOptions;
  readonly #identity: Identity;
  state: StateMachine = new StateMachine();
  #raft: Raft | null = null;
  #log: DurableLog | null = null;
  #isBusy = false;
  lives = 0;
  failure: Error | null = null;

  constructor(options: MemberOptions) {
    this.id = options.id;
    this.#options = options;
    this.disk = new SimDisk(`/node-${options.id}`);
    this.#identity = { node: options.id, cluster: 'test', promise: new Uint8Array(0) };
    const snapshot = { index: 0, term: 0, configuration: options.founders, data: new Uint8Array(0) };
    DurableLog.found(this.disk, this.#identity, snapshot, () => {});
  }

  get isUp(): boolean {
    return this.#raft !== null;
  }

  get raft(): Raft {
    if (this.#raft === null) throw new Error(`node ${this.id} is down`);
    return this.#raft;
  }

  get leads(): boolean {
    return this.#raft?.status.role === 'leader';
  }

  start(nowMs: number): void {
    const { id, settings, dice } = this.#options;
    const { log, state: restored } = DurableLog.open(this.disk, this.#identity, 8192);
    this.lives += 1;
    this.#log = log;
    this.#raft = new Raft({ id, restored, dice, nowMs, settings });
    this.state = new StateMachine();
    if (restored.snapshot.index > 0) this.state.load(restored.snapshot.data);
    this.#isBusy = false;
    this.#options.watcher.restored(this, restored);
  }

  crash(random: Prng): void {
    this.#raft = null;
    this.#log = null;
    this.disk.crash(random);
  }

  /** Does all that is ready to be done. */
  turn(): void {
    for (;;) {
      if (this.#raft === null || this.#isBusy || this.failure !== null) return;
      if (this.#raft.wantsSnapshot) this.#raft.compact(this.state.save());
      const ready = this.#raft.ready();
      if (ready === null) return;
      this.#isBusy = true;
      let isTurning = true;
      this.#options.watcher.ready(this, ready);
      this.#log?.persist(ready, (error) => {
        this.#isBusy = false;
        this.failure = error;
        if (error === null) this.#perform(ready);
        if (!isTurning) this.turn();
      });
      isTurning = false;
    }
  }

  #perform(ready: Ready): void {
    for (const message of ready.messages) this.#options.watcher.send(message);
    if (ready.isInstalled && ready.snapshot !== null) this.state.load(ready.snapshot.data);
    for (const entry of ready.committed) this.state.apply(entry);
    this.raft.advance();
    this.#options.watcher.advanced(this, ready);
  }

  get leader(): NodeId {
    return this.#raft?.status.leader ?? NOBODY;
  }
}
