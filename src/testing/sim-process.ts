/**
 * One life of a simulated process: it runs, is paused (SIGSTOP) and wakes in its own future, or is dead, and then nothing
 * of it is left: its timers never run, its connections are gone, whoever waits for one of its promises waits for ever.
 */
import type { Clock, Random, Timers, Transport } from '../base/ports.ts';
import type { SimEvent } from './event-heap.ts';
import { type MachineClock, SimClock, SimTimers } from './sim-clock.ts';
import type { SimNetwork } from './sim-network.ts';
import { simRandom } from './sim-random.ts';
import type { World } from './world.ts';

export interface ProcessOptions {
  /** Unique over all lives. */
  readonly name: string;
  /** The machine it runs on, as the network knows it. */
  readonly host: string;
  readonly machine: MachineClock;
  /** Timers come up to this much late. */
  readonly timersLateMs: number;
}

export class SimProcess {
  readonly name: string;
  readonly host: string;
  readonly number: number;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly transport: Transport;
  state: 'running' | 'paused' | 'dead' = 'running';
  readonly #world: World;
  readonly #network: SimNetwork;
  /** Events that came while it was paused. */
  #missed: SimEvent[] = [];

  constructor(world: World, network: SimNetwork, number: number, options: ProcessOptions) {
    this.#world = world;
    this.#network = network;
    this.name = options.name;
    this.host = options.host;
    this.number = number;
    const { machine } = options;
    this.clock = new SimClock(machine);
    const luck = world.random(`timers of ${this.name}`);
    this.timers = new SimTimers(world, this, machine.rate, luck, options.timersLateMs);
    this.random = simRandom(world.random(`random numbers of ${this.name}`));
    this.transport = {
      connect: (address, handlerOf, timeoutMs) => network.connect(this, address, handlerOf, timeoutMs),
    };
  }

  /** An event could not happen: it waits for the end of the pause. */
  missed(event: SimEvent): void {
    if (this.state === 'paused') this.#missed.push(event);
  }

  pause(): void {
    if (this.state === 'running') this.state = 'paused';
  }

  /** Everything that was due meanwhile happens now, in order. */
  resume(): void {
    if (this.state !== 'paused') return;
    this.state = 'running';
    const missed = this.#missed;
    this.#missed = [];
    for (const event of missed) if (!event.cancelled) this.#world.reschedule(event);
  }

  /** All its memory is lost. `silently`: its machine is gone, and nobody is told. */
  crash(silently: boolean): void {
    if (this.state === 'dead') return;
    this.state = 'dead';
    this.#missed = [];
    this.#network.processDied(this, silently);
  }
}
