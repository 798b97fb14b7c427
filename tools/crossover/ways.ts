/** The four ways to have a task done. In each the input lies in a buffer of the connection that will be used again. */
import type { Piscina } from 'piscina';
import type { Subject } from './subjects.ts';
import type { Job } from './worker.ts';

export const ways = ['main', 'copied', 'transferred', 'shared'] as const;
export type Way = (typeof ways)[number];

/** Once through: from the input in the connection's buffer to the output in the main thread's hands. */
export type Pass = () => Promise<void> | void;

export function passOf(way: Way, subject: Subject, input: Uint8Array<ArrayBuffer>, threads: Piscina): Pass {
  if (way === 'main') return () => subject.after(input, subject.run(input));
  if (way === 'shared') return sharedPass(subject, input, threads);
  return async () => {
    // Cloning copies what is sent; moving needs memory of its own to move.
    const sent = way === 'transferred' ? input.slice() : input;
    const job: Job = { name: subject.name, input: sent, way, output: null };
    const transferList = way === 'transferred' ? [sent.buffer] : [];
    subject.after(input, (await threads.run(job, { transferList })) as Uint8Array);
  };
}

function sharedPass(subject: Subject, input: Uint8Array, threads: Piscina): Pass {
  const outputBytes = subject.run(input).length;
  const shared = new Uint8Array(new SharedArrayBuffer(input.length));
  const output = new Uint8Array(new SharedArrayBuffer(outputBytes));
  const job: Job = { name: subject.name, input: shared, way: 'shared', output };
  return async () => {
    shared.set(input);
    await threads.run(job);
    subject.after(input, output);
  };
}
