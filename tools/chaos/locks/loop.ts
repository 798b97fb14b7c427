/** One loop of a program: it wants a lock, works under it and lets go, again and again. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Prng } from '../../../src/base/prng.ts';
import { type Client, KeyvalError, type Lock } from '../../../src/index.ts';
import { Claim } from './claim.ts';
import type { HeldClaims } from './held-claims.ts';
import { hotKey } from './hot-keys.ts';
import type { Journal } from './journal.ts';

/** Of all sections: those that only try, those that store with their release, those that take two locks. The others wait for one. */
const TRIES = 0.15;
const UPDATES = 0.2;
const GROUPS = 0.1;
/** Longer than what stands in line ahead, however many holders before are stopped. */
const WAIT_MS = 60_000;
const THINK_MS_MAX = 20;
/** Sections last a moment mostly; some longer than their lease, so that it has to be renewed. */
const SECTION_MS_MAX = 40;
const LONG_SECTIONS = 0.06;
const LONG_SECTION_LEASES_MAX = 1.8;
/** Whoever works long says so often that it still counts on its lock. */
const LOOKS_PER_LEASE = 12;
const CONFIRMED = 0.5;
const LINGER_STEP_MS = 10;

const NS_PER_MS = 1e6;

export interface LoopOptions {
  readonly client: Client;
  readonly journal: Journal;
  readonly held: HeldClaims;
  readonly random: Prng;
  readonly owner: string;
  readonly leaseMs: number;
  readonly hotKeys: number;
  readonly isRunning: () => boolean;
}

export class LockLoop {
  readonly #options: LoopOptions;
  readonly #random: Prng;

  constructor(options: LoopOptions) {
    this.#options = options;
    this.#random = options.random;
  }

  async run(): Promise<void> {
    while (this.#options.isRunning()) {
      await this.#sleep(this.#random.float() * THINK_MS_MAX);
      const luck = this.#random.float();
      if (luck < TRIES) await this.#one(0);
      else if (luck < TRIES + UPDATES) await this.#update();
      else if (luck < TRIES + UPDATES + GROUPS) await this.#two();
      else await this.#one(WAIT_MS);
    }
  }

  async #sleep(ms: number): Promise<void> {
    await delay(ms);
    this.#options.held.look();
  }

  async #linger(): Promise<void> {
    while (this.#options.held.lingers) await this.#sleep(LINGER_STEP_MS);
  }

  #tag(): number {
    return this.#random.below(this.#options.hotKeys);
  }

  async #one(waitMs: number): Promise<void> {
    const claim = await this.#acquire(this.#tag(), waitMs);
    if (claim === null) return;
    await this.#work([claim]);
    await claim.release({ confirm: this.#random.float() < CONFIRMED });
    this.#options.held.delete(claim);
  }

  async #update(): Promise<void> {
    const sentNs = this.#options.journal.nowNs();
    const claim = await this.#acquire(this.#tag(), WAIT_MS, true);
    if (claim === null) return;
    claim.tellFetched(sentNs);
    await this.#sleep(this.#random.float() * SECTION_MS_MAX);
    await this.#linger();
    await claim.releaseCounting();
    this.#options.held.delete(claim);
  }

  /** Null when it is not had. */
  async #acquire(tag: number, waitMs: number, fetch = false): Promise<Claim | null> {
    const { client, journal, owner } = this.#options;
    const key = hotKey('lock', tag);
    const id = this.#calling(key);
    const sentNs = journal.nowNs();
    try {
      const lock = await client.lock(key, { waitMs, fetch });
      return this.#granted(id, lock, tag);
    } catch (error) {
      if (isBusy(error)) journal.answered(id, { got: false });
      else journal.doubtful(id, owner, error); // it may be held until the client has taken it back
      this.#tellIfEarly(error, waitMs, sentNs);
      return null;
    }
  }

  /** A wait says KV_LOCK_BUSY when its time is up, and not before. */
  #tellIfEarly(error: unknown, waitMs: number, sentNs: number): void {
    const { journal, owner } = this.#options;
    const waitedMs = (journal.nowNs() - sentNs) / NS_PER_MS;
    if (!isBusy(error) || waitedMs >= waitMs) return;
    journal.early(owner, 'KV_LOCK_BUSY', `after ${Math.round(waitedMs)} of ${waitMs} ms`);
  }

  /** How long the lease is, is told with the grant: it may have been renewed long before. */
  #calling(key: string): number {
    const { journal, owner } = this.#options;
    return journal.call(owner, 'acquire', key, { s: owner, ttl: 0 });
  }

  #granted(id: number, lock: Lock, tag: number): Claim {
    const { client, journal, owner, held } = this.#options;
    journal.answered(id, { got: true, token: `${lock.token}` });
    const claim = new Claim({ client, journal, owner, lock, tag });
    claim.believe();
    held.add(claim);
    return claim;
  }

  /** L11: others ask for the same two the other way round. */
  async #two(): Promise<void> {
    const { client, journal, owner, hotKeys, held } = this.#options;
    const first = this.#tag();
    const tags = [first, (first + 1 + this.#random.below(hotKeys - 1)) % hotKeys];
    const keys = tags.map((tag) => hotKey('lock', tag));
    const ids = keys.map((key) => this.#calling(key));
    const sentNs = journal.nowNs();
    let claims: readonly Claim[];
    try {
      const { locks } = await client.lock(keys, { waitMs: WAIT_MS, fetch: false });
      claims = locks.map((lock, at) => this.#granted(ids[at] as number, lock, tags[at] as number));
    } catch (error) {
      for (const id of ids) journal.doubtful(id, owner, error); // one of them may have been held for a while
      this.#tellIfEarly(error, WAIT_MS, sentNs);
      return;
    }
    await this.#work(claims);
    await Promise.all(claims.map((claim) => claim.release()));
    for (const claim of claims) held.delete(claim);
  }

  /** Under all of the locks, for as long as they are held. */
  async #work(claims: readonly Claim[]): Promise<void> {
    const { leaseMs } = this.#options;
    await Promise.all(claims.map((claim) => claim.write()));
    const stepMs = leaseMs / LOOKS_PER_LEASE;
    const isLong = this.#random.float() < LONG_SECTIONS;
    const lastsMs = this.#random.float() * (isLong ? leaseMs * LONG_SECTION_LEASES_MAX : SECTION_MS_MAX);
    for (let leftMs = lastsMs; leftMs > 0; leftMs -= stepMs) {
      for (const claim of claims) claim.believe();
      await this.#sleep(Math.min(leftMs, stepMs));
      if (!claims.every(({ lock }) => lock.held)) return;
    }
    await this.#linger();
    await Promise.all(claims.map((claim) => claim.count()));
  }
}

function isBusy(error: unknown): boolean {
  return error instanceof KeyvalError && error.code === 'KV_LOCK_BUSY';
}
