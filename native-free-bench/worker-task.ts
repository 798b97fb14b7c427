/** A task in a worker thread, as a node hands it over: the digest of a large value. It must work in every mode. */
import { createHash } from 'node:crypto';
import { ThreadPool } from '../src/io/worker-pool.ts';
import { cpuNanosOf } from './cpu-time.ts';
import { payloadOf } from './web-socket-frames.ts';

/** A thread takes digests of this size. */
const INPUT_BYTES: number = 1024 * 1024;

export interface WorkerTaskFigure {
  readonly name: string;
  /** Processor time of both threads, nanoseconds. */
  readonly nanos: number;
}

/** @throws Error when the thread's digest is wrong, or no thread took the task */
export async function measureWorkerTask(seconds: number): Promise<WorkerTaskFigure> {
  const failures: string[] = [];
  const pool = new ThreadPool({ threadsMax: 1, onFailure: (message) => failures.push(message) });
  const input = payloadOf(INPUT_BYTES);
  const expected = createHash('sha256').update(input).digest('hex');
  let asked = 0;
  const nanos = await cpuNanosOf(seconds, 1, async () => {
    asked += 1;
    await digest(pool, input, expected);
  });
  const { tasks } = pool.stats;
  await pool.close();
  if (tasks !== asked || failures.length > 0) throw new Error(`worker threads failed: ${failures.join('; ')}`);
  return { name: 'digest of 1 MiB in a worker thread', nanos };
}

async function digest(pool: ThreadPool, input: Uint8Array, expected: string): Promise<void> {
  const output = await pool.run('sha256', new Uint8Array(input));
  if (Buffer.from(output).toString('hex') !== expected) throw new Error('the worker thread computed another digest');
}
