/**
 * Flows that take several locks in whatever order chance gives, and wait for a long time: they get in each other's way in
 * circles (L10). One of each circle is told so; what a flow holds it lets go of then, as it does when all went well.
 */
import type { Prng } from '../base/prng.ts';
import type { Lock } from '../client/lock.ts';
import type { LockModeName } from '../client/lock-options.ts';
import { KeyvalError } from '../errors.ts';
import type { SimClient } from './sim-cluster.ts';
import { chance, pick } from './swarm.ts';
import type { Workload } from './workload.ts';

/** Few, so that flows meet. */
const KEYS: readonly string[] = ['d0', 'd1', 'd2'];
const TIMES = 3;
const WAITS_MS: readonly number[] = [300, 6000, 12_000];
/** So many of the locks are to be read under, and so many of these are converted later. */
const READS = 0.35;
const CONVERSIONS = 0.5;
/** So many waits are given up by whoever waits. */
const IMPATIENT = 0.1;
/** Longest time between two locks, as a share of the lease. */
const SECTION_OF_LEASE = 0.3;

export class DeadlockActions {
  readonly #load: Workload;
  readonly #sim: SimClient;
  readonly #name: string;
  readonly #random: Prng;

  constructor(load: Workload, sim: SimClient, name: string, random: Prng) {
    this.#load = load;
    this.#sim = sim;
    this.#name = name;
    this.#random = random;
  }

  async tangle(): Promise<void> {
    for (let times = 0; times < TIMES && this.#load.running; times += 1) await this.#once();
  }

  async #once(): Promise<void> {
    const { recorder, counters } = this.#load;
    const held: Lock[] = [];
    try {
      await this.#sim.client.flow(() => this.#takeAll(held));
      counters.operation('tangle', 'ok');
    } catch (error) {
      recorder.mustBeForeseen(`tangle by ${this.#name}`, error);
      counters.operation('tangle', 'fail');
    }
    for (const lock of held) await lock.release().catch((error: unknown) => recorder.mustBeForeseen('release', error));
  }

  async #takeAll(held: Lock[]): Promise<void> {
    const keys = this.#shuffled().slice(0, 2 + this.#random.below(2));
    for (const key of keys) {
      if (!this.#load.running) return;
      const mode = chance(this.#random, READS) ? 'read' : 'exclusive';
      held.push(await this.#take(this.#load.names.of(key), mode));
      await this.#pause();
    }
    for (const lock of held) {
      if (lock.mode === 'exclusive' || !this.#load.running || !chance(this.#random, CONVERSIONS)) continue;
      await this.#patiently((signal) =>
        lock.convert('exclusive', { waitMs: pick(this.#random, WAITS_MS), fetch: false, signal }),
      );
      await this.#pause();
    }
  }

  async #take(key: string, mode: LockModeName): Promise<Lock> {
    const { guard } = this.#load;
    const lock = await this.#patiently((signal) =>
      this.#sim.client.lock(key, { mode, waitMs: pick(this.#random, WAITS_MS), fetch: false, signal }),
    );
    if (mode === 'exclusive') guard.holds(key, lock.token, this.#name);
    return lock;
  }

  /** Some give up after a while. */
  async #patiently<T>(wait: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const impatience = new AbortController();
    const ms = chance(this.#random, IMPATIENT) ? this.#random.float() * 3000 : 60_000;
    const timer = this.#sim.process.timers.after(ms, () => impatience.abort());
    try {
      return await wait(impatience.signal);
    } catch (error) {
      this.#look(error);
      throw error;
    } finally {
      timer.cancel();
    }
  }

  /** Whoever is told of a deadlock is told the circle, which begins with its own wait. */
  #look(error: unknown): void {
    if (!(error instanceof KeyvalError) || error.code !== 'KV_DEADLOCK') return;
    const { cycle } = error;
    if (cycle !== undefined && cycle[0]?.name !== this.#sim.process.name)
      this.#load.cluster.world.fail('L10', `${this.#name} is told of a deadlock of others: ${error.message}`);
  }

  #pause(): Promise<void> {
    const ms = this.#random.float() * this.#load.settings.leaseMs * SECTION_OF_LEASE;
    return new Promise((resolve) => {
      this.#sim.process.timers.after(Math.min(ms, 500), resolve);
    });
  }

  #shuffled(): string[] {
    const keys = [...KEYS];
    for (let index = keys.length - 1; index > 0; index -= 1) {
      const other = this.#random.below(index + 1);
      [keys[index], keys[other]] = [keys[other] as string, keys[index] as string];
    }
    return keys;
  }
}
