/** Requests for some lines of an import: what may pass is tried again, for as long as `--retry-for` says. */
import { type Code, KeyvalError } from '../../errors.ts';
import { systemClock } from '../../io/clock.ts';
import { pause } from './pace.ts';
import { mayPass, Patience, tellsOfRestart } from './passing.ts';

export interface LoaderOptions {
  /** Of one request. */
  readonly timeoutMs: number;
  readonly retryForMs: number;
  readonly signal: AbortSignal;
}

interface Why {
  readonly code: Code;
  readonly message: string;
}

export class Attempts {
  readonly #options: LoaderOptions;
  readonly #patience: Patience;

  constructor(options: LoaderOptions) {
    this.#options = options;
    this.#patience = new Patience(options.retryForMs, () => systemClock.monotonicMs());
  }

  /** Nothing was stored for so long that there is to be no further attempt. */
  get over(): boolean {
    return this.#patience.over;
  }

  /** Something was stored. */
  renew(): void {
    this.#patience.renew();
  }

  /** `lines`: which ones, for people. @throws KeyvalError what does not pass, or not in time; KV_ABORTED */
  async run<T>(
    lines: string,
    attempt: (options: { timeoutMs: number; signal: AbortSignal }) => Promise<T>,
  ): Promise<T> {
    const { signal, timeoutMs } = this.#options;
    for (;;) {
      this.#checkSignal();
      try {
        return await attempt({ timeoutMs: this.#patience.requestMs(timeoutMs), signal });
      } catch (error) {
        this.#checkSignal();
        if (!(error instanceof KeyvalError) || !mayPass(error.code)) throw error;
        await this.wait(lines, error);
      }
    }
  }

  /** Before the next attempt. @throws KeyvalError when there is to be none */
  async wait(lines: string, why: Why): Promise<void> {
    if (tellsOfRestart(why)) throw new KeyvalError('KV_RESTARTED', why.message);
    if (this.#patience.over) {
      const unsure =
        why.code === 'KV_AMBIGUOUS' ? '; they may be stored or not, and storing them again does no harm' : '';
      throw new KeyvalError(why.code, `${lines}: ${why.message}; tried for --retry-for, then given up${unsure}`);
    }
    await pause(this.#patience.nextDelayMs(), this.#options.signal);
    this.#checkSignal();
  }

  #checkSignal(): void {
    if (this.#options.signal.aborted) throw new KeyvalError('KV_ABORTED', 'the import was interrupted');
  }
}

export function linesText(first: number, last: number): string {
  return first === last ? `line ${first}` : `lines ${first} to ${last}`;
}
