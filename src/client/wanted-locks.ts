/** Holders that want to hear when somebody waits for their lock (L7, the blocking AST): who listens, and what nodes tell. */
import { KeyvalError } from '../errors.ts';
import type { HeldLock } from './held-lock.ts';
import { modeName } from './lock-options.ts';
import type { LockRequests } from './lock-requests.ts';

export class WantedLocks {
  readonly #requests: LockRequests;

  constructor(requests: LockRequests) {
    this.#requests = requests;
  }

  /** Somebody listens from now on. */
  watch(held: HeldLock): void {
    this.#requests.watch(held);
  }

  /** The node has to hear of it anew. */
  again(held: HeldLock): void {
    if (held.wanted.size > 0 && held.state === 'held') this.#requests.watch(held);
  }

  /** What a listener throws is its own affair, and that of nobody who comes after it. */
  tell(held: HeldLock, mode: number): void {
    const wanted = { key: held.key, mode: modeName(mode) };
    for (const listener of [...held.wanted]) {
      try {
        listener(wanted);
      } catch (error) {
        queueMicrotask(() => {
          throw error instanceof Error ? error : new KeyvalError('KV_USAGE', String(error));
        });
      }
    }
  }
}
