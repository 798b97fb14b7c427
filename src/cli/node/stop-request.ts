/** SIGTERM and SIGINT: the first asks the node to finish and stop, the second ends the process at once with 128 + n. */
import { signalExitCode } from '../shared/signal-exit-code.ts';

const SIGNALS = ['SIGTERM', 'SIGINT'] as const;

export class StopRequest {
  /** Resolves with what asked: the name of a signal, or the reason given to `ask`. */
  readonly asked: Promise<string>;
  readonly #resolve: (reason: string) => void;
  #signalled = false;

  constructor() {
    const { promise, resolve } = Promise.withResolvers<string>();
    this.asked = promise;
    this.#resolve = resolve;
  }

  ask(reason: string): void {
    this.#resolve(reason);
  }

  listen(): void {
    for (const signal of SIGNALS) process.on(signal, () => this.#caught(signal));
  }

  #caught(signal: NodeJS.Signals): void {
    if (this.#signalled) process.exit(signalExitCode(signal));
    this.#signalled = true;
    this.ask(signal);
  }
}
