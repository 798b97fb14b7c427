/**
 * The honest client that lives beside every attack: gets, puts, increments and locks at a modest rate, each on a key that
 * nothing else of it is under way on, so that it knows what every answer must be. Times count from when an operation was
 * due, not from when it could be sent.
 */

import { Prng } from '../../src/base/prng.ts';
import { KeyvalError } from '../../src/errors.ts';
import { type Client, connect, type Lock } from '../../src/index.ts';

export interface HonestOptions {
  readonly perSecond: number;
  readonly timeoutMs: number;
  readonly seed: number;
}

/** What happened since the last report. */
export interface HonestReport {
  readonly operations: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** How often each error came, by code and message. */
  readonly errors: Readonly<Record<string, number>>;
  /** Answers that cannot be right. */
  readonly violations: readonly string[];
  readonly cpuMs: number;
}

const REGISTERS = 300;
const COUNTERS = 30;
const LOCKS = 12;
const LOCK_WAIT_MS = 20_000;
const TICK_MS = 2;
const VIOLATIONS_MAX = 20;
/** Nothing was done for sure. */
const notDone = ['KV_NO_QUORUM', 'KV_OVERLOADED', 'KV_DEADLINE', 'KV_NO_SESSION', 'KV_MOVED', 'KV_UNREACHABLE'];

interface Register {
  readonly key: string;
  /** What is stored, as far as anybody knows; null: the key is absent. */
  value: string | null;
  /** Written since, by puts of which nobody knows whether and when they take effect. */
  readonly pending: Set<string>;
  /** How the last write that failed did so. */
  failure: string;
}

interface Counter {
  readonly key: string;
  low: bigint;
  /** More than `low` where nobody knows whether an increment took effect. */
  high: bigint;
}

interface LockKey {
  readonly key: string;
  holder: number;
  token: bigint;
}

export class HonestClient {
  readonly #clients: readonly Client[];
  readonly #random: Prng;
  readonly #perSecond: number;
  readonly #registers: Register[];
  readonly #counters: Counter[];
  readonly #locks: LockKey[];
  readonly #busy: Set<string> = new Set();
  #times: number[] = [];
  #errors: Record<string, number> = {};
  #violations: string[] = [];
  #cpu: NodeJS.CpuUsage = process.cpuUsage();
  #due = 0;
  #startedMs = performance.now();
  #timer: NodeJS.Timeout | null = null;
  #values = 0;

  /** Two clients with a session each: locks have somebody to be kept from. */
  static async start(endpoints: readonly string[], options: HonestOptions): Promise<HonestClient> {
    const settings = { timeoutMs: options.timeoutMs, connectTimeoutMs: 20_000 };
    const clients = await Promise.all([connect(endpoints, settings), connect(endpoints, settings)]);
    const honest = new HonestClient(clients, options);
    honest.resume();
    return honest;
  }

  private constructor(clients: readonly Client[], { perSecond, seed }: HonestOptions) {
    this.#clients = clients;
    this.#perSecond = perSecond;
    this.#random = new Prng(seed);
    // Of each run its own: one that follows another finds no keys of it.
    const run = `${process.pid}-${seed}`;
    const named = (kind: string, count: number): string[] =>
      Array.from({ length: count }, (_, index) => `honest ${kind} ${run} ${index}`);
    this.#registers = named('register', REGISTERS).map((key) => ({
      key,
      value: null,
      pending: new Set<string>(),
      failure: '',
    }));
    this.#counters = named('counter', COUNTERS).map((key) => ({ key, low: 0n, high: 0n }));
    this.#locks = named('lock', LOCKS).map((key) => ({ key, holder: -1, token: 0n }));
  }

  /** Starts, or goes on after `pause`. */
  resume(): void {
    this.#due = 0;
    this.#startedMs = performance.now();
    this.#timer ??= setInterval(() => this.#tick(), TICK_MS);
  }

  /** Begins nothing more, and waits for what is under way. */
  async pause(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    while (this.#busy.size > 0) await new Promise((resolve) => setTimeout(resolve, 5));
  }

  /** What happened since the last call. */
  report(): HonestReport {
    const times = this.#times.sort((a, b) => a - b);
    const at = (share: number): number => times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0;
    const { user, system } = process.cpuUsage(this.#cpu);
    const report: HonestReport = {
      operations: times.length,
      p50Ms: at(0.5),
      p99Ms: at(0.99),
      maxMs: times.at(-1) ?? 0,
      errors: this.#errors,
      violations: this.#violations,
      cpuMs: (user + system) / 1000,
    };
    this.#times = [];
    this.#errors = {};
    this.#violations = [];
    this.#cpu = process.cpuUsage();
    return report;
  }

  /** Reads everything again and compares; begins nothing else meanwhile. */
  async verify(): Promise<readonly string[]> {
    const goesOn = this.#timer !== null;
    await this.pause();
    await Promise.all([
      ...this.#registers.map((register) => this.#attempt(() => this.#read(register))),
      ...this.#counters.map((counter) => this.#attempt(() => this.#readCounter(counter))),
    ]);
    if (goesOn) this.resume();
    return this.#violations;
  }

  async stop(): Promise<void> {
    await this.pause();
    await Promise.all(this.#clients.map((client) => client.close()));
  }

  #tick(): void {
    const elapsedMs = performance.now() - this.#startedMs;
    const dueNow = (elapsedMs * this.#perSecond) / 1000;
    for (; this.#due < dueNow; this.#due += 1) {
      if (!this.#begin(this.#startedMs + (this.#due * 1000) / this.#perSecond)) return;
    }
  }

  /** False when all keys are busy: the operation stays due. */
  #begin(dueMs: number): boolean {
    const kind = this.#random.below(100);
    if (kind < 15) return this.#withFree(this.#locks, dueMs, (lock) => this.#lock(lock));
    if (kind < 30) return this.#withFree(this.#counters, dueMs, (counter) => this.#increment(counter));
    if (kind < 60) return this.#withFree(this.#registers, dueMs, (register) => this.#write(register));
    return this.#withFree(this.#registers, dueMs, (register) => this.#read(register));
  }

  #withFree<T extends { readonly key: string }>(
    items: readonly T[],
    dueMs: number,
    run: (item: T) => Promise<void>,
  ): boolean {
    const from = this.#random.below(items.length);
    for (let step = 0; step < items.length; step += 1) {
      const item = items[(from + step) % items.length] as T;
      if (this.#busy.has(item.key)) continue;
      this.#busy.add(item.key);
      void this.#attempt(() => run(item)).then(() => {
        this.#times.push(performance.now() - dueMs);
        this.#busy.delete(item.key);
      });
      return true;
    }
    return false;
  }

  async #attempt(run: () => Promise<void>): Promise<void> {
    try {
      await run();
    } catch (error) {
      const text = error instanceof KeyvalError ? `${error.code}: ${error.message}` : String(error);
      this.#errors[text] = (this.#errors[text] ?? 0) + 1;
    }
  }

  get #client(): Client {
    return this.#clients[0] as Client;
  }

  async #read(register: Register): Promise<void> {
    const value = (await this.#client.get(register.key)) ?? null;
    if (value === register.value) return;
    if (value === null || !register.pending.delete(value)) {
      const expected = [register.value, ...register.pending].join(' or ');
      this.#violation(`${register.key} is ${value}, not ${expected}; ${register.failure}`);
    }
    register.value = value;
  }

  async #write(register: Register): Promise<void> {
    this.#values += 1;
    const value = `value ${this.#values}`;
    try {
      await this.#client.put(register.key, value);
      register.value = value;
      register.pending.clear(); // writes of a session take effect in their order, or not at all
    } catch (error) {
      register.failure = `writing ${value} failed: ${(error as Error).message}`;
      if (!certainlyNotDone(error)) register.pending.add(value);
      throw error;
    }
  }

  async #increment(counter: Counter): Promise<void> {
    try {
      const sum = await this.#client.incr(counter.key);
      this.#counted(counter, sum - 1n);
      counter.low = sum;
      counter.high = sum;
    } catch (error) {
      if (!certainlyNotDone(error)) counter.high += 1n;
      throw error;
    }
  }

  async #readCounter(counter: Counter): Promise<void> {
    this.#counted(counter, BigInt((await this.#client.get(counter.key)) ?? '0'));
  }

  #counted({ key, low, high }: Counter, sum: bigint): void {
    if (sum < low || sum > high) this.#violation(`${key} stood at ${sum}, not at ${low} to ${high}`);
  }

  /** Both clients want it; whoever has it must be alone. */
  async #lock(wanted: LockKey): Promise<void> {
    await Promise.all(this.#clients.map((client, number) => this.#hold(wanted, client, number)));
  }

  async #hold(wanted: LockKey, client: Client, number: number): Promise<void> {
    const lock: Lock = await client.lock(wanted.key, { waitMs: LOCK_WAIT_MS });
    if (lock.held && wanted.holder >= 0) this.#violation(`${wanted.key} is held by two`);
    if (lock.token <= wanted.token) this.#violation(`${wanted.key}: token ${lock.token} after ${wanted.token}`);
    wanted.token = lock.token > wanted.token ? lock.token : wanted.token;
    wanted.holder = number;
    await Promise.resolve();
    wanted.holder = -1;
    await lock[Symbol.asyncDispose]();
  }

  #violation(text: string): void {
    if (this.#violations.length < VIOLATIONS_MAX) this.#violations.push(text);
  }
}

function certainlyNotDone(error: unknown): boolean {
  return error instanceof KeyvalError && notDone.includes(error.code);
}
