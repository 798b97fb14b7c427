/**
 * A real node without a system around it: its clock stands still until the test moves it, its random bytes count up, its
 * connections are fake channels. The same requests always get the same answers, byte for byte.
 */
import type { ChannelHandler, Clock, LogLevel, Random, TimerHandle, Timers } from '../../src/base/ports.ts';
import { InlineWorkers } from '../../src/bulk/worker-pool.ts';
import { KeyvalError } from '../../src/errors.ts';
import { systemCrypto } from '../../src/io/random.ts';
import { Node } from '../../src/node/node.ts';
import { type NodeSettings, usualSettings } from '../../src/node/settings.ts';
import { FakeChannel } from './fake-channel.ts';
import { ManualTurn } from './manual-turn.ts';

/** Half a second past a full one; the node's first epoch is the next full second. */
export const STARTED_UNIX_MS = 1_750_000_000_500;
export const FIRST_EPOCH = 1_750_000_001;

class ManualTimers implements Timers, Clock {
  #nowMs = 0;
  #due: { readonly atMs: number; readonly run: () => void }[] = [];

  monotonicMs(): number {
    return this.#nowMs;
  }

  unixMs(): number {
    return STARTED_UNIX_MS + this.#nowMs;
  }

  after(afterMs: number, run: () => void): TimerHandle {
    const entry = { atMs: this.#nowMs + afterMs, run };
    this.#due.push(entry);
    return {
      cancel: () => {
        this.#due = this.#due.filter((other) => other !== entry);
      },
    };
  }

  soon(run: () => void): void {
    this.after(0, run);
  }

  atTurnEnd(run: () => void): void {
    this.after(0, run);
  }

  /** Moves the clock, and runs what comes due on the way. */
  advance(ms: number): void {
    const untilMs = this.#nowMs + ms;
    for (let next = this.#next(untilMs); next !== undefined; next = this.#next(untilMs)) {
      this.#due = this.#due.filter((other) => other !== next);
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.run();
    }
    this.#nowMs = untilMs;
  }

  #next(untilMs: number): { readonly atMs: number; readonly run: () => void } | undefined {
    return this.#due.filter(({ atMs }) => atMs <= untilMs).sort((a, b) => a.atMs - b.atMs)[0];
  }
}

/** 0, 1, 2, … */
function countingRandom(): Random {
  let next = 0;
  return {
    u32: () => 0,
    fill: (target) => {
      for (let at = 0; at < target.length; at += 1) target[at] = next++;
    },
  };
}

export interface LogLine {
  readonly level: LogLevel;
  readonly event: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

export class ScriptedNode {
  readonly node: Node;
  /** What it has logged. */
  readonly logged: LogLine[] = [];
  readonly #timers: ManualTimers = new ManualTimers();
  readonly #turn: ManualTurn = new ManualTurn();

  /** A cluster of one with four partitions, unless `settings` say otherwise. It serves when this returns. */
  constructor(settings: Partial<NodeSettings> = {}) {
    const address = '127.0.0.1:6234';
    const defaults: NodeSettings = {
      cluster: 'keyval',
      address,
      members: [address],
      partitions: 4,
      replicas: 3,
      secret: null,
      memoryBytesMax: 0,
      connectionsMax: 100,
      ...usualSettings,
      version: '0.0.0',
    };
    this.node = new Node(
      { ...defaults, ...settings },
      {
        clock: this.#timers,
        timers: this.#timers,
        random: countingRandom(),
        crypto: systemCrypto,
        transport: { connect: () => Promise.reject(new Error('a scripted node dials nobody')) },
        log: { write: (level, event, fields) => void this.logged.push({ level, event, fields }) },
        turn: this.#turn.turn,
        processFacts: () => ({ pid: 1, cpuMicros: 0, residentBytes: 0 }),
        workers: new InlineWorkers(),
        disk: null,
        openBulkWriter: () => Promise.reject(new KeyvalError('KV_UNREACHABLE', 'this node has no client of its own')),
      },
    );
    this.node.start();
    this.advance(500);
  }

  /** Lets time pass. */
  advance(ms: number): void {
    this.#timers.advance(ms);
    this.#turn.end();
  }

  connect(): ScriptedConnection {
    return new ScriptedConnection(this.node, () => this.#turn.end());
  }
}

/** Somebody connected to a scripted node. */
export class ScriptedConnection {
  readonly channel: FakeChannel = new FakeChannel();
  readonly #handler: ChannelHandler;
  readonly #endTurn: () => void;
  #read = 0;

  constructor(node: Node, endTurn: () => void) {
    this.#handler = node.accept(this.channel);
    this.channel.handler = this.#handler;
    this.#endTurn = endTurn;
  }

  /** Sends bytes in one turn; gives what the node answered in it. */
  send(bytes: Uint8Array): Buffer {
    this.#handler.received(new Uint8Array(bytes));
    this.#endTurn();
    return this.received();
  }

  /** What came since the last look. */
  received(): Buffer {
    const { sent } = this.channel;
    const news = Buffer.from(sent.subarray(this.#read));
    this.#read = sent.length;
    return news;
  }

  /** The connection breaks. */
  close(): void {
    this.#handler.ended(null);
  }
}
