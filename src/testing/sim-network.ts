/**
 * The network between simulated machines: who listens, connections and how they come about, links that are slow, cut in
 * one direction or both, machines that are gone.
 */
import { formatAddress } from '../base/address.ts';
import type { Address, Channel, ChannelHandler } from '../base/ports.ts';
import type { Prng } from '../base/prng.ts';
import { type ConnectionLimits, type ConnectionNet, SimEnd, systemError } from './sim-connection.ts';
import { type LinkQuality, LOOPBACK, SimLink } from './sim-link.ts';
import type { SimProcess } from './sim-process.ts';
import type { World } from './world.ts';

export type Accept = (channel: Channel) => ChannelHandler;

export interface NetworkOptions extends ConnectionLimits {
  /** How good links between machines are; each may be a little worse. */
  readonly quality: LinkQuality;
}

/** A connection request without an answer is repeated after this, then after twice as long, and so on. */
const CONNECT_AGAIN_MS = 1000;
const FIRST_PORT = 32_768;
/** Idle connections are probed by the kernel so often (io/tcp-transport.ts asks for it). */
const KEEP_ALIVE_MS = 15_000;

interface Listener {
  readonly process: SimProcess;
  readonly accept: Accept;
}

interface Attempt {
  readonly from: SimProcess;
  readonly host: string;
  readonly address: string;
  readonly handlerOf: (channel: Channel) => ChannelHandler;
  readonly resolve: (channel: Channel) => void;
  readonly reject: (error: Error) => void;
  settled: boolean;
}

export class SimNetwork implements ConnectionNet {
  readonly world: World;
  readonly counters = { connections: 0, refused: 0, resets: 0, timeouts: 0 };
  readonly #options: NetworkOptions;
  readonly #random: Prng;
  readonly #links: Map<string, SimLink> = new Map();
  readonly #listeners: Map<string, Listener> = new Map();
  readonly #gone: Set<string> = new Set();
  /** Connection requests to these machines are refused. */
  readonly #refusing: Set<string> = new Set();
  readonly #ends: Set<SimEnd> = new Set();
  #lastPort = FIRST_PORT;

  constructor(world: World, options: NetworkOptions) {
    this.world = world;
    this.#options = options;
    this.#random = world.random('network');
    this.#probeLater();
  }

  /** Who has nothing to send learns by a probe that nobody is at the other end any more. */
  #probeLater(): void {
    this.world.schedule(null, KEEP_ALIVE_MS, () => {
      for (const end of [...this.#ends]) end.probe();
      this.#probeLater();
    });
  }

  link(from: string, to: string): SimLink {
    const name = `${from}>${to}`;
    let link = this.#links.get(name);
    if (link === undefined) {
      const random = this.world.random(`link ${name}`);
      const { delayMs, jitterMs, bytesPerMs, tears } = this.#options.quality;
      const worse = { delayMs: delayMs * (1 + random.float()), jitterMs, bytesPerMs, tears };
      link = new SimLink(from === to ? LOOPBACK : worse, random);
      this.#links.set(name, link);
    }
    return link;
  }

  isUp(host: string): boolean {
    return !this.#gone.has(host);
  }

  // ---- connections

  listen(address: string, process: SimProcess, accept: Accept): void {
    this.#listeners.set(address, { process, accept });
  }

  connect(
    from: SimProcess,
    address: Address,
    handlerOf: (channel: Channel) => ChannelHandler,
    timeoutMs: number,
  ): Promise<Channel> {
    return new Promise((resolve, reject) => {
      const { host } = address;
      const attempt: Attempt = {
        from,
        host,
        address: formatAddress(address),
        handlerOf,
        resolve,
        reject,
        settled: false,
      };
      from.timers.after(timeoutMs, () => this.#giveUp(attempt, new Error(`no connection within ${timeoutMs} ms`)));
      this.#ask(attempt, CONNECT_AGAIN_MS);
    });
  }

  #giveUp(attempt: Attempt, error: Error): void {
    if (attempt.settled) return;
    attempt.settled = true;
    attempt.reject(error);
  }

  #ask(attempt: Attempt, againMs: number): void {
    if (attempt.settled || attempt.from.state === 'dead') return;
    const there = this.link(attempt.from.host, attempt.host);
    const back = this.link(attempt.host, attempt.from.host);
    if (there.cut || back.cut || !this.isUp(attempt.host)) {
      this.world.schedule(null, againMs, () => this.#ask(attempt, againMs * 2));
      return;
    }
    this.world.schedule(null, there.latencyMs(), () => this.#asked(attempt, back.latencyMs()));
  }

  #asked(attempt: Attempt, backMs: number): void {
    const listener = this.#listeners.get(attempt.address);
    if (listener === undefined || listener.process.state === 'dead' || this.#refusing.has(attempt.host)) {
      this.counters.refused += 1;
      const refused = systemError('ECONNREFUSED', 'connect');
      this.world.schedule(attempt.from, backMs, () => this.#giveUp(attempt, refused));
      return;
    }
    this.#join(attempt, listener, backMs);
  }

  /** The listener's kernel takes the connection, even while the process is paused. */
  #join(attempt: Attempt, listener: Listener, backMs: number): void {
    this.#lastPort += 1;
    const { from, host } = attempt;
    const near = new SimEnd(this, from, host, attempt.address, this.#limits());
    const far = new SimEnd(this, listener.process, from.host, `${from.host}:${this.#lastPort}`, this.#limits());
    near.other = far;
    far.other = near;
    this.#ends.add(near);
    this.#ends.add(far);
    this.counters.connections += 1;
    this.world.schedule(listener.process, 0, () => {
      if (far.open) far.handler = listener.accept(far);
    });
    this.world.schedule(from, backMs, () => {
      if (attempt.settled || !near.open) return near.destroy();
      attempt.settled = true;
      near.handler = attempt.handlerOf(near);
      attempt.resolve(near);
    });
  }

  #limits(): ConnectionLimits {
    const { roomBytes, giveUpMs } = this.#options;
    return { roomBytes, giveUpMs: giveUpMs * (1 + this.#random.float()) };
  }

  ended(end: SimEnd): void {
    // Kept while the other end may still send to it.
    if (end.other !== null && !end.other.open) {
      this.#ends.delete(end);
      this.#ends.delete(end.other);
    }
  }

  /** Open connections between two machines, one end of each. */
  #between(a: string, b: string): SimEnd[] {
    return [...this.#ends].filter((end) => end.open && end.process.host === a && end.other?.process.host === b);
  }

  get ends(): Iterable<SimEnd> {
    return this.#ends;
  }

  // ---- faults

  /** Nothing passes from `from` to `to`; what was sent waits. */
  cut(from: string, to: string): void {
    this.link(from, to).hold();
  }

  heal(from: string, to: string): void {
    if (this.link(from, to).release()) this.#wayChanged((a, b) => (a === from && b === to) || (a === to && b === from));
  }

  #wayChanged(concerns: (from: string, to: string) => boolean): void {
    for (const end of [...this.#ends]) {
      if (concerns(end.process.host, (end.other as SimEnd).process.host)) end.wayChanged();
    }
  }

  /** Breaks the connections between two machines; gives how many. */
  reset(a: string, b: string): number {
    const ends = this.#between(a, b);
    for (const end of ends) {
      const { other } = end;
      end.broken(systemError('ECONNRESET', 'read'));
      other?.broken(systemError('ECONNRESET', 'read'));
    }
    this.counters.resets += ends.length;
    return ends.length;
  }

  refuse(host: string, refuses: boolean): void {
    if (refuses) this.#refusing.add(host);
    else this.#refusing.delete(host);
  }

  processDied(process: SimProcess, silently: boolean): void {
    if (silently) this.#gone.add(process.host);
    for (const end of [...this.#ends]) if (end.process === process) end.die(silently);
  }

  /** The machine is there (again). */
  machineUp(host: string): void {
    if (!this.#gone.delete(host)) return;
    this.#wayChanged((a, b) => a === host || b === host);
  }
}
