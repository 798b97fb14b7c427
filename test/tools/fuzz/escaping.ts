/** A thread of its own, for its promises are rejected and nobody handles them: tells the inputs that the runner blames. */
import { parentPort } from 'node:worker_threads';
import { catchEscaped, Runner } from '../../../tools/fuzz/engine/runner.ts';
import { plantedTarget } from './planted.ts';

catchEscaped();
const runner = new Runner({
  ...plantedTarget([]),
  inputsPerLife: 4,
  run: (input) => {
    if (input[0] === 9) void Promise.reject(new Error('nobody waits'));
    return undefined;
  },
});
const failure = await runner.run([0, 1, 2, 3, 0, 9, 5].map((first) => Uint8Array.of(first)));
parentPort?.postMessage(failure?.inputs.map((input) => [...input]) ?? []);
