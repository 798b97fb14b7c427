/** Failures that may pass: they are tried again, ever more slowly, for as long as `--retry-for` says. */
import type { Code } from '../../errors.ts';
import { codes } from '../../errors.ts';

export const DEFAULT_RETRY_FOR_MS = 60_000;

const DELAY_MS_MIN = 50;
const DELAY_MS_MAX = 2000;
/** Less than this is no fair attempt. */
const REQUEST_MS_MIN = 1000;

/** Writing the same row again does no harm, so what nobody knows the outcome of is tried again, too. */
export function mayPass(code: Code): boolean {
  return codes[code].retryable || code === 'KV_AMBIGUOUS';
}

/** What a node says whose partitions take nothing until all nodes have been restarted: that does not pass. */
export function tellsOfRestart({ code, message }: { readonly code: Code; readonly message: string }): boolean {
  return code === 'KV_RESTARTED' || (code === 'KV_NO_QUORUM' && message.includes('KV_RESTARTED'));
}

/** How long a row of failures has lasted, and what to wait before the next attempt. */
export class Patience {
  readonly #forMs: number;
  readonly #now: () => number;
  #sinceMs: number;
  #delayMs = DELAY_MS_MIN;

  constructor(forMs: number, now: () => number) {
    this.#forMs = forMs;
    this.#now = now;
    this.#sinceMs = now();
  }

  /** Something went well. */
  renew(): void {
    this.#sinceMs = this.#now();
    this.#delayMs = DELAY_MS_MIN;
  }

  /** What a request may take of `timeoutMs`, so that the whole does not take much longer than it should. */
  requestMs(timeoutMs: number): number {
    if (this.#forMs === 0) return timeoutMs; // one attempt, without haste
    return Math.min(timeoutMs, Math.max(REQUEST_MS_MIN, this.#forMs - (this.#now() - this.#sinceMs)));
  }

  get over(): boolean {
    return this.#now() - this.#sinceMs > this.#forMs;
  }

  /** The next delay; each is twice the one before. */
  nextDelayMs(): number {
    const delay = this.#delayMs;
    this.#delayMs = Math.min(DELAY_MS_MAX, delay * 2);
    return delay;
  }
}
