/** The thread's side of the crossover: does the work, and hands the output back in the way that is measured. */
import { move } from 'piscina';
import { subjects } from './subjects.ts';

export interface Job {
  readonly name: string;
  readonly input: Uint8Array;
  readonly way: 'copied' | 'transferred' | 'shared';
  /** Where the output goes when memory is shared. */
  readonly output: Uint8Array | null;
}

/** Gives the output, or how many bytes of it are in the shared memory. */
export default function work({ name, input, way, output }: Job): unknown {
  const subject = subjects.find((one) => one.name === name);
  if (subject === undefined) throw new Error(`no subject is called ${name}`);
  // What reads text and hashes takes no shared memory.
  const result = subject.run(way === 'shared' ? new Uint8Array(input) : input);
  if (way === 'transferred') return move(result);
  if (way === 'copied') return result.slice(); // what would be cloned of a view is its whole buffer
  (output as Uint8Array).set(result);
  return result.length;
}
