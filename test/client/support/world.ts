/**
 * A real client whose nodes are the test: it sees what each node is sent, and says what each answers. The clock stands
 * still until the test moves it.
 */
import { formatAddress } from '../../../src/base/address.ts';
import type { Channel, ChannelHandler } from '../../../src/base/ports.ts';
import { Turn } from '../../../src/base/turn.ts';
import { Client, type StatusEvent } from '../../../src/client/client.ts';
import { type ConnectOptions, clientSettings } from '../../../src/client/options.ts';
import type { RenewalHost } from '../../../src/client/renewal/work.ts';
import { systemCrypto } from '../../../src/io/random.ts';
import * as op from '../../../src/protocol/opcode.ts';
import { RecordingChannel } from '../../../tools/fuzz/world/channel.ts';
import { bytes, frame, number, readStream } from '../../../tools/fuzz/world/frames.ts';
import { CountingRandom, ManualTime } from '../../../tools/fuzz/world/manual-time.ts';

export const NONE = 0xffff;
export const A = '127.0.0.1:6234';
export const B = '127.0.0.2:6234';
export const C = '127.0.0.3:6234';
export const TIMEOUT_MS = 3000;

export interface TableParts {
  readonly version: number;
  /** By partition: place of its primary in `members`. */
  readonly primaries: readonly number[];
  readonly members?: readonly string[];
  readonly self?: number;
}

/** What a node was sent. */
export interface Asked {
  /** Four letters. */
  readonly opcode: string;
  readonly messageId: number;
  readonly body: Buffer;
}

function text8(text: string): Uint8Array {
  return bytes(text.length, text);
}

export function tableBody({ version, primaries, members = [A, B, C], self = 0 }: TableParts): Uint8Array {
  const head = bytes(number(4, version), number(2, primaries.length), number(2, self), number(2, members.length));
  return bytes(head, ...members.map(text8), ...primaries.map((one) => number(2, one)));
}

/** One connection of the client, seen from its node. */
export class NodeEnd {
  readonly channel: RecordingChannel;
  readonly #endpoint: string;
  readonly #rest: () => Promise<void>;

  constructor(endpoint: string, channel: RecordingChannel, rest: () => Promise<void>) {
    this.#endpoint = endpoint;
    this.channel = channel;
    this.#rest = rest;
  }

  /** What came since the last look. */
  asked(): Asked[] {
    const stream = new Uint8Array(Buffer.concat(this.channel.take()));
    return readStream(stream, 2 ** 24).frames.map(({ opcode, messageId, body }) => {
      return { opcode: op.opcodeName(opcode), messageId, body: Buffer.from(body) };
    });
  }

  /** The only request that came since the last look. */
  only(): Asked {
    const asked = this.asked();
    if (asked.length !== 1) throw new Error(`${asked.map(({ opcode }) => opcode).join(' ') || 'nothing'} was asked`);
    return asked[0] as Asked;
  }

  async say(opcode: number, messageId: number, ...body: readonly (number | string | Uint8Array)[]): Promise<void> {
    this.channel.receive(frame(opcode, messageId, ...body));
    await this.#rest();
  }

  /** Lets the client in; takes its HELO. */
  async welcome(table: TableParts, clusterId = 'c1'): Promise<void> {
    this.asked();
    const node = bytes(number(6, 7), text8(clusterId), text8(this.#endpoint));
    await this.say(op.WLCM, 0, number(2, 1), new Uint8Array(8).fill(1), new Uint8Array(32), tableBody(table), node);
  }

  push(table: TableParts): Promise<void> {
    return this.say(op.TABL, 0, tableBody(table));
  }

  done({ messageId }: Asked, revision: bigint): Promise<void> {
    return this.say(op.DONE, messageId, 1, number(8, revision));
  }

  moved({ messageId }: Asked, member: number, flags = 0): Promise<void> {
    return this.say(op.MOVD, messageId, number(2, 0), number(2, member), flags);
  }

  fail({ messageId }: Asked, wireCode: number): Promise<void> {
    return this.say(op.FAIL, messageId, number(2, wireCode), 'no');
  }

  kept({ messageId }: Asked, renewed: readonly number[], elsewhere: readonly number[]): Promise<void> {
    const list = (one: readonly number[]): Uint8Array => bytes(number(2, one.length), ...one.map((n) => number(2, n)));
    return this.say(op.KEPT, messageId, list(renewed), list(elsewhere));
  }

  /** The connection breaks. */
  async break(): Promise<void> {
    this.channel.close();
    await this.#rest();
  }
}

export class ClientWorld {
  readonly client: Client;
  readonly time: ManualTime = new ManualTime();
  /** What the client told of its connections. */
  readonly told: string[] = [];
  /** Nodes that cannot be reached. */
  readonly unreachable: Set<string> = new Set();
  /** Addresses dialled, each time. */
  readonly dialled: string[] = [];
  readonly #ends: Map<string, NodeEnd> = new Map();
  #endTurn: (() => void) | null = null;

  constructor(endpoints: readonly string[], options: ConnectOptions = {}, renewal: RenewalHost | null = null) {
    const settings = clientSettings(endpoints, { timeoutMs: TIMEOUT_MS, ...options }, 'test');
    this.client = new Client(settings, {
      transport: { connect: (address, handlerOf) => this.#connect(formatAddress(address), handlerOf) },
      timers: this.time,
      clock: this.time,
      random: new CountingRandom(),
      crypto: systemCrypto,
      ...(renewal === null ? {} : { renewal }),
      turn: new Turn((run) => {
        this.#endTurn = run;
      }),
    });
    this.client.on('status', ({ endpoint, state }: StatusEvent) => this.told.push(`${endpoint} ${state}`));
  }

  #connect(endpoint: string, handlerOf: (channel: Channel) => ChannelHandler): Promise<Channel> {
    this.dialled.push(endpoint);
    if (this.unreachable.has(endpoint)) return Promise.reject(new Error('nobody there'));
    const channel = new RecordingChannel();
    this.#ends.set(endpoint, new NodeEnd(endpoint, channel, () => this.rest()));
    channel.handler = handlerOf(channel);
    return Promise.resolve(channel);
  }

  /** The newest connection to a node. */
  end(endpoint: string): NodeEnd {
    const found = this.#ends.get(endpoint);
    if (found === undefined) throw new Error(`${endpoint} was never dialled`);
    return found;
  }

  /** What is under way comes to rest. */
  async rest(): Promise<void> {
    for (let round = 0; round < 20; round += 1) await null;
    const run = this.#endTurn;
    this.#endTurn = null;
    run?.();
    await null;
  }

  async pass(ms: number): Promise<void> {
    this.time.advance(ms);
    await this.rest();
  }

  /** A client of A, B and C, let in by all of them. */
  static async connected(
    table: TableParts,
    options: ConnectOptions = {},
    renewal: RenewalHost | null = null,
  ): Promise<ClientWorld> {
    const world = new ClientWorld([A], options, renewal);
    await world.rest();
    await world.end(A).welcome(table);
    for (const [self, endpoint] of [B, C].entries()) await world.end(endpoint).welcome({ ...table, self: self + 1 });
    return world;
  }

  /** Attaches by a first write to `key` at its primary; all are answered. */
  async attach(endpoint: string, key: string): Promise<void> {
    const put = this.client.put(key, 'first');
    await this.rest();
    const node = this.end(endpoint);
    await node.done(node.only(), ATTACHMENT);
    await node.done(node.only(), ATTACHMENT + 1n);
    await put;
  }
}

/** What `attach` attaches by. */
export const ATTACHMENT: bigint = (7n << 32n) + 2n;

/** In an LKDK, behind the token: the key of the lock holds nothing. */
export const NOTHING_THERE: Uint8Array = new Uint8Array(15);

/** Fields of a write. */
export function writeIn({ body }: Asked): { attachment: bigint; sequence: number; mark: number } {
  return { attachment: body.readBigUInt64BE(4), sequence: body.readInt32BE(12), mark: body.readInt32BE(16) };
}
