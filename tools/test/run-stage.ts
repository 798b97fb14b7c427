/** Runs one stage as a child process with our input and output. */
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { join } from 'node:path';
import type { Stage } from './stages.ts';

/** Resolves with its exit code: 128 + n when signal n ended it. `root` is the checkout. */
export function runStage(root: string, { program, args }: Stage): Promise<number> {
  const child = spawn(process.execPath, [join(root, 'node_modules', program), ...args], {
    cwd: root,
    stdio: 'inherit',
  });
  const forward = (signal: NodeJS.Signals): boolean => child.kill(signal);
  process.on('SIGINT', forward).on('SIGTERM', forward);
  return new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => resolve(code ?? (signal === null ? 1 : 128 + constants.signals[signal])));
  }).finally(() => process.off('SIGINT', forward).off('SIGTERM', forward));
}
