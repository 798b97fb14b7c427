/**
 * The command that runs under a lock.
 *
 * It gets a process group of its own, so that each signal reaches it once, and so that its children end with it when the
 * lock is lost. In a terminal it shares ours: there Ctrl-C and Ctrl-Z go to the whole group without our doing, and
 * programs that ask the terminal go on working.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { isatty } from 'node:tty';
import { KeyvalError } from '../../errors.ts';
import { systemTimers } from '../../io/clock.ts';
import { Failure } from '../shared/failure.ts';
import { signalExitCode } from '../shared/signal-exit-code.ts';

/** From SIGTERM to SIGKILL when the lock is lost; all is over within a second. */
const GRACE_MS = 500;

/** As shells have it. */
const NOT_FOUND = 127;
const NOT_EXECUTABLE = 126;

const STANDARD_INPUT = 0;

/** What the terminal sends to the whole group itself. */
const TERMINAL_SIGNALS: readonly NodeJS.Signals[] = ['SIGINT', 'SIGQUIT', 'SIGWINCH'];

export class Job {
  /** The exit code of the command, 128 + n when signal n ended it. After `end`: when its group is gone, too. */
  readonly ended: Promise<number>;
  readonly #child: ChildProcess;
  readonly #ownGroup: boolean;
  #isSuspended = false;
  #killed: Promise<void> | null = null;

  private constructor(child: ChildProcess, ownGroup: boolean) {
    this.#child = child;
    this.#ownGroup = ownGroup;
    this.ended = this.#untilEnded();
  }

  /** Starts `command` with `variables` added to the environment. @throws Failure with exit code 127 or 126 */
  static async start(command: readonly string[], variables: Readonly<Record<string, string>>): Promise<Job> {
    const ownGroup = !isatty(STANDARD_INPUT);
    const [file = '', ...args] = command;
    try {
      const child = spawn(file, args, { stdio: 'inherit', detached: ownGroup, env: { ...process.env, ...variables } });
      await once(child, 'spawn');
      return new Job(child, ownGroup);
    } catch (cause) {
      throw cannotRun(file, cause);
    }
  }

  async #untilEnded(): Promise<number> {
    const [code, signal] = (await once(this.#child, 'exit')) as [number | null, NodeJS.Signals | null];
    await this.#killed;
    return signal === null ? (code ?? 0) : signalExitCode(signal);
  }

  /** Passes a signal on, unless the terminal has done so. */
  pass(signal: NodeJS.Signals): void {
    if (this.#ownGroup || !TERMINAL_SIGNALS.includes(signal)) this.#signal(signal);
  }

  /** Stops it, unless the terminal has done so. */
  suspend(): void {
    this.#isSuspended = this.#ownGroup && this.#signal('SIGSTOP');
  }

  resume(): void {
    if (this.#isSuspended) this.#signal('SIGCONT');
    this.#isSuspended = false;
  }

  /** Makes it end: SIGTERM, and after half a second SIGKILL. */
  end(): void {
    this.#killed ??= this.#kill();
  }

  async #kill(): Promise<void> {
    if (!this.#signal('SIGTERM')) return;
    const grace = Promise.withResolvers<void>();
    const timer = systemTimers.after(GRACE_MS, grace.resolve);
    const exited = once(this.#child, 'exit').then(() => (this.#signal(0) ? grace.promise : undefined));
    await Promise.race([grace.promise, exited]);
    timer.cancel();
    this.#signal('SIGKILL');
  }

  /** True when there was somebody to signal. 0 only asks. */
  #signal(signal: NodeJS.Signals | 0): boolean {
    const { pid } = this.#child;
    if (pid === undefined) return false;
    if (!this.#ownGroup) return this.#child.kill(signal);
    try {
      return process.kill(-pid, signal);
    } catch {
      return false; // the group is gone
    }
  }
}

const reasons: Readonly<Record<string, string>> = { ENOENT: 'command not found', EACCES: 'it is not executable' };

function cannotRun(file: string, cause: unknown): Failure {
  const code = (cause as NodeJS.ErrnoException).code;
  const why = reasons[code ?? ''] ?? (cause instanceof Error ? cause.message : String(cause));
  const error = new KeyvalError('KV_USAGE', `cannot run '${file}': ${why}`, { cause });
  return new Failure(error, code === 'ENOENT' ? NOT_FOUND : NOT_EXECUTABLE);
}
