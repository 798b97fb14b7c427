/**
 * Relays in front of the nodes: each listens where its node is said to be and hands everything on to where it really
 * listens. Callers are told apart by the address they call from, so that each direction between two hosts is a *lane*
 * with faults of its own.
 *
 *     node .11 ──► relay 127.0.1.12 ──► node .12        bytes of lane .11>.12
 *              ◄──                  ◄──                 bytes of lane .12>.11, on the same connection
 */
import { createServer, connect as dial, type Server, type Socket } from 'node:net';

/**
 * What happens to the bytes of a lane. `hold`: they wait, with the connection's end among them, as behind a network that
 * retransmits; `drop`: they are gone, and the connection is reset when the lane opens again.
 */
export type Cut = 'open' | 'hold' | 'drop';

/** One direction between two hosts. */
export class Lane {
  cut: Cut = 'open';
  /** Each chunk comes so much later, and up to `jitterMs` more; order stays. */
  delayMs = 0;
  jitterMs = 0;
  /** A clog: so little passes. */
  bytesPerSecond: number = Number.POSITIVE_INFINITY;

  get isPlain(): boolean {
    return this.cut === 'open' && this.delayMs === 0 && this.jitterMs === 0 && this.bytesPerSecond === Infinity;
  }
}

export interface LaneFaults {
  readonly cut?: Cut;
  readonly delayMs?: number;
  readonly jitterMs?: number;
  readonly bytesPerSecond?: number;
}

/** Bytes of one direction of one connection that wait here; the sender is not read while there are more. */
const WAITING_BYTES_MAX: number = 4 * 1024 * 1024;

export interface RelayAddress {
  /** Where the relay listens, as `host:port`. */
  readonly listen: string;
  /** Where its node listens. */
  readonly target: string;
}

/** The relays of a cluster and the lanes through them. Hosts are named by their addresses without a port. */
export class RelayNetwork {
  readonly #lanes: Map<string, Lane> = new Map();
  readonly #servers: Server[] = [];
  readonly #connections: Set<RelayedConnection> = new Set();

  /** @throws Error when an address is in use */
  static async start(relays: readonly RelayAddress[]): Promise<RelayNetwork> {
    const network = new RelayNetwork();
    try {
      for (const relay of relays) await network.#listen(relay);
    } catch (error) {
      network.stop();
      throw error;
    }
    return network;
  }

  #listen({ listen, target }: RelayAddress): Promise<void> {
    const server = createServer({ noDelay: true, allowHalfOpen: true }, (caller) => this.#accept(caller, target));
    this.#servers.push(server);
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(parse(listen), resolve);
    });
  }

  #accept(caller: Socket, target: string): void {
    const from = caller.remoteAddress ?? '?';
    const to = parse(target);
    const node = dial({ ...to, noDelay: true, allowHalfOpen: true });
    const lanes = { there: this.#lane(from, to.host), back: this.#lane(to.host, from) };
    const connection = new RelayedConnection(caller, node, lanes, () => this.#connections.delete(connection));
    this.#connections.add(connection);
  }

  #lane(from: string, to: string): Lane {
    const name = `${from}>${to}`;
    const known = this.#lanes.get(name);
    if (known !== undefined) return known;
    const lane = new Lane();
    this.#lanes.set(name, lane);
    return lane;
  }

  /** From now on, for all that passes from `from` to `to`; what is not named stays. */
  set(from: string, to: string, faults: LaneFaults): void {
    Object.assign(this.#lane(from, to), faults);
    for (const connection of this.#connections) connection.laneChanged();
  }

  /** No faults anywhere. */
  heal(): void {
    for (const lane of this.#lanes.values()) Object.assign(lane, new Lane());
    for (const connection of this.#connections) connection.laneChanged();
  }

  /** Resets all connections between two hosts, whoever called; gives their number. */
  reset(one: string, other: string): number {
    const lanes = [this.#lane(one, other), this.#lane(other, one)];
    const hit = [...this.#connections].filter(({ there }) => lanes.includes(there));
    for (const connection of hit) connection.reset();
    return hit.length;
  }

  get connections(): number {
    return this.#connections.size;
  }

  stop(): void {
    for (const server of this.#servers) server.close();
    for (const connection of this.#connections) connection.reset();
  }
}

/** A caller's connection and the one to the node, and what passes between them. */
class RelayedConnection {
  readonly there: Lane;
  readonly #sockets: readonly [Socket, Socket];
  readonly #directions: readonly [Direction, Direction];
  readonly #gone: () => void;
  #isGone = false;

  constructor(caller: Socket, node: Socket, lanes: { there: Lane; back: Lane }, gone: () => void) {
    this.there = lanes.there;
    this.#sockets = [caller, node];
    this.#gone = gone;
    this.#directions = [new Direction(caller, node, lanes.there), new Direction(node, caller, lanes.back)];
    for (const socket of this.#sockets) socket.on('error', () => undefined);
    caller.on('close', () => this.#closed(0));
    node.on('close', () => this.#closed(1));
  }

  /** One side is gone: the other hears of it behind the bytes under way, and not while its lane is cut. */
  #closed(side: 0 | 1): void {
    this.#directions[side].finish('reset');
    if (this.#sockets.every(({ destroyed }) => destroyed)) this.#forget();
  }

  laneChanged(): void {
    if (this.#directions.some(({ isSpoilt }) => isSpoilt)) this.reset();
    else for (const direction of this.#directions) direction.pump();
  }

  reset(): void {
    for (const direction of this.#directions) direction.stop();
    for (const socket of this.#sockets) socket.resetAndDestroy();
    this.#forget();
  }

  #forget(): void {
    if (this.#isGone) return;
    this.#isGone = true;
    for (const direction of this.#directions) direction.stop();
    this.#gone();
  }
}

type End = 'finish' | 'reset';

interface Waiting {
  /** What goes on, or how the stream ends. */
  readonly item: Buffer | End;
  readonly dueMs: number;
}

/** One direction of one connection. */
class Direction {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #lane: Lane;
  /** In order; due times never fall. */
  readonly #waiting: Waiting[] = [];
  #waitingBytes = 0;
  /** A clog lets the next chunk pass then. */
  #freeAtMs = 0;
  #timer: NodeJS.Timeout | null = null;
  #lost = false;
  #stopped = false;

  constructor(from: Socket, to: Socket, lane: Lane) {
    this.#from = from;
    this.#to = to;
    this.#lane = lane;
    from.on('data', (chunk: Buffer) => this.#received(chunk));
    from.on('end', () => this.finish('finish'));
    to.on('drain', () => this.#readOn());
  }

  /** Something of it was dropped, and its lane is open again: what follows would make no sense. */
  get isSpoilt(): boolean {
    return this.#lost && this.#lane.cut !== 'drop';
  }

  #received(chunk: Buffer): void {
    if (this.#lane.cut === 'drop') {
      this.#lost = true;
      return;
    }
    if (this.#waiting.length === 0 && this.#lane.isPlain) {
      if (!this.#to.write(chunk)) this.#from.pause();
      return;
    }
    this.#waitingBytes += chunk.length;
    this.#queue(chunk);
  }

  finish(end: End): void {
    if (this.#stopped) return;
    if (this.#lane.cut === 'drop') this.#lost = true;
    else this.#queue(end);
  }

  #queue(item: Buffer | End): void {
    const { delayMs, jitterMs } = this.#lane;
    const last = this.#waiting.at(-1)?.dueMs ?? 0;
    this.#waiting.push({ item, dueMs: Math.max(last, performance.now() + delayMs + Math.random() * jitterMs) });
    if (this.#waitingBytes > WAITING_BYTES_MAX) this.#from.pause();
    this.pump();
  }

  /** Sends on all that is due. */
  pump(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    while (!this.#stopped && this.#lane.cut === 'open') {
      const next = this.#waiting[0];
      if (next === undefined) return this.#readOn();
      const leftMs = Math.max(next.dueMs, this.#freeAtMs) - performance.now();
      if (leftMs > 0) {
        this.#timer = setTimeout(() => this.pump(), leftMs);
        return;
      }
      this.#waiting.shift();
      this.#pass(next.item);
    }
  }

  #pass(item: Buffer | End): void {
    if (typeof item !== 'string') {
      this.#waitingBytes -= item.length;
      this.#freeAtMs = performance.now() + (item.length / this.#lane.bytesPerSecond) * 1000;
      this.#to.write(item);
    } else if (item === 'finish') this.#to.end();
    else if (this.#to.writableEnded) this.#to.destroySoon();
    else this.#to.resetAndDestroy();
  }

  #readOn(): void {
    if (this.#waitingBytes <= WAITING_BYTES_MAX && !this.#to.writableNeedDrain) this.#from.resume();
  }

  stop(): void {
    this.#stopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#waiting.length = 0;
  }
}

function parse(address: string): { host: string; port: number } {
  const at = address.lastIndexOf(':');
  return { host: address.slice(0, at), port: Number(address.slice(at + 1)) };
}
