/** What threads run in tests of the pool: the first byte of the input says how the task ends. */
import { sha256 } from '../../src/bulk/digest.ts';
import type { WorkerAnswer, WorkerJob } from '../../src/io/worker.ts';

export const Ending = { answer: 0, exit: 1, memory: 2, error: 3, wait: 4 } as const;

export default function work({ input }: WorkerJob): WorkerAnswer {
  switch (input[0]) {
    case Ending.exit:
      process.exit(3);
      break;
    case Ending.memory:
      new Uint8Array(Number.MAX_SAFE_INTEGER);
      break;
    case Ending.error:
      throw new Error('the task went wrong');
    case Ending.wait:
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 60_000);
  }
  return { output: sha256(input), runMs: 1 };
}
