/** The load's thread, from outside. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { clockFrom } from '../loadgen/clock.ts';
import type { Losses } from './bookkeeping.ts';
import type { LoadAnswer, LoadRequest, LoadTask } from './load-worker.ts';
import { Sightings, type Totals } from './sightings.ts';
import type { ErrorCount } from './watched-requests.ts';

export interface LoadEnd {
  /** By generation. */
  readonly losses: readonly Losses[];
  readonly histories: readonly string[];
  readonly errors: readonly ErrorCount[];
  readonly totals: Totals;
  readonly seconds: number;
}

export class Load {
  readonly sightings: Sightings;
  /** The clock of sightings and histories. */
  readonly nowNs: () => number;
  /** Rejects when the thread ends by an error. */
  readonly broken: Promise<never>;
  readonly #worker: Worker;
  #begunMs = 0;

  /** Resolves when its clients are connected. */
  static async start(task: Omit<LoadTask, 'sightings' | 'originNs'>, partitions: number): Promise<Load> {
    const load = new Load(task, Sightings.forPartitions(partitions));
    await load.#next('connected');
    return load;
  }

  private constructor(task: Omit<LoadTask, 'sightings' | 'originNs'>, sightings: Sightings) {
    const originNs = process.hrtime.bigint();
    this.sightings = sightings;
    this.nowNs = clockFrom(originNs);
    const workerData: LoadTask = { ...task, sightings: sightings.buffer, originNs };
    this.#worker = new Worker(new URL('load-worker.ts', import.meta.url), { workerData });
    this.broken = once(this.#worker, 'error').then(([error]) => {
      throw error;
    });
    this.broken.catch(() => undefined);
  }

  begin(): void {
    this.#begunMs = performance.now();
    this.#ask('begin');
  }

  async errors(): Promise<readonly ErrorCount[]> {
    this.#ask('errors');
    return (await this.#next('errors')).errors;
  }

  /** Stops it, waits for what is under way and reads all keys. */
  async end(): Promise<LoadEnd> {
    const seconds = (performance.now() - this.#begunMs) / 1000;
    const { totals } = this.sightings;
    const errors = await this.errors();
    this.#ask('end');
    const { losses, histories } = await this.#next('ended');
    return { losses, histories, errors, totals, seconds };
  }

  /** At once. */
  async cut(): Promise<void> {
    await this.#worker.terminate();
  }

  #ask(request: LoadRequest): void {
    this.#worker.postMessage(request);
  }

  #next<T extends LoadAnswer['type']>(type: T): Promise<Extract<LoadAnswer, { type: T }>> {
    const came = new Promise<Extract<LoadAnswer, { type: T }>>((resolve) => {
      const heard = (answer: LoadAnswer): void => {
        if (answer.type !== type) return;
        this.#worker.off('message', heard);
        resolve(answer as Extract<LoadAnswer, { type: T }>);
      };
      this.#worker.on('message', heard);
    });
    return Promise.race([came, this.broken]);
  }
}
