/** One loop of a simulated client: what it does next is chance, what came of it goes into the history. */
import type { Prng } from '../base/prng.ts';
import type { BatchOperation } from '../client/batch.ts';
import type { Client } from '../client/client.ts';
import type { Lock } from '../client/lock.ts';
import type { LockGroup } from '../client/lock-group.ts';
import type { ReadMode } from '../client/options.ts';
import { KeyvalError } from '../errors.ts';
import { DeadlockActions } from './deadlock-actions.ts';
import { isDynamic } from './dynamic.ts';
import { ModeActions } from './mode-actions.ts';
import { RareActions } from './rare-actions.ts';
import { inHistory, type Recorded } from './recorder.ts';
import type { SimClient } from './sim-cluster.ts';
import { type Action, chance, chooseAction, pick } from './swarm.ts';
import type { Workload } from './workload.ts';

/** So many values are longer than the smallest kernels hold at a time. */
const MIDDLING_VALUES = 0.04;
/** So many reads say how fresh they must be. */
const STRICT_READS = 0.25;
const STALE_READS = 0.1;
/** Longest time spent under a lock by those who need renewals, in leases. */
const LONG_SECTION_OF_LEASE = 3;
const LONG_SECTION_MS_MAX = 12_000;
/** Whoever works long looks this often whether it still holds the lock, in steps per lease. */
const LOOKS_PER_LEASE = 12;
const WAITS_MS: readonly number[] = [20, 200, 1500, 8000];

export class Flow {
  readonly #load: Workload;
  readonly #sim: SimClient;
  readonly #client: Client;
  readonly #name: string;
  readonly #random: Prng;
  readonly #rare: RareActions;
  readonly #modes: ModeActions;
  readonly #deadlocks: DeadlockActions;
  #written = 0;

  constructor(load: Workload, sim: SimClient, name: string, random: Prng) {
    this.#load = load;
    this.#sim = sim;
    this.#client = sim.client;
    this.#name = name;
    this.#random = random;
    this.#rare = new RareActions(load, sim.client, name, random);
    this.#modes = new ModeActions(load, sim, name, random);
    this.#deadlocks = new DeadlockActions(load, sim, name, random);
  }

  async run(): Promise<void> {
    const { settings } = this.#load;
    while (this.#load.running) {
      await this.#sleep(this.#random.float() * 2 * settings.thinkMs);
      if (!this.#load.running) return;
      await this.#do[chooseAction(this.#random, settings.weights)]();
    }
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#sim.process.timers.after(ms, resolve);
    });
  }

  #key(kind: string, count: number): string {
    return this.#load.names.of(`${kind}${this.#random.below(count)}`);
  }

  #value(): string {
    this.#written += 1;
    const value = `${this.#name}-${this.#written}`;
    return chance(this.#random, MIDDLING_VALUES) ? value.padEnd(2000 + this.#random.below(30_000), '.') : value;
  }

  readonly #do: Readonly<Record<Action, () => Promise<unknown>>> = {
    get: () => this.#get(this.#anyKey(), this.#readMode()),
    put: () => this.#putAndLook(this.#key('k', this.#load.settings.keys)),
    cas: () => this.#cas(this.#key('k', this.#load.settings.keys)),
    incr: () => this.#incr(this.#key('n', 2)),
    delete: () => this.#delete(this.#key(pick(this.#random, ['k', 'e']), this.#load.settings.keys)),
    expiring: () => this.#expiring(this.#key('e', this.#load.settings.keys)),
    lock: () => this.#locked(pick(this.#random, WAITS_MS)),
    tryLock: () => this.#locked(0),
    update: () => this.#update(),
    lockAll: () => this.#lockedTogether(),
    modes: () => this.#modes.section(),
    deadlock: () => this.#deadlocks.tangle(),
    batch: () => this.#batch(),
    large: () => this.#large(),
    scan: () => this.#rare.scan(),
    load: () => this.#rare.loadRows(),
    check: () => this.#rare.check(),
    status: () => this.#rare.status(),
  };

  #anyKey(): string {
    const kind = pick(this.#random, ['k', 'k', 'k', 'e', 'e', 'n', 'L']);
    return this.#key(kind, kind === 'n' ? 2 : kind === 'L' ? 1 : this.#load.settings.keys);
  }

  /** Sends a request and records what came of it; undefined when it failed. */
  async #record<T>(recorded: Recorded, sent: Promise<T>, answer: (result: T) => object): Promise<T | undefined> {
    try {
      const result = await sent;
      this.#load.recorder.answered(recorded, { ...answer(result) });
      return result;
    } catch (error) {
      this.#load.recorder.failed(recorded, error);
      return undefined;
    }
  }

  #call(kind: string, key: string, asked: Record<string, unknown>): Recorded {
    return this.#load.recorder.call(this.#name, kind, key, asked);
  }

  /** As the nodes were told, mostly. */
  #readMode(): ReadMode | undefined {
    if (!isDynamic) return undefined;
    const luck = this.#random.float();
    return luck < STRICT_READS ? 'strict' : luck < STRICT_READS + STALE_READS ? 'stale' : undefined;
  }

  #get(key: string, reads?: ReadMode): Promise<{ revision: bigint } | null | undefined> {
    const level = reads === 'stale' ? 'stale' : 'lin';
    const recorded = this.#load.recorder.call(this.#name, 'get', key, {}, undefined, level);
    if (level === 'stale') this.#load.counters.count('staleReads');
    return this.#record(recorded, this.#client.getEntry(key, reads === undefined ? {} : { reads }), (entry) =>
      entry === null ? { v: null } : { v: inHistory(entry.value), ver: `${entry.revision}` },
    );
  }

  async #put(key: string, value: string, ttlMs = 0): Promise<bigint | undefined> {
    const asked: Record<string, unknown> = { v: inHistory(value), ...(ttlMs > 0 ? { ttl: ttlMs * 1e6 } : {}) };
    const sent = this.#client.put(key, value, ttlMs > 0 ? { ttlMs } : {});
    const recorded = this.#call('put', key, asked);
    const revision = await this.#record(recorded, sent, (made) => ({ ver: `${made}` }));
    // It lives from when it was appended (R23), which may be long before it takes effect: so much is left for certain.
    const { outcome, sentNs, answeredNs } = recorded;
    if (ttlMs > 0) asked.ttl = outcome === 'ok' ? Math.max(0, ttlMs * 1e6 - (answeredNs - sentNs)) : 0;
    return revision;
  }

  /** A write that is said to have failed must not be found. */
  async #putAndLook(key: string): Promise<void> {
    if ((await this.#put(key, this.#value())) !== undefined) return;
    await this.#sleep(this.#random.float() * this.#load.settings.thinkMs);
    await this.#get(key);
  }

  async #cas(key: string): Promise<void> {
    const found = await this.#get(key);
    if (found === undefined) return;
    const revision = found?.revision ?? 0n;
    if (chance(this.#random, 0.3)) await this.#sleep(this.#random.float() * this.#load.settings.thinkMs);
    const value = this.#value();
    const recorded = this.#call('cas', key, { ver: `${revision}`, to: inHistory(value) });
    const swap = await this.#record(recorded, this.#client.cas(key, revision, value), (result) => ({
      ok: result.ok,
      ver: `${result.revision}`,
    }));
    if (swap?.ok === false) this.#load.counters.count('conflicts');
  }

  #incr(key: string): Promise<unknown> {
    return this.#record(this.#call('incr', key, {}), this.#client.incr(key), (sum) => ({ v: `${sum}` }));
  }

  #delete(key: string): Promise<unknown> {
    return this.#record(this.#call('del', key, {}), this.#client.delete(key), (found) => ({ found }));
  }

  /** Written to live for a while, then read about when it should go. */
  async #expiring(key: string): Promise<void> {
    const ttlMs = Math.ceil(this.#load.settings.ttlMs * (0.5 + this.#random.float()));
    const lasting = chance(this.#random, 0.3);
    await this.#put(key, this.#value(), lasting ? 0 : ttlMs);
    if (lasting) return;
    await this.#sleep(ttlMs * (0.9 + this.#random.float() * 0.2));
    const again = this.#put(key, this.#value());
    if (chance(this.#random, 0.7)) {
      // Somebody finds the key due while the write is on its way.
      await this.#sleep(1 + this.#random.float() * 10);
      await this.#get(key);
    }
    await again;
    await this.#get(key);
  }

  async #large(): Promise<void> {
    const key = this.#key('L', 1);
    if (chance(this.#random, 0.4)) return void (await this.#get(key));
    const value = `${this.#value()} `.padEnd(this.#load.settings.largeBytes, 'large ');
    if ((await this.#put(key, value)) !== undefined) this.#load.counters.count('largeValues');
  }

  async #batch(): Promise<void> {
    const { recorder, settings } = this.#load;
    const keys = new Set(Array.from({ length: 4 }, () => this.#key('k', settings.keys)));
    const parts = [...keys].map((key): [Recorded, BatchOperation<string>] => {
      if (chance(this.#random, 0.5)) return [this.#call('get', key, {}), { get: key }];
      const value = this.#value();
      return [this.#call('put', key, { v: inHistory(value) }), { put: key, value }];
    });
    const results = await this.#client.batch(parts.map(([, operation]) => operation));
    for (const [index, result] of results.entries()) {
      const [recorded] = parts[index] as [Recorded, unknown];
      if (!result.ok) recorder.failed(recorded, result.error);
      else if (recorded.kind === 'get')
        recorder.answered(recorded, { v: typeof result.value === 'string' ? inHistory(result.value) : null });
      else recorder.answered(recorded, { ver: `${result.revision}` });
    }
  }

  // ---- locks

  async #locked(waitMs: number): Promise<void> {
    const { settings, guard, recorder } = this.#load;
    const key = this.#key('lock', settings.locks);
    const recorded = this.#call('acquire', key, { s: this.#name });
    const lock = await this.#acquire(key, waitMs, recorded);
    if (lock === null) return;
    const { token } = lock;
    this.#load.counters.count('lockGrants');
    const letGo = this.#claim(lock);
    const { steps, stepMs } = this.#section(settings.leaseMs);
    for (let step = 0; step < steps && lock.held; step += 1) {
      guard.holds(key, token, this.#name);
      if (step < 3) await this.#fencedWrite(key, token);
      await this.#sleep(stepMs * (0.5 + this.#random.float()));
    }
    if (!lock.held) return this.#fencedWrite(key, token);
    const released = letGo();
    if (chance(this.#random, 0.5)) return lock.release().catch((error) => recorder.failed(released, error));
    await this.#release(lock, released);
  }

  /** L11: several locks at once, which others ask for in another order. What is not had is taken back: it may have been held. */
  async #lockedTogether(): Promise<void> {
    const { settings, guard, recorder, counters } = this.#load;
    const keys = Array.from({ length: settings.locks }, (_, index) => this.#load.names.of(`lock${index}`));
    if (chance(this.#random, 0.5)) keys.reverse();
    const leaseNs = settings.leaseMs * 1e6;
    const claims = keys.map((key) => this.#call('acquire', key, { s: this.#name, ttl: leaseNs }));
    let group: LockGroup;
    try {
      group = await this.#client.lock(keys, { waitMs: pick(this.#random, WAITS_MS) });
    } catch (error) {
      const known = recorder.mustBeForeseen(`lock ${keys.join(' ')}`, error);
      for (const claim of claims)
        if (known !== null) recorder.failed(claim, new KeyvalError('KV_AMBIGUOUS', known.message));
      return;
    }
    counters.count('groupsLocked');
    group.locks.forEach(({ token, partition, key }, index) => {
      const claim = claims[index] as Recorded;
      const leaseUntilMs = this.#client.dispatcher.session.at(partition).leaseUntilMs;
      const sinceSentNs = recorder.nowNs - claim.sentNs;
      const leftNs = (leaseUntilMs - this.#sim.process.clock.monotonicMs()) * 1e6;
      claim.asked.ttl = Math.max(0, Math.floor(leftNs + sinceSentNs));
      recorder.answered(claim, { got: true, token: `${token}` });
      guard.holds(key as string, token, this.#name);
    });
    const claimed = group.locks.map((lock) => ({ lock, letGo: this.#claim(lock) }));
    await this.#sleep(this.#random.float() * settings.leaseMs * settings.sectionOfLease);
    for (const { lock, letGo } of claimed) if (!lock.signal.aborted) letGo();
    await group.release().catch((error: unknown) => recorder.mustBeForeseen('release', error));
  }

  /** Tells the history when a lock is let go of: by calling what this gives, or when it is lost before. */
  #claim(lock: Lock): () => Recorded {
    const { recorder, counters } = this.#load;
    const letGo = (): Recorded =>
      recorder.call(this.#name, 'release', lock.key as string, { s: this.#name, token: `${lock.token}` });
    const lost = (): void => {
      counters.count('locksLost');
      letGo();
    };
    lock.signal.addEventListener('abort', lost, { once: true });
    return () => {
      lock.signal.removeEventListener('abort', lost);
      return letGo();
    };
  }

  /** L8: what the key holds comes with its lock, what it is to hold goes with the release. */
  async #update(): Promise<void> {
    const { settings, guard, recorder, counters } = this.#load;
    const key = this.#key('v', 2);
    const sentNs = recorder.nowNs;
    const lock = await this.#acquire(key, pick(this.#random, WAITS_MS), this.#call('acquire', key, { s: this.#name }));
    if (lock === null) return;
    const letGo = this.#claim(lock);
    guard.holds(key, lock.token, this.#name);
    const read = recorder.call(this.#name, 'get', key, {}, sentNs);
    recorder.answered(read, lock.value === null ? { v: null } : { v: inHistory(lock.value), ver: `${lock.revision}` });
    await this.#sleep(this.#random.float() * settings.leaseMs * settings.sectionOfLease);
    if (!lock.held) return;
    const value = this.#value();
    const written = this.#call('put', key, { v: inHistory(value) });
    const released = letGo();
    try {
      await lock.release({ value });
      counters.count('storedWithRelease');
      recorder.answered(written, {});
      recorder.answered(released, { ok: true });
    } catch (error) {
      recorder.failed(written, error);
      if (lock.held) await this.#release(lock, released);
      else if (error instanceof KeyvalError && error.code === 'KV_NOT_HELD') recorder.answered(released, { ok: false });
      else recorder.failed(released, error);
    }
  }

  /** L9: the store compares the token itself. Whoever has lost the lock asks all the same, and changes nothing. */
  async #fencedWrite(key: string, token: bigint): Promise<void> {
    const { recorder, counters } = this.#load;
    const guarded = chance(this.#random, 0.5) ? key : `${key}/guarded`;
    const recorded = this.#call('fwrite', guarded, { token: `${token}` });
    try {
      await this.#client.put(guarded, this.#value(), { fence: { key, token } });
      recorder.answered(recorded, { ok: true });
    } catch (error) {
      if (!(error instanceof KeyvalError && error.code === 'KV_FENCED')) return recorder.failed(recorded, error);
      counters.count('fencedOff');
      recorder.answered(recorded, { ok: false });
    }
  }

  /** How long to work under a lock: mostly a moment, sometimes for several leases. */
  #section(leaseMs: number): { steps: number; stepMs: number } {
    const { longSections, sectionOfLease } = this.#load.settings;
    if (chance(this.#random, longSections)) {
      const longMs = Math.min(leaseMs * LONG_SECTION_OF_LEASE, LONG_SECTION_MS_MAX) * this.#random.float();
      const stepMs = leaseMs / LOOKS_PER_LEASE;
      return { steps: Math.ceil(longMs / stepMs), stepMs };
    }
    const steps = 1 + this.#random.below(3);
    return { steps, stepMs: (this.#random.float() * leaseMs * sectionOfLease) / steps };
  }

  async #release(lock: Lock, recorded: Recorded): Promise<void> {
    try {
      await lock.release({ confirm: true });
      this.#load.recorder.answered(recorded, { ok: true });
    } catch (error) {
      if (error instanceof KeyvalError && error.code === 'KV_NOT_HELD') {
        this.#load.recorder.answered(recorded, { ok: false });
      } else this.#load.recorder.failed(recorded, error);
    }
  }

  /** Asks for the lock, sometimes only for a while. */
  async #acquire(key: string, waitMs: number, recorded: Recorded): Promise<Lock | null> {
    const { recorder } = this.#load;
    const { clock, timers } = this.#sim.process;
    const sentMs = clock.monotonicMs();
    const impatience = new AbortController();
    const timer = timers.after(chance(this.#random, 0.2) ? this.#random.float() * (waitMs + 10) : waitMs + 60_000, () =>
      impatience.abort(),
    );
    try {
      const lock = await this.#client.lock(key, { waitMs, signal: impatience.signal });
      // The lease is counted from its last renewal, not from the request.
      const leaseUntilMs = this.#client.dispatcher.session.at(lock.partition).leaseUntilMs;
      recorded.asked.ttl = Math.max(0, Math.floor((leaseUntilMs - sentMs) * 1e6));
      recorder.answered(recorded, { got: true, token: `${lock.token}` });
      return lock;
    } catch (error) {
      recorded.asked.ttl = this.#load.settings.leaseMs * 1e6;
      const busy = error instanceof KeyvalError && error.code === 'KV_LOCK_BUSY';
      if (busy) recorder.answered(recorded, { got: false });
      else recorder.failed(recorded, error);
      return null;
    } finally {
      timer.cancel();
    }
  }
}
