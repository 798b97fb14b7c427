/**
 * The port to worker threads: whoever has much work on bytes asks a pool, and does not know where it is done. `io/` has
 * the pool with threads; the one here does everything at once, on the caller's thread.
 */
import type { SpreadMs, WorkerFacts } from '../protocol/node-facts.ts';
import { runTask, type TaskKind, type TaskOutputs } from './tasks.ts';

export interface WorkerPool {
  /** Whether `run` hands an input of this size to a thread; if not, the caller may as well do it at once. */
  takes(kind: TaskKind, bytes: number): boolean;
  /** The caller has done a task itself: for the statistics. */
  countInline(): void;
  /**
   * Runs a task. The input is given away: it must own its buffer, which may be gone when this returns.
   * @throws KeyvalError KV_OVERLOADED when too many tasks wait, KV_INTERNAL when the thread failed, KV_STOPPING
   */
  run<K extends TaskKind>(kind: K, input: Uint8Array<ArrayBuffer>): Promise<TaskOutputs[K]>;
  readonly stats: WorkerFacts;
  /** Ends the threads; what runs or waits fails. */
  close(): Promise<void>;
}

const NOTHING: SpreadMs = { p50: 0, p99: 0, max: 0 };

/** No threads at all. */
export class InlineWorkers implements WorkerPool {
  #inline = 0;

  takes(): boolean {
    return false;
  }

  countInline(): void {
    this.#inline += 1;
  }

  run<K extends TaskKind>(kind: K, input: Uint8Array<ArrayBuffer>): Promise<TaskOutputs[K]> {
    this.countInline();
    return new Promise((resolve) => resolve(runTask(kind, input)));
  }

  get stats(): WorkerFacts {
    const never = { tasks: 0, failed: 0, queued: 0, refused: 0, queueMs: NOTHING, runMs: NOTHING };
    return { threads: 0, threadsMax: 0, inline: this.#inline, ...never };
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
