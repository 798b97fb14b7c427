/** Ctrl-C during a long command: it ends in order, so that it can be gone on with. A second one ends it at once. */
import { signalExitCode } from '../shared/signal-exit-code.ts';

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

export class Interruption {
  readonly #controller: AbortController = new AbortController();
  #received: NodeJS.Signals | null = null;

  constructor() {
    for (const signal of SIGNALS) {
      process.once(signal, () => {
        this.#received = signal;
        this.#controller.abort(signal);
      });
    }
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Something failed: the rest is to end as well. */
  stop(): void {
    this.#controller.abort();
  }

  /** The exit code when a signal has come; null when none has. */
  get exitCode(): number | null {
    return this.#received === null ? null : signalExitCode(this.#received);
  }
}
