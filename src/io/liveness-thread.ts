/**
 * The main thread's side of the liveness thread: a count of its rounds in shared memory, and whom to tell when they cease.
 * The thread is started when there is somebody to tell. Without it, should it fail, a stall looks like the node's end.
 */
import { Worker } from 'node:worker_threads';
import type { HelloFields } from '../protocol/login.ts';
import type { LivenessPeers, LivenessWork } from './liveness-worker.ts';

export interface LivenessOptions {
  /** Where the node listens. */
  readonly host: string;
  readonly secret: Uint8Array | null;
  /** Told once: the thread has ended by itself. */
  readonly onFailure: (message: string) => void;
  /** The file that the thread runs; for tests. */
  readonly filename?: string;
}

/** It keeps some connections and nothing else; a leak in it must not take the node along. */
const HEAP_MEBIBYTES_MAX = 64;

/** In .dist/ this file and the worker end in .js. */
const WORKER_FILE: string = import.meta.url.endsWith('.ts') ? 'liveness-worker.ts' : 'liveness-worker.js';

export class LivenessThread {
  readonly #options: LivenessOptions;
  readonly #rounds: Int32Array<SharedArrayBuffer> = new Int32Array(new SharedArrayBuffer(4));
  #worker: Worker | null = null;
  #isOver = false;
  #closing: Promise<void> | null = null;

  constructor(options: LivenessOptions) {
    this.#options = options;
  }

  ticked(): void {
    Atomics.add(this.#rounds, 0, 1);
  }

  peers(addresses: readonly string[], hello: HelloFields): void {
    if (this.#isOver || (this.#worker === null && addresses.length === 0)) return;
    this.#worker ??= this.#start();
    const peers: LivenessPeers = { addresses, hello };
    this.#worker.postMessage(peers);
  }

  #start(): Worker {
    const { host, secret, filename = WORKER_FILE } = this.#options;
    // Of a view the whole memory behind it would be copied, whatever else is in it.
    const work: LivenessWork = { rounds: this.#rounds, host, secret: secret === null ? null : Uint8Array.from(secret) };
    const worker = new Worker(new URL(filename, import.meta.url), {
      name: 'keyval liveness',
      workerData: work,
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MEBIBYTES_MAX },
    });
    worker.unref();
    worker.on('error', (error) => this.#failed(error instanceof Error ? error.message : String(error)));
    worker.on('exit', (code) => this.#failed(`it ended with ${code}`));
    return worker;
  }

  #failed(message: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#options.onFailure(message);
  }

  /** Its connections end with it. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#isOver = true;
    await this.#worker?.terminate();
  }
}
