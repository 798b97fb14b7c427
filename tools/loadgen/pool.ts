/** The threads of a run: a Piscina pool with one task per thread. */
import { Piscina } from 'piscina';
import { KeyvalError } from '../../src/errors.ts';
import type { Control } from './control.ts';
import type { ThreadCounts, ThreadTask } from './thread.ts';
import type { ThreadResult } from './worker.ts';

export class ThreadPool implements AsyncDisposable {
  /** Resolves when all threads have ended. */
  readonly counts: Promise<ThreadCounts[]>;
  readonly #pool: Piscina<ThreadTask, ThreadResult>;

  /** Starts them; they connect, and then wait for `control.start`. */
  constructor(tasks: readonly ThreadTask[], control: Control) {
    const threads = tasks.length;
    const filename = new URL('worker.ts', import.meta.url).href;
    // Their sockets must be heard between tasks too: no waiting that blocks the thread.
    this.#pool = new Piscina({ filename, minThreads: threads, maxThreads: threads, atomics: 'async' });
    const crashed = new Promise<never>((_, reject) => this.#pool.once('error', reject));
    const ended = Promise.all(tasks.map((task) => this.#pool.run(task)));
    this.counts = Promise.race([ended, crashed]).then((results) => results.map(countsOf));
    this.counts.catch(() => control.stop());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pool.destroy();
  }
}

/** @throws KeyvalError what ended the thread */
function countsOf(result: ThreadResult): ThreadCounts {
  if ('failure' in result) throw new KeyvalError(result.failure.code, result.failure.message);
  return result;
}
