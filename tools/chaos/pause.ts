/** SIGSTOP for a while, then SIGCONT. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';

/**
 * Stops a process for a while. A process of its own does it: whatever becomes of this one, none stays stopped. Resolves
 * when it has stopped, with `awake`, which resolves when it runs again.
 */
export async function pauseProcess(pid: number, ms: number): Promise<{ readonly awake: Promise<void> }> {
  const script = 'kill -STOP "$1" && echo stopped; sleep "$2"; kill -CONT "$1"';
  const args = ['-c', script, 'sh', `${pid}`, `${ms / 1000}`];
  const pauser = spawn('sh', args, { stdio: ['ignore', 'pipe', 'ignore'], detached: true });
  const ended = once(pauser, 'exit').then(() => undefined);
  await Promise.race([once(pauser.stdout, 'data'), ended]);
  return { awake: ended };
}
