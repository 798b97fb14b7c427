/** The load generator as a child process, for `npm start -- --load`. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';

export interface Load {
  /** Exit code; null when a signal ended it. */
  readonly ended: Promise<number | null>;
  stop(): Promise<void>;
}

/** It runs until it is stopped and shows its live line on our terminal. */
export function startLoad(root: string, endpoints: readonly string[]): Load {
  const entry = join(root, 'tools', 'loadgen', 'loadgen.ts');
  const args = [entry, '--endpoints', endpoints.join(','), '--seconds', 'Infinity'];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'inherit', 'inherit'] });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', resolve);
  });
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    await ended;
  };
  return { ended, stop };
}
