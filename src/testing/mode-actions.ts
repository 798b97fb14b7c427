/** What a simulated client does with locks in several modes (L7): takes them, converts them, writes under them, lets go. */
import { mayWrite } from '../base/lock-mode.ts';
import type { Prng } from '../base/prng.ts';
import type { Client } from '../client/client.ts';
import type { Lock } from '../client/lock.ts';
import { type LockModeName, modeOf } from '../client/lock-options.ts';
import { KeyvalError } from '../errors.ts';
import { KeptModes } from './kept-modes.ts';
import type { Belief } from './mode-guard.ts';
import type { SimClient } from './sim-cluster.ts';
import { chance, pick } from './swarm.ts';
import type { Workload } from './workload.ts';

/** Readers most of all: else there are none together. */
const MODES: readonly LockModeName[] = [
  'read',
  'read',
  'read',
  'exclusive',
  'exclusive',
  'protected-write',
  'concurrent-read',
  'concurrent-write',
  'concurrent-write',
  'null',
];
const WAITS_MS: readonly number[] = [0, 50, 1000, 6000];
const KEYS = 2;
const STEPS_MAX = 4;
const CONVERSIONS = 0.5;
/** So many conversions are given up after a while, within a lease. */
const GIVEN_UP = 0.2;
const NEVER_MS = 60_000;
/** So many locks stay locked for a while when their holder is lost (L13), at most for a lease. */
const DELAYED = 0.2;

export class ModeActions {
  readonly #load: Workload;
  readonly #sim: SimClient;
  readonly #client: Client;
  readonly #name: string;
  readonly #random: Prng;
  readonly #kept: KeptModes;

  constructor(load: Workload, sim: SimClient, name: string, random: Prng) {
    this.#load = load;
    this.#sim = sim;
    this.#client = sim.client;
    this.#name = name;
    this.#random = random;
    this.#kept = new KeptModes(load.cluster);
  }

  async section(): Promise<void> {
    const { names, settings, counters } = this.#load;
    const key = names.of(`m${this.#random.below(KEYS)}`);
    const mode = pick(this.#random, MODES);
    const delayMs = chance(this.#random, DELAYED) ? Math.ceil(this.#random.float() * settings.leaseMs) : 0;
    const lock = await this.#try(() => this.#client.lock(key, { mode, delayMs, waitMs: pick(this.#random, WAITS_MS) }));
    if (lock === null) return;
    counters.count(modeOf(mode) === 5 ? 'lockGrants' : 'sharedGrants');
    const belief = this.#believe(key, lock);
    this.#tell(key, lock);
    lock.on('wanted', () => counters.count('locksWanted'));
    await this.#work(key, lock, belief);
    this.#load.modes.end(key, belief);
    this.#tell(key, lock, 'release');
    if (lock.held) await this.#try(() => lock.release({ confirm: chance(this.#random, 0.3) }));
  }

  #believe(key: string, lock: Lock): Belief {
    const { clock } = this.#sim.process;
    const { session } = this.#client.dispatcher;
    const belief: Belief = {
      who: this.#name,
      get mode(): number {
        return modeOf(lock.mode);
      },
      get token(): bigint {
        return lock.token;
      },
      holds: () => !lock.signal.aborted && clock.monotonicMs() < session.at(lock.partition).leaseUntilMs,
    };
    this.#load.modes.begin(key, belief);
    return belief;
  }

  async #work(key: string, lock: Lock, belief: Belief): Promise<void> {
    const { modes, settings } = this.#load;
    const steps = 1 + this.#random.below(STEPS_MAX);
    for (let step = 0; step < steps && lock.held; step += 1) {
      modes.look(key, belief);
      this.#lookAtNodes(key, lock);
      if (chance(this.#random, CONVERSIONS)) await this.#convert(key, lock, belief);
      else if (mayWrite(belief.mode)) await this.#write(lock);
      if (lock.held) await this.#sleep(this.#random.float() * settings.leaseMs * settings.sectionOfLease);
    }
  }

  /** A conversion that fails leaves the lock as it was. */
  async #convert(key: string, lock: Lock, belief: Belief): Promise<void> {
    const { modes, counters, settings } = this.#load;
    const former = lock.mode;
    const mode = pick(this.#random, MODES);
    const isGivenUp = chance(this.#random, GIVEN_UP);
    const impatience = new AbortController();
    const timer = this.#sim.process.timers.after(
      isGivenUp ? this.#random.float() * settings.leaseMs : settings.leaseMs + NEVER_MS,
      () => impatience.abort(),
    );
    const converted = await this.#try(async () => {
      await lock.convert(mode, { waitMs: pick(this.#random, WAITS_MS), signal: impatience.signal });
      return true;
    });
    timer.cancel();
    this.#tell(key, lock, `converted from ${former} to ${mode}: ${converted}`);
    if (!lock.held) return;
    if (converted === true) counters.count('conversions');
    else if (lock.mode !== former && modeOf(lock.mode) !== modeOf(mode) && lock.mode !== 'concurrent-read')
      this.#load.cluster.world.fail(
        'conversion',
        `'${key}' went from ${former} to ${lock.mode}, ${mode} was asked for`,
      );
    modes.look(key, belief);
    this.#lookAtNodes(key, lock);
  }

  #lookAtNodes(key: string, lock: Lock): void {
    if (lock.held) this.#kept.look(key, lock, Buffer.from(this.#client.dispatcher.session.id).toString('hex'));
  }

  #tell(key: string, lock: Lock, what = ''): void {
    const { trace } = this.#load.cluster.world;
    if (trace.wanted) trace.line(this.#name, `lock ${key} ${lock.held ? lock.mode : 'lost'} ${lock.token} ${what}`);
  }

  async #write(lock: Lock): Promise<void> {
    await this.#try(() => lock.put(`by ${this.#name}`));
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#sim.process.timers.after(ms, resolve);
    });
  }

  /** Null: it failed in a way that can be. */
  async #try<T>(act: () => Promise<T>): Promise<T | null> {
    const { recorder, counters } = this.#load;
    try {
      const result = await act();
      counters.operation('modes', 'ok');
      return result;
    } catch (error) {
      if (error instanceof KeyvalError && error.code === 'KV_DEADLOCK') counters.count('conversionDeadlocks');
      else if (!(error instanceof KeyvalError && EXPECTED.has(error.code))) recorder.mustBeForeseen('modes', error);
      counters.operation('modes', 'fail');
      return null;
    }
  }
}

const EXPECTED: ReadonlySet<string> = new Set(['KV_LOCK_BUSY', 'KV_LOCK_LOST', 'KV_NOT_HELD', 'KV_FENCED']);
