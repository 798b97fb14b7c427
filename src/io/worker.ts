/** What a worker thread runs: one task at a time, and its output handed over without a copy. */
import { constants, setPriority } from 'node:os';
import { performance } from 'node:perf_hooks';
import { isMainThread } from 'node:worker_threads';
import { move, transferableSymbol, valueSymbol } from 'piscina';
import { bufferOf, runTask, type TaskKind, type TaskOutputs } from '../bulk/tasks.ts';

/**
 * Where there are fewer processors than threads, the main thread goes first: somebody waits for each of its requests. On
 * Linux a priority is that of the calling thread; elsewhere it would be that of the whole process.
 */
if (process.platform === 'linux' && !isMainThread) setPriority(constants.priority.PRIORITY_LOW);

export interface WorkerJob {
  readonly kind: TaskKind;
  readonly input: Uint8Array;
}

export interface WorkerAnswer {
  readonly output: TaskOutputs[TaskKind];
  readonly runMs: number;
}

export default function work({ kind, input }: WorkerJob): unknown {
  const began = performance.now();
  const output = runTask(kind, input);
  const answer: WorkerAnswer = { output, runMs: performance.now() - began };
  return move({ [valueSymbol]: answer, [transferableSymbol]: [bufferOf(output)] } as never);
}
