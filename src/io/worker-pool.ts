/**
 * Worker threads: a Piscina pool behind the port of bulk/. Nothing is loaded or started before the first task that is
 * large enough. It keeps a queue of its own and hands over one task per thread, so that a thread which dies takes its own
 * task with it and no other.
 */
import { performance } from 'node:perf_hooks';
import type { Piscina } from 'piscina';
import { runTask, type TaskKind, type TaskOutputs, WORKER_BYTES_MIN } from '../bulk/tasks.ts';
import type { WorkerPool } from '../bulk/worker-pool.ts';
import { KeyvalError } from '../errors.ts';
import type { WorkerFacts } from '../protocol/node-facts.ts';
import { Durations } from './durations.ts';
import type { WorkerAnswer, WorkerJob } from './worker.ts';

export interface WorkerPoolOptions {
  /** Threads at most; 0: every task runs on the caller's thread. */
  readonly threadsMax: number;
  /** Told when a thread failed. */
  readonly onFailure: (message: string) => void;
  /** The file that the threads run; for tests. */
  readonly filename?: string;
}

interface Task {
  readonly job: WorkerJob;
  readonly askedAtMs: number;
  readonly resolve: (output: TaskOutputs[TaskKind]) => void;
  readonly reject: (error: KeyvalError) => void;
}

/** More tasks, or more bytes of their inputs, are refused. */
const QUEUE_TASKS_MAX = 64;
const QUEUE_BYTES_MAX: number = 256 * 1024 * 1024;
/** A thread without work ends after this: it holds some megabytes. */
const IDLE_MS = 10_000;
/**
 * What a thread may allocate besides buffers. Node.js ends a thread that needs more, but not always in time: a thread that
 * builds objects in a tight loop takes the process with it. So tasks build none per row and tell a bounded number of errors.
 */
const HEAP_MEBIBYTES_MAX = 256;

/** In .dist/ this file and the worker end in .js. */
const WORKER_FILE: string = new URL(import.meta.url.endsWith('.ts') ? 'worker.ts' : 'worker.js', import.meta.url).href;

export class ThreadPool implements WorkerPool {
  readonly #options: WorkerPoolOptions;
  readonly #queue: Task[] = [];
  readonly #queueTimes: Durations = new Durations();
  readonly #runTimes: Durations = new Durations();
  #threads: Promise<Piscina> | null = null;
  #started: Piscina | null = null;
  #queuedBytes = 0;
  #running = 0;
  #tasks = 0;
  #failed = 0;
  #inline = 0;
  #refused = 0;
  #closed = false;

  constructor(options: WorkerPoolOptions) {
    this.#options = options;
  }

  takes(kind: TaskKind, bytes: number): boolean {
    return this.#options.threadsMax > 0 && bytes >= WORKER_BYTES_MIN[kind];
  }

  countInline(): void {
    this.#inline += 1;
  }

  run<K extends TaskKind>(kind: K, input: Uint8Array<ArrayBuffer>): Promise<TaskOutputs[K]> {
    return new Promise((resolve, reject) => {
      if (!this.takes(kind, input.length)) {
        this.countInline();
        return resolve(runTask(kind, input));
      }
      const refusal = this.#refusal(input.length);
      if (refusal !== null) return reject(refusal);
      const settle = resolve as (output: TaskOutputs[TaskKind]) => void;
      this.#queue.push({ job: { kind, input }, askedAtMs: performance.now(), resolve: settle, reject });
      this.#queuedBytes += input.length;
      this.#next();
    });
  }

  #refusal(bytes: number): KeyvalError | null {
    if (this.#closed) return new KeyvalError('KV_STOPPING', 'this node is stopping');
    if (this.#queue.length < QUEUE_TASKS_MAX && this.#queuedBytes + bytes <= QUEUE_BYTES_MAX) return null;
    this.#refused += 1;
    const text = `${this.#queue.length} tasks of ${this.#queuedBytes} bytes wait for a worker thread already`;
    return new KeyvalError('KV_OVERLOADED', text);
  }

  #next(): void {
    while (this.#running < this.#options.threadsMax && this.#queue.length > 0) {
      const task = this.#queue.shift() as Task;
      this.#queuedBytes -= task.job.input.length;
      this.#running += 1;
      void this.#hand(task);
    }
  }

  async #hand(task: Task): Promise<void> {
    try {
      this.#threads ??= this.#start();
      const threads = await this.#threads;
      const { buffer } = task.job.input;
      const answer = (await threads.run(task.job, { transferList: [buffer as ArrayBuffer] })) as WorkerAnswer;
      this.#runTimes.record(answer.runMs);
      this.#queueTimes.record(performance.now() - task.askedAtMs - answer.runMs);
      task.resolve(answer.output);
    } catch (error) {
      this.#failed += 1;
      task.reject(this.#failure(task.job.kind, error));
    } finally {
      this.#tasks += 1;
      this.#running -= 1;
      this.#next();
    }
  }

  #failure(kind: TaskKind, cause: unknown): KeyvalError {
    if (this.#closed) return new KeyvalError('KV_STOPPING', 'this node is stopping', { cause });
    const message = cause instanceof Error ? cause.message : String(cause);
    this.#options.onFailure(`${kind}: ${message}`);
    return new KeyvalError('KV_INTERNAL', `a worker thread failed: ${message}`, { cause, outcome: 'not-done' });
  }

  async #start(): Promise<Piscina> {
    const { Piscina } = await import('piscina');
    const threads = new Piscina({
      filename: this.#options.filename ?? WORKER_FILE,
      minThreads: 0,
      maxThreads: this.#options.threadsMax,
      idleTimeout: IDLE_MS,
      recordTiming: false,
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MEBIBYTES_MAX },
    });
    // A thread ended without a task of its own, while it started: what waits for it would wait for ever.
    threads.on('error', (error: Error) => this.#broken(threads, error));
    this.#started = threads;
    return threads;
  }

  /** Ends all threads, which fails their tasks; the next task starts anew. */
  #broken(threads: Piscina, error: Error): void {
    this.#options.onFailure(error.message);
    if (this.#started !== threads) return;
    this.#started = null;
    this.#threads = null;
    void threads.destroy();
  }

  get stats(): WorkerFacts {
    return {
      threads: this.#started === null ? 0 : this.#started.threads.length,
      threadsMax: this.#options.threadsMax,
      tasks: this.#tasks,
      failed: this.#failed,
      inline: this.#inline,
      queued: this.#queue.length,
      refused: this.#refused,
      queueMs: this.#queueTimes.spread,
      runMs: this.#runTimes.spread,
    };
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const task of this.#queue.splice(0)) task.reject(new KeyvalError('KV_STOPPING', 'this node is stopping'));
    this.#queuedBytes = 0;
    const threads = await this.#threads;
    await threads?.destroy();
  }
}
