/**
 * The signals that end a job: while the lock is awaited they end the wait, afterwards they are passed on to the command,
 * which decides.
 */
const PASSED = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const;

export class Catcher {
  /** The signal that came before there was anybody to pass it to. */
  interruption: NodeJS.Signals | null = null;
  readonly #waiting: AbortController = new AbortController();
  #pass: ((signal: NodeJS.Signals) => void) | null = null;

  /** Aborts when a signal comes before `passTo`. */
  get stopWaiting(): AbortSignal {
    return this.#waiting.signal;
  }

  passTo(pass: (signal: NodeJS.Signals) => void): void {
    this.#pass = pass;
    if (this.interruption !== null) pass(this.interruption);
  }

  caught(signal: NodeJS.Signals): void {
    if (this.#pass !== null) return this.#pass(signal);
    this.interruption ??= signal;
    this.#waiting.abort(signal);
  }
}

/** From now on the signals end nothing by themselves. */
export function catchSignals(): Catcher {
  const catcher = new Catcher();
  for (const signal of PASSED) process.on(signal, () => catcher.caught(signal));
  return catcher;
}
