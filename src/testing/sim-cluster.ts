/**
 * A whole cluster in a simulated world: machines, the lives of nodes on them, and clients. It starts, crashes, pauses and
 * restarts them; it decides nothing by itself.
 */
import type { Prng } from '../base/prng.ts';
import { Turn } from '../base/turn.ts';
import { Client } from '../client/client.ts';
import { type ConnectOptions, clientSettings } from '../client/options.ts';
import { KeyvalError } from '../errors.ts';
import type { Node } from '../node/node.ts';
import { usualSettings } from '../node/settings.ts';
import { isDynamic } from './dynamic.ts';
import { MachineClock } from './sim-clock.ts';
import { SimDisk } from './sim-disk.ts';
import { SimNetwork } from './sim-network.ts';
import { type NodeLife, startLife } from './sim-node.ts';
import { SimProcess } from './sim-process.ts';
import { simCrypto } from './sim-random.ts';
import type { ClusterSettings } from './swarm.ts';
import type { World } from './world.ts';

const PORT = 7001;
/** Wall clocks are wrong by up to this much at the start. */
const WALL_CLOCK_ERROR_MS = 400;
/** Half of ρ (node/session-clock.ts): two clocks run apart by at most a hundredth. */
const RATE_ERROR = 0.005;
/** A process that ended by itself is started again after this. */
const RESTART_MS = 2000;
/** A node that is to stop finishes what is under way for at most this long. */
const STOP_GRACE_MS = 5000;

/** A machine for a node, whichever life of it is on. */
export class Seat {
  readonly index: number;
  readonly host: string;
  readonly address: string;
  readonly machine: MachineClock;
  readonly disk: SimDisk;
  life: NodeLife | null = null;
  lives = 0;

  constructor(world: World, index: number, machine: MachineClock, diskStepMs: number) {
    this.index = index;
    this.host = `n${index + 1}`;
    this.address = `${this.host}:${PORT}`;
    this.machine = machine;
    this.disk = new SimDisk(world, this.host, diskStepMs);
  }

  get node(): Node | null {
    return this.life?.node ?? null;
  }

  get process(): SimProcess | null {
    return this.life?.process ?? null;
  }
}

/** A client in a process of its own. */
export interface SimClient {
  readonly process: SimProcess;
  readonly client: Client;
}

export interface ClusterEvents {
  /** A life has begun. */
  started(seat: Seat, node: Node): void;
  /** It is over. */
  ended(node: Node): void;
  /** A node logged an error. */
  nodeError(seat: Seat, event: string, fields: Readonly<Record<string, unknown>>): void;
}

export class SimCluster {
  readonly world: World;
  readonly network: SimNetwork;
  readonly settings: ClusterSettings;
  readonly seats: readonly Seat[];
  readonly clients: SimClient[] = [];
  readonly #events: ClusterEvents;
  readonly #random: Prng;
  /** Operators that gave a node an empty directory for a damaged one. */
  disksReplaced = 0;
  /** Nodes that ended by themselves when they were told to stop. */
  stopped = 0;
  #processes = 0;
  #clientsMade = 0;

  constructor(world: World, settings: ClusterSettings, events: ClusterEvents) {
    this.world = world;
    this.settings = settings;
    this.#events = events;
    this.#random = world.random('machines');
    this.network = new SimNetwork(world, settings.network);
    this.seats = Array.from(
      { length: settings.nodes },
      (_, index) => new Seat(world, index, this.#machine(), settings.diskStepMs),
    );
  }

  #machine(): MachineClock {
    const rate = 1 + (this.#random.float() * 2 - 1) * RATE_ERROR;
    return new MachineClock(this.world, rate, (this.#random.float() * 2 - 1) * WALL_CLOCK_ERROR_MS);
  }

  get addresses(): string[] {
    return this.seats.map((seat) => seat.address);
  }

  #process(name: string, host: string, machine: MachineClock): SimProcess {
    this.#processes += 1;
    const { timersLateMs } = this.settings;
    return new SimProcess(this.world, this.network, this.#processes, { name, host, machine, timersLateMs });
  }

  // ---- nodes

  startNode(seat: Seat): void {
    try {
      this.#begin(seat);
    } catch (error) {
      if (!(error instanceof KeyvalError && seat.disk.isDamaged)) throw error;
      this.world.trace.line(seat.host, error.message);
      this.replaceDisk(seat);
    }
  }

  /** What an operator does about a directory that a node refuses: it comes back empty, as a new member. */
  replaceDisk(seat: Seat): void {
    this.world.trace.line(seat.host, 'its operator moves the state directory away');
    this.disksReplaced += 1;
    this.crashNode(seat, false);
    seat.disk.wipe();
    this.#begin(seat);
  }

  #begin(seat: Seat): void {
    const { cluster, partitions, replicas, secret, memoryBytesMax, connectionsMax, busyTurn } = this.settings;
    seat.lives += 1;
    this.network.machineUp(seat.host);
    const process = this.#process(`${seat.host}.${seat.lives}`, seat.host, seat.machine);
    const settings = {
      ...usualSettings,
      ...(isDynamic ? this.settings.book : {}),
      cluster,
      address: seat.address,
      members: [...this.addresses].sort(),
      partitions,
      replicas,
      secret,
      memoryBytesMax,
      connectionsMax,
      version: 'simulated',
    };
    const { world, network } = this;
    const onError = (event: string, fields: Readonly<Record<string, unknown>>): void =>
      this.#events.nodeError(seat, event, fields);
    world.trace.line(process.name, 'starts');
    const disk = isDynamic ? seat.disk.attach(process) : null;
    try {
      seat.life = startLife({ world, network, process, settings, disk, busyTurn, onError });
    } catch (error) {
      process.crash(false);
      throw error;
    }
    const { life } = seat;
    life.node.onFailure = (error): void => this.#giveUp(seat, life, error);
    this.#events.started(seat, life.node);
  }

  /** A node that cannot go on ends; whoever watches over it starts it again. */
  #giveUp(seat: Seat, life: NodeLife, error: KeyvalError): void {
    this.world.trace.line(life.process.name, `ends: ${error.message}`);
    this.world.schedule(null, 0, () => {
      if (seat.life !== life) return;
      this.crashNode(seat, false);
      this.world.schedule(null, RESTART_MS, () => {
        if (seat.life === null) this.startNode(seat);
      });
    });
  }

  /** Kill −9; `silently`: the machine loses power. */
  crashNode(seat: Seat, silently: boolean): void {
    if (seat.life === null) return;
    this.world.trace.line(seat.life.process.name, silently ? 'loses power' : 'is killed');
    this.#events.ended(seat.life.node);
    seat.life.process.crash(silently);
    seat.life = null;
    seat.disk.crash(silently);
  }

  /** SIGTERM: the node goes when it has finished what is under way, or after a time. */
  stopNode(seat: Seat): void {
    const { life } = seat;
    if (life === null) return;
    this.world.trace.line(life.process.name, 'is told to stop');
    this.world.schedule(life.process, 0, () => {
      void life.node.stop(STOP_GRACE_MS).then(() => {
        if (seat.life !== life) return;
        this.stopped += 1;
        this.crashNode(seat, false);
      });
    });
  }

  startAll(): void {
    for (const seat of this.seats) if (seat.life === null) this.startNode(seat);
  }

  /** Every node is up, and takes writes in all partitions that it is primary of. */
  get serving(): boolean {
    return this.seats.every((seat) => seat.node?.isServing ?? false);
  }

  // ---- clients

  /** A client on a machine of its own, which dials the nodes from now on. It takes the place of client `index`, if any. */
  addClient(options: ConnectOptions<string> = {}, index: number = this.clients.length): SimClient {
    this.#clientsMade += 1;
    const name = `c${this.#clientsMade}`;
    const process = this.#process(name, name, this.#machine());
    const { cluster, secret, busyTurn } = this.settings;
    const settings = clientSettings<string>(
      this.addresses,
      { cluster, ...(secret === null ? {} : { secret }), name, ...options },
      name,
    );
    const { timers, clock, random, transport } = process;
    const turn = new Turn((run) => timers.atTurnEnd(run), { soon: (run) => timers.soon(run), busyAt: busyTurn });
    const client = new Client<string>(settings, { timers, clock, random, transport, crypto: simCrypto, turn });
    client.on('status', ({ endpoint, state, error }) => {
      this.world.trace.line(name, `${endpoint} ${state}${error === undefined ? '' : ` (${error.message})`}`);
    });
    const added = { process, client };
    this.clients[index] = added;
    return added;
  }

  crashClient(index: number, silently: boolean): void {
    const crashed = this.clients[index];
    if (crashed === undefined || crashed.process.state === 'dead') return;
    this.world.trace.line(crashed.process.name, 'is killed');
    crashed.process.crash(silently);
  }

  /** A process that is on no network and suffers no fault, with an exact clock. */
  addBystander(name: string): SimProcess {
    return this.#process(name, name, new MachineClock(this.world, 1, 0));
  }

  /** All processes that are not dead. */
  get processes(): SimProcess[] {
    const nodes = this.seats.flatMap((seat) => seat.process ?? []);
    return [...nodes, ...this.clients.map(({ process }) => process)].filter(({ state }) => state !== 'dead');
  }
}
