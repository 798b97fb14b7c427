/**
 * Reads sent straight to one node, whoever is primary, with values that only grow: an answer below what had been
 * acknowledged before the read was sent is one from the past.
 */

import { setTimeout as delay } from 'node:timers/promises';
import { KeyvalError } from '../../src/errors.ts';
import type { Client } from '../../src/index.ts';
import { ReadsFlag } from '../../src/protocol/client-codec.ts';
import { HelloFlag } from '../../src/protocol/hello-codec.ts';
import { bytes16, frame, u8, u32 } from '../hostile/frames.ts';
import { codeIn, type Heard, type Wire } from '../hostile/wire.ts';
import { directWire } from './direct-wire.ts';

/** A value and its place in GOTK. */
const VALUE_AT = 15;
const HAS_VALUE = 1;
const TIME_LEFT_MS = 10_000;
const READ_EVERY_MS = 5;
const WRITE_EVERY_MS = 10;

/** How a read is asked for. */
export const readModes = ['strict', 'lease'] as const;
export type ReadMode = (typeof readModes)[number];

/** Keys whose values count up; what has been acknowledged of each. */
export class CountingWrites {
  readonly keys: readonly string[];
  readonly acknowledged: Map<string, number> = new Map();
  readonly #client: Client;
  #stopped = false;
  #running: Promise<unknown> = Promise.resolve();

  constructor(client: Client, keys: readonly string[]) {
    this.#client = client;
    this.keys = keys;
  }

  start(): void {
    this.#running = Promise.all(this.keys.map((key) => this.#write(key)));
  }

  async #write(key: string): Promise<void> {
    for (let value = (this.acknowledged.get(key) ?? 0) + 1; !this.#stopped; value += 1) {
      try {
        await this.#client.put(key, `${value}`);
        this.acknowledged.set(key, value);
      } catch (error) {
        if (!(error instanceof KeyvalError)) throw error;
      }
      await delay(WRITE_EVERY_MS);
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }
}

export interface ReadCounts {
  sent: number;
  /** Answered with a value that was not too old. */
  current: number;
  /** Of these, sent while the node was paused. */
  acrossPause: number;
  /** Answered from the past. */
  readonly stale: string[];
  /** Other answers, by code. */
  readonly others: Record<string, number>;
}

interface Asked {
  readonly key: string;
  readonly mode: ReadMode;
  /** Acknowledged when it was sent. */
  readonly least: number;
  readonly paused: boolean;
}

/** One connection to one node; it reads all keys again and again. */
export class DirectReader {
  readonly counts: Record<ReadMode, ReadCounts> = { strict: noReads(), lease: noReads() };
  /** Set while the node is paused. */
  isPaused = false;
  readonly #wire: Wire;
  readonly #writes: CountingWrites;
  readonly #keys: readonly string[];
  readonly #asked: Map<number, Asked> = new Map();
  readonly #timer: NodeJS.Timeout;
  #lastId = 0;

  /** `listen`: where the node itself listens. `routes`: it answers MOVD instead of forwarding. */
  static async open(
    listen: string,
    writes: CountingWrites,
    keys: readonly string[],
    routes: boolean,
  ): Promise<DirectReader> {
    const wire = await directWire(listen, { flags: routes ? HelloFlag.routes : 0, name: 'chaos reads' });
    return new DirectReader(wire, writes, keys);
  }

  private constructor(wire: Wire, writes: CountingWrites, keys: readonly string[]) {
    this.#wire = wire;
    this.#writes = writes;
    this.#keys = keys;
    wire.onFrame = (heard): void => this.#answered(heard);
    this.#timer = setInterval(() => this.#ask(), READ_EVERY_MS);
  }

  /** Each key in its turn, alternately in either mode. */
  #ask(): void {
    this.#lastId += 1;
    const id = this.#lastId;
    const key = this.#keys[Math.floor(id / readModes.length) % this.#keys.length] as string;
    const mode = readModes[id % readModes.length] as ReadMode;
    this.#asked.set(id, { key, mode, least: this.#writes.acknowledged.get(key) ?? 0, paused: this.isPaused });
    this.counts[mode].sent += 1;
    const body = Buffer.concat([u32(TIME_LEFT_MS), u8(ReadsFlag[mode]), bytes16(Buffer.from(key))]);
    this.#wire.send(frame('GETK', id, body));
  }

  #answered(heard: Heard): void {
    const asked = this.#asked.get(heard.messageId);
    if (asked === undefined) return;
    this.#asked.delete(heard.messageId);
    const counts = this.counts[asked.mode];
    if (heard.opcode !== 'GOTK') {
      const code = codeIn(heard);
      counts.others[code] = (counts.others[code] ?? 0) + 1;
      return;
    }
    const value = heard.body[0] === HAS_VALUE ? Number(heard.body.toString('latin1', VALUE_AT)) : 0;
    if (value < asked.least) {
      counts.stale.push(`${asked.mode} read of ${asked.key} gave ${value} after ${asked.least} was acknowledged`);
      return;
    }
    counts.current += 1;
    if (asked.paused) counts.acrossPause += 1;
  }

  close(): void {
    clearInterval(this.#timer);
    this.#wire.destroy();
  }
}

function noReads(): ReadCounts {
  return { sent: 0, current: 0, acrossPause: 0, stale: [], others: {} };
}

export function addReads(into: ReadCounts, more: ReadCounts): void {
  into.sent += more.sent;
  into.current += more.current;
  into.acrossPause += more.acrossPause;
  into.stale.push(...more.stale);
  for (const [code, count] of Object.entries(more.others)) into.others[code] = (into.others[code] ?? 0) + count;
}
