/**
 * The renewal thread (L4): one for all clients of this thread, started for the first that holds a lock, ended with the last.
 * Should it fail, each client goes on by the main thread alone.
 */
import { Worker } from 'node:worker_threads';
import { KeyvalError } from '../../errors.ts';
import type { RenewalEnd, RenewalHost, RenewalNews, RenewalOrder, RenewalWork } from './work.ts';

/** In .dist/ this file and the worker end in .js. */
const WORKER_FILE: string = import.meta.url.endsWith('.ts') ? 'worker.ts' : 'worker.js';
/** It keeps some connections and nothing else; a leak in it must not take the program along. */
const HEAP_MEBIBYTES_MAX = 64;

interface RenewedClient {
  /** The thread has failed. */
  readonly failed: (error: KeyvalError) => void;
  readonly told: () => void;
}

export class RenewalThread implements RenewalHost {
  readonly originMs: number;
  readonly #filename: string;
  readonly #clients: Map<number, RenewedClient> = new Map();
  #worker: Worker | null = null;
  #lastClient = 0;

  /** `filename`: the file that the thread runs; for tests. */
  constructor(originMs: number, filename: string = WORKER_FILE) {
    this.originMs = originMs;
    this.#filename = filename;
  }

  begin(work: RenewalWork, failed: (error: KeyvalError) => void, told: () => void): RenewalEnd {
    this.#lastClient += 1;
    const client = this.#lastClient;
    this.#clients.set(client, { failed, told });
    try {
      this.#worker ??= this.#start();
      this.#order({ client, work });
    } catch (error) {
      this.#failed(this.#worker, error);
    }
    return () => this.#end(client);
  }

  #start(): Worker {
    // What this thread was started with (preloads, a program given as text) is no concern of the other.
    const worker = new Worker(new URL(this.#filename, import.meta.url), {
      name: 'keyval renewal',
      execArgv: [],
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MEBIBYTES_MAX },
    });
    worker.unref();
    worker.on('message', ({ client }: RenewalNews) => this.#clients.get(client)?.told());
    worker.on('error', (error) => this.#failed(worker, error));
    worker.on('exit', (code) => this.#failed(worker, `it ended with ${code}`));
    return worker;
  }

  #order(order: RenewalOrder): void {
    this.#worker?.postMessage(order);
  }

  #failed(worker: Worker | null, cause: unknown): void {
    if (worker !== this.#worker) return;
    this.#worker = null;
    void worker?.terminate();
    const why = cause instanceof Error ? cause.message : String(cause);
    const text = `the thread that renews locks has failed (${why}): while the main thread is busy nobody does now`;
    const clients = [...this.#clients.values()];
    this.#clients.clear();
    for (const { failed } of clients) failed(new KeyvalError('KV_INTERNAL', text, { cause }));
  }

  async #end(client: number): Promise<void> {
    if (!this.#clients.delete(client)) return;
    if (this.#clients.size > 0) return this.#order({ client, work: null });
    const worker = this.#worker;
    this.#worker = null;
    await worker?.terminate();
  }
}
