/** Holders that want to hear when somebody waits for their lock (L7, the blocking AST): who listens, and what nodes tell. */
import type { HeldLock } from './held-lock.ts';
import { tellAll } from './listeners.ts';
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
    if (held.isWatched && held.state === 'held') this.#requests.watch(held);
  }

  tell(held: HeldLock, mode: number): void {
    if (held.isWatched) tellAll(held.wanted, { key: held.key, mode: modeName(mode) });
  }
}
