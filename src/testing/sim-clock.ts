/**
 * The time of one process: a monotonic clock that runs a little fast or slow, and a wall clock that may be wrong and may
 * jump. Timers are events of the process; they come late, never early.
 */
import type { Clock, TimerHandle, Timers } from '../base/ports.ts';
import type { Prng } from '../base/prng.ts';
import type { SimProcess } from './sim-process.ts';
import type { World } from './world.ts';

/** What the wall clocks show when the world begins: 2026-01-01 UTC. */
export const WORLD_BEGAN_UNIX_MS = 1_767_225_600_000;

/** Timers of the real system count whole milliseconds. */
const TIMER_MS_MIN = 1;
/** A turn of the event loop takes up to this long. */
const TURN_MS_MAX = 0.2;

/** The clock of a machine; it goes on while its processes die. */
export class MachineClock {
  /** 1: exact. Two machines differ by at most a hundredth. */
  readonly rate: number;
  readonly #world: World;
  #offsetMs: number;

  constructor(world: World, rate: number, offsetMs: number) {
    this.#world = world;
    this.rate = rate;
    this.#offsetMs = offsetMs;
  }

  get monotonicMs(): number {
    return this.#world.nowMs * this.rate;
  }

  get unixMs(): number {
    return WORLD_BEGAN_UNIX_MS + this.#offsetMs + this.#world.nowMs * this.rate;
  }

  /** Somebody sets the wall clock. */
  jump(byMs: number): void {
    this.#offsetMs += byMs;
  }
}

export class SimClock implements Clock {
  readonly #machine: MachineClock;
  readonly #startedAtMs: number;

  constructor(machine: MachineClock) {
    this.#machine = machine;
    this.#startedAtMs = machine.monotonicMs;
  }

  monotonicMs(): number {
    return this.#machine.monotonicMs - this.#startedAtMs;
  }

  unixMs(): number {
    return Math.floor(this.#machine.unixMs);
  }
}

export class SimTimers implements Timers {
  readonly #world: World;
  readonly #process: SimProcess;
  readonly #rate: number;
  readonly #random: Prng;
  readonly #lateMsMax: number;

  constructor(world: World, process: SimProcess, rate: number, random: Prng, lateMsMax: number) {
    this.#world = world;
    this.#process = process;
    this.#rate = rate;
    this.#random = random;
    this.#lateMsMax = lateMsMax;
  }

  after(afterMs: number, run: () => void): TimerHandle {
    const ownMs = afterMs >= TIMER_MS_MIN ? afterMs : TIMER_MS_MIN;
    return this.#world.schedule(this.#process, ownMs / this.#rate + this.#random.float() * this.#lateMsMax, run);
  }

  soon(run: () => void): void {
    this.#world.soon(this.#process, run);
  }

  atTurnEnd(run: () => void): void {
    this.#world.schedule(this.#process, this.#random.float() * TURN_MS_MAX, run);
  }
}
