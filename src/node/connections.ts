/**
 * All connections of a node: those that have not logged in, clients, and links to other nodes. Bounds what they may hold
 * together, and drops those that keep others waiting.
 */
import type { Channel, Log } from '../base/ports.ts';
import type { ConnectionFacts } from '../protocol/node-facts.ts';
import { Connection, type FrameHandler, QUEUE_PAUSE_BYTES } from './connection.ts';
import { FairShare } from './fair-share.ts';
import type { NodePorts } from './ports.ts';

/** Connections that have not logged in; one more pushes out the oldest, so that idle ones never lock others out. */
export const STRANGERS_MAX = 2000;
/** Above so much unsent to all clients together, each is read only while it has little unsent. */
export const UNSENT_BYTES_CROWDED: number = 64 * 1024 * 1024;
export const PAUSE_BYTES_CROWDED: number = 64 * 1024;
/** Above this, those with the most unsent are dropped. */
export const UNSENT_BYTES_MAX: number = 512 * 1024 * 1024;
/** Connections are looked at this often. */
const SWEEP_MS = 1000;
/** Connections that a listing shows, those that hold most first. */
const LISTED_MAX = 100;

export interface ConnectionsHost {
  readonly ports: NodePorts;
  readonly log: Log;
  readonly nowMs: number;
  touch(): number;
  /** More is under way than can be finished soon. */
  readonly congested: boolean;
  /** Memory of values that a connection is sending in pieces. */
  stagedBytesOf(connection: Connection): number;
}

export class Connections {
  readonly #host: ConnectionsHost;
  readonly #all: Map<number, Connection> = new Map();
  /** In the order in which they came. */
  readonly #strangers: Map<number, Connection> = new Map();
  readonly #share: FairShare;
  readonly #touch: () => number;
  #clients = 0;
  #lastId = 0;
  #lastSweepMs = 0;
  #crowded = false;

  constructor(host: ConnectionsHost) {
    this.#host = host;
    this.#touch = (): number => host.touch();
    this.#share = new FairShare(
      (run) => host.ports.timers.atTurnEnd(run),
      () => host.congested,
    );
  }

  nextId(): number {
    this.#lastId += 1;
    return this.#lastId;
  }

  get size(): number {
    return this.#all.size;
  }

  get clients(): number {
    return this.#clients;
  }

  /** All are to come anew: clients get what was written to them, links nothing more. */
  endAll(): void {
    for (const connection of [...this]) {
      if (connection.peer >= 0) connection.destroy();
      else connection.endSoon();
    }
  }

  [Symbol.iterator](): IterableIterator<Connection> {
    return this.#all.values();
  }

  /** Somebody has connected; `login` finds out who. */
  accept(channel: Channel, login: FrameHandler): Connection {
    const host = this.#host;
    const connection = new Connection(this.nextId(), channel, host.ports.turn, login, this.#touch, this.#share);
    if (this.#crowded) connection.pauseBytes = PAUSE_BYTES_CROWDED;
    this.#all.set(connection.id, connection);
    this.#strangers.set(connection.id, connection);
    if (this.#strangers.size > STRANGERS_MAX) this.#pushOutOldest();
    return connection;
  }

  #pushOutOldest(): void {
    for (const [id, oldest] of this.#strangers) {
      this.#strangers.delete(id);
      return oldest.destroy();
    }
  }

  /** It is a client from now on. */
  welcomeClient(connection: Connection): void {
    this.#strangers.delete(connection.id);
    this.#clients += 1;
  }

  /** It is a link to another node, from now on or because this node has opened it. */
  keepLink(connection: Connection): void {
    this.#strangers.delete(connection.id);
    this.#all.set(connection.id, connection);
  }

  strangerClosed(connection: Connection): void {
    this.#strangers.delete(connection.id);
    this.#all.delete(connection.id);
  }

  clientClosed(connection: Connection): void {
    this.#clients -= 1;
    this.#all.delete(connection.id);
  }

  linkClosed(connection: Connection): void {
    this.#all.delete(connection.id);
  }

  /** Something under way has been finished: those who wait may go on. */
  relieved(): void {
    this.#share.relieved();
  }

  /** To be called often; looks at all connections now and then. */
  tick(): void {
    this.#share.tick();
    const { nowMs } = this.#host;
    if (nowMs - this.#lastSweepMs < SWEEP_MS) return;
    this.#lastSweepMs = nowMs;
    let unsentBytes = 0;
    for (const connection of this.#all.values()) {
      const reason = connection.overdue;
      if (reason !== null) this.#drop(connection, reason);
      else if (connection.peer < 0) unsentBytes += connection.queue.queuedBytes;
    }
    if (unsentBytes > UNSENT_BYTES_CROWDED !== this.#crowded) this.#setCrowded(!this.#crowded);
    if (unsentBytes > UNSENT_BYTES_MAX) this.#dropLargest(unsentBytes);
  }

  #setCrowded(crowded: boolean): void {
    this.#crowded = crowded;
    const pauseBytes = crowded ? PAUSE_BYTES_CROWDED : QUEUE_PAUSE_BYTES;
    for (const connection of this.#all.values()) connection.pauseBytes = pauseBytes;
  }

  #dropLargest(unsentBytes: number): void {
    let left = unsentBytes;
    const clients = [...this.#all.values()].filter((connection) => connection.peer < 0);
    for (const connection of clients.sort((a, b) => b.queue.queuedBytes - a.queue.queuedBytes)) {
      if (left <= UNSENT_BYTES_MAX) return;
      left -= connection.queue.queuedBytes;
      this.#drop(connection, 'it has most of the unread replies, and there are too many');
    }
  }

  #drop(connection: Connection, reason: string): void {
    this.#host.log.write('warn', 'connection dropped', {
      from: connection.channel.remoteAddress,
      name: connection.name,
      reason,
      unsentBytes: connection.queue.queuedBytes,
    });
    connection.destroy();
  }

  /** Those that hold most, largest first. */
  list(): ConnectionFacts[] {
    return [...this.#all.values()]
      .map((connection) => this.#factsOf(connection))
      .sort((a, b) => b.memoryBytes - a.memoryBytes || a.id - b.id)
      .slice(0, LISTED_MAX);
  }

  #factsOf(connection: Connection): ConnectionFacts {
    const stranger = this.#strangers.has(connection.id);
    return {
      id: connection.id,
      from: connection.channel.remoteAddress,
      name: connection.name,
      role: connection.peer >= 0 ? 'node' : stranger ? 'stranger' : 'client',
      ageMs: Math.round(this.#host.nowMs - connection.openedAtMs),
      framesIn: connection.framesIn,
      bytesIn: connection.bytesIn,
      unsentBytes: connection.queue.queuedBytes,
      memoryBytes: connection.memoryBytes + this.#host.stagedBytesOf(connection),
      paused: connection.paused,
    };
  }

  /** Memory that all of them hold. */
  get memoryBytes(): number {
    let bytes = 0;
    for (const connection of this.#all.values()) bytes += connection.memoryBytes;
    return bytes;
  }
}
