/**
 * The signals that are passed on: while the lock is awaited they end the wait, afterwards the command gets them and
 * decides. Ctrl-Z stops the command first: without us nobody would end it when the lock is lost. Any other that ends or
 * stops a process ends or stops us alone, and the command goes on.
 */
export const PASSED = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2', 'SIGWINCH'] as const;

/** Ends no process by itself, and so no wait either. */
const HARMLESS: readonly NodeJS.Signals[] = ['SIGWINCH'];

/** Who gets the signals. */
export interface Recipient {
  pass(signal: NodeJS.Signals): void;
  /** We are about to be stopped. */
  suspend(): void;
  /** We go on. */
  resume(): void;
}

export class Catcher {
  /** The signal that came before there was anybody to pass it to. */
  interruption: NodeJS.Signals | null = null;
  readonly #waiting: AbortController = new AbortController();
  #recipient: Recipient | null = null;

  /** Aborts when a signal comes before `passTo`. */
  get stopWaiting(): AbortSignal {
    return this.#waiting.signal;
  }

  passTo(recipient: Recipient): void {
    this.#recipient = recipient;
    if (this.interruption !== null) recipient.pass(this.interruption);
  }

  caught(signal: NodeJS.Signals): void {
    if (this.#recipient !== null) return this.#recipient.pass(signal);
    if (HARMLESS.includes(signal)) return;
    this.interruption ??= signal;
    this.#waiting.abort(signal);
  }

  /** Ctrl-Z: this process stops, too. */
  stopped(): void {
    this.#recipient?.suspend();
    process.kill(process.pid, 'SIGSTOP');
  }

  continued(): void {
    this.#recipient?.resume();
  }
}

/** From now on the signals end nothing by themselves, and SIGUSR1 does not make Node.js listen for a debugger. */
export function catchSignals(): Catcher {
  const catcher = new Catcher();
  for (const signal of PASSED) process.on(signal, () => catcher.caught(signal));
  process.on('SIGTSTP', () => catcher.stopped());
  process.on('SIGCONT', () => catcher.continued());
  return catcher;
}
