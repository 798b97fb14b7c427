/** The load's thread: its clients, and one generation of keys after the other. */
import { parentPort, workerData } from 'node:worker_threads';
import type { Client } from '../../src/index.ts';
import { clockFrom } from '../loadgen/clock.ts';
import type { Losses } from './bookkeeping.ts';
import { connectFrom } from './client.ts';
import { evenKeys } from './even-keys.ts';
import { Generation } from './generation.ts';
import { Sightings } from './sightings.ts';
import { type ErrorCount, Watch } from './watched-requests.ts';

/** So long the load stays with the same keys. */
const GENERATION_MS = 30_000;

export interface LoadTask {
  readonly endpoints: readonly string[];
  /** Where its clients call from: one client each. */
  readonly hosts: readonly string[];
  readonly sightings: SharedArrayBuffer;
  /** `process.hrtime.bigint()` at the beginning of the run. */
  readonly originNs: bigint;
  readonly keys: number;
  readonly rate: number;
  readonly seed: number;
  /** All loops together: what may wait at once. */
  readonly loops: number;
  /** Histories are FILE-1, FILE-2, … */
  readonly history: string;
}

export type LoadRequest = 'begin' | 'errors' | 'end';

export type LoadAnswer =
  | { readonly type: 'connected' }
  | { readonly type: 'errors'; readonly errors: readonly ErrorCount[] }
  | { readonly type: 'ended'; readonly losses: readonly Losses[]; readonly histories: readonly string[] };

class LoadThread {
  readonly #task: LoadTask;
  readonly #clients: readonly Client[];
  readonly #watch: Watch;
  readonly #running: Promise<Losses>[] = [];
  readonly #histories: string[] = [];
  #generation: Generation | null = null;
  #nextKey = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(task: LoadTask, clients: readonly Client[]) {
    this.#task = task;
    this.#clients = clients;
    this.#watch = new Watch(new Sightings(task.sightings), clockFrom(task.originNs));
  }

  get errors(): readonly ErrorCount[] {
    return this.#watch.errors;
  }

  begin(): void {
    this.#next();
    this.#timer = setInterval(() => this.#next(), GENERATION_MS);
  }

  /** The one before ends beside the next. */
  #next(): void {
    const { keys, rate, seed, loops } = this.#task;
    const index = this.#histories.length;
    const history = `${this.#task.history}-${index + 1}`;
    this.#histories.push(history);
    this.#generation?.stop();
    const chosen = evenKeys(this.#nextKey, keys, this.#watch.sightings.partitions);
    this.#nextKey = 1 + Math.max(...chosen);
    this.#generation = new Generation({
      index,
      clients: this.#clients,
      loopsPerClient: Math.ceil(loops / this.#clients.length),
      keys: chosen,
      rate,
      seed,
      history,
      watch: this.#watch,
    });
    this.#running.push(this.#generation.run());
  }

  async end(): Promise<LoadAnswer> {
    clearInterval(this.#timer);
    this.#generation?.stop();
    const losses = await Promise.all(this.#running);
    await Promise.all(this.#clients.map((client) => client.close()));
    return { type: 'ended', losses, histories: this.#histories };
  }
}

function answer(message: LoadAnswer): void {
  parentPort?.postMessage(message);
}

const task = workerData as LoadTask;
const clients = await Promise.all(task.hosts.map((host) => connectFrom(host, task.endpoints, `chaos load ${host}`)));
const thread = new LoadThread(task, clients);
parentPort?.on('message', async (request: LoadRequest) => {
  if (request === 'begin') thread.begin();
  else if (request === 'errors') answer({ type: 'errors', errors: thread.errors });
  else {
    answer(await thread.end());
    parentPort?.close();
  }
});
answer({ type: 'connected' });
