/** Makes the faults of a list happen to a cluster, and undoes all that last at the end. */
import type { Prng } from '../base/prng.ts';
import type { Counters } from './counters.ts';
import { type Fault, type FaultKind, faultText } from './faults.ts';
import type { Seat, SimCluster } from './sim-cluster.ts';
import type { SimProcess } from './sim-process.ts';

/** Connections that are broken again and again last about this long. */
const RESET_AGAIN_MS = 150;

/** All nodes that died together are back within this of each other. */
const STAGGER_MS = 400;

export interface FaultEvents {
  clientCrashed(index: number): void;
  /** No node is left: what was kept in memory alone is forgotten. */
  allKilled(): void;
}

export class FaultRunner {
  readonly #cluster: SimCluster;
  readonly #counters: Counters;
  /** What has begun and not ended yet. */
  readonly #undo: Set<() => void> = new Set();
  /** A node has crashed: what it was part of takes no writes until all have been restarted. */
  crashed = false;
  #over = false;
  readonly #random: Prng;
  readonly #events: FaultEvents;

  constructor(cluster: SimCluster, counters: Counters, events: FaultEvents) {
    this.#cluster = cluster;
    this.#counters = counters;
    this.#events = events;
    this.#random = cluster.world.random('fault runner');
  }

  plan(faults: readonly Fault[]): void {
    const { world } = this.#cluster;
    for (const fault of faults) world.schedule(null, fault.atMs - world.nowMs, () => this.#begin(fault));
  }

  #begin(fault: Fault): void {
    if (this.#over) return;
    const { world, settings } = this.#cluster;
    const undo = this.#do[fault.kind](fault);
    if (undo === null) return;
    this.#counters.fault(fault.kind);
    world.trace.line('fault', faultText(fault, settings.nodes));
    if (fault.forMs === 0) return;
    this.#undo.add(undo);
    world.schedule(null, fault.forMs, () => {
      if (this.#undo.delete(undo)) undo();
    });
  }

  /** Everything heals. */
  end(): void {
    this.#over = true;
    for (const undo of this.#undo) undo();
    this.#undo.clear();
    for (const { disk } of this.#cluster.seats) disk.spare();
  }

  /** Faults begin again. */
  again(): void {
    this.#over = false;
  }

  /** Each does it and gives how to undo it; null: there was nothing to do it to. */
  readonly #do: Readonly<Record<FaultKind, (fault: Fault) => (() => void) | null>> = {
    pauseNode: ({ target }) => pause(this.#seat(target).process),
    pauseClient: ({ target }) => pause(this.#cluster.clients[target]?.process ?? null),
    crashNode: (fault) => this.#crash(fault),
    crashClient: ({ target, amount }) => {
      const client = this.#cluster.clients[target];
      if (client === undefined || client.process.state === 'dead') return null;
      this.#cluster.crashClient(target, amount === 1);
      this.#events.clientCrashed(target);
      return nothing;
    },
    partition: (fault) => this.#cut(this.#pairs(fault), true),
    isolate: (fault) => this.#cut(this.#sides(fault), true),
    oneWay: (fault) => this.#cut(this.#pairs(fault), false),
    clog: (fault) => this.#clog(fault),
    reset: (fault) => this.#resetAgain(fault),
    refuse: ({ target }) => {
      const { host } = this.#seat(target);
      const { network } = this.#cluster;
      network.refuse(host, true);
      return () => network.refuse(host, false);
    },
    clockJump: ({ target, amount }) => {
      this.#seat(target).machine.jump(amount);
      return nothing;
    },
    stopNode: (fault) => this.#stop(fault),
    killAll: (fault) => this.#killAll(fault),
    wipeDisk: ({ target }) => {
      this.#seat(target).disk.loseInCrash('everything');
      return nothing;
    },
    damageDisk: ({ target, amount }) => {
      this.#seat(target).disk.loseInCrash(amount === 1 ? 'misdirect' : 'flip');
      return nothing;
    },
    slowDisk: ({ target, amount }) => this.#seat(target).disk.slowDown(amount),
    fullDisk: ({ target }) => this.#seat(target).disk.fill(),
  };

  #seat(target: number): Seat {
    return this.#cluster.seats[target % this.#cluster.seats.length] as Seat;
  }

  #crash({ target, amount }: Fault): (() => void) | null {
    const seat = this.#seat(target);
    if (seat.life === null) return null;
    this.crashed = true;
    this.#cluster.crashNode(seat, amount === 1);
    return () => {
      if (seat.life === null) this.#cluster.startNode(seat);
    };
  }

  /** Whoever has not ended by itself when it is to be back is killed. */
  #stop({ target }: Fault): (() => void) | null {
    const seat = this.#seat(target);
    const { life } = seat;
    if (life?.process.state !== 'running') return null;
    this.crashed = true;
    this.#cluster.stopNode(seat);
    return () => {
      if (seat.life === life) this.#cluster.crashNode(seat, false);
      if (seat.life === null) this.#cluster.startNode(seat);
    };
  }

  #killAll({ amount }: Fault): (() => void) | null {
    const { seats, world } = this.#cluster;
    if (seats.every(({ life }) => life === null)) return null;
    this.crashed = true;
    for (const seat of seats) this.#cluster.crashNode(seat, amount === 1);
    this.#counters.count('fullRestarts');
    this.#events.allKilled();
    return () => {
      for (const seat of seats) {
        world.schedule(null, this.#random.float() * STAGGER_MS, () => {
          if (seat.life === null) this.#cluster.startNode(seat);
        });
      }
    };
  }

  /** Pairs of machines that a fault is about: the target with its peer, or with all others. */
  #pairs({ target, peer }: Fault): [string, string][] {
    const { seats, clients } = this.#cluster;
    const hosts = [...seats.map(({ host }) => host), ...clients.map(({ process }) => process.host)];
    const own = this.#seat(target).host;
    const others = peer < 0 ? hosts : [hosts[peer % hosts.length] as string];
    return others.filter((host) => host !== own).map((host) => [own, host]);
  }

  /** Pairs of machines on the two sides of a split network: the target, with its peer if any, and the others. */
  #sides({ target, peer }: Fault): [string, string][] {
    const { seats, clients } = this.#cluster;
    const nodes = seats.map(({ host }) => host);
    const hosts = [...nodes, ...clients.map(({ process }) => process.host)];
    const own = this.#seat(target).host;
    const side = peer < 0 ? [own] : [own, hosts[peer % hosts.length] as string];
    const others = (peer < 0 ? nodes : hosts).filter((host) => !side.includes(host));
    return side.flatMap((host) => others.map((other): [string, string] => [host, other]));
  }

  #cut(pairs: readonly [string, string][], bothWays: boolean): (() => void) | null {
    const { network } = this.#cluster;
    if (pairs.length === 0) return null;
    for (const [a, b] of pairs) {
      network.cut(a, b);
      if (bothWays) network.cut(b, a);
    }
    return () => {
      for (const [a, b] of pairs) {
        network.heal(a, b);
        if (bothWays) network.heal(b, a);
      }
    };
  }

  /** Breaks connections, and those that follow, until it is undone. */
  #resetAgain(fault: Fault): (() => void) | null {
    const { network, world } = this.#cluster;
    const pairs = this.#pairs(fault);
    if (pairs.length === 0) return null;
    let ended = false;
    const again = (): void => {
      if (ended) return;
      for (const [a, b] of pairs) network.reset(a, b);
      world.schedule(null, RESET_AGAIN_MS * (0.2 + this.#random.float()), again);
    };
    again();
    return () => {
      ended = true;
    };
  }

  #clog(fault: Fault): (() => void) | null {
    const { network } = this.#cluster;
    const links = this.#pairs(fault).flatMap(([a, b]) => [network.link(a, b), network.link(b, a)]);
    if (links.length === 0) return null;
    for (const link of links) link.slowness *= fault.amount;
    return () => {
      for (const link of links) link.slowness /= fault.amount;
    };
  }
}

function nothing(): void {
  // It has no end.
}

function pause(process: SimProcess | null): (() => void) | null {
  if (process === null || process.state !== 'running') return null;
  process.pause();
  return () => process.resume();
}
