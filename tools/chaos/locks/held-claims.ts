/**
 * The locks that a program holds, and whether it has been stopped meanwhile. Whoever wakes writes under all of its tokens
 * at once, before its own client has looked at the clock: nobody but the store can refuse that.
 */
import { performance } from 'node:perf_hooks';
import type { Claim } from './claim.ts';

const LOOK_MS = 10;
/** A program that was not run for so long was stopped. */
const STOPPED_MS = 150;
/** Whoever has said that it holds a lock keeps it for a while, so that what is to happen to it happens meanwhile. */
const LINGER_MS = 400;
/** A late write whose answer does not say what became of it is sent again. */
const LATE_ATTEMPTS_MAX = 5;

export class HeldClaims {
  readonly #claims: Set<Claim> = new Set();
  readonly #writing: Set<Promise<void>> = new Set();
  #lookedMs: number = performance.now();
  #told: (() => void) | null = null;
  #lingersUntilMs = 0;
  readonly #timer: NodeJS.Timeout;

  constructor() {
    this.#timer = setInterval(() => this.look(), LOOK_MS);
  }

  add(claim: Claim): void {
    this.#claims.add(claim);
    if (this.#told === null) return;
    this.#lingersUntilMs = performance.now() + LINGER_MS;
    this.#told();
    this.#told = null;
  }

  delete(claim: Claim): void {
    this.#claims.delete(claim);
  }

  /** Calls back when the next one is granted: of those there are, some are about to be let go of. */
  whenGranted(told: () => void): void {
    this.#told = told;
  }

  /** Locks are not to be let go of yet. */
  get lingers(): boolean {
    return performance.now() < this.#lingersUntilMs;
  }

  /** Also whoever has just waited looks, for its timer may be the first one to run. */
  look(): void {
    const nowMs = performance.now();
    const wasStopped = nowMs - this.#lookedMs > STOPPED_MS;
    this.#lookedMs = nowMs;
    if (!wasStopped) return;
    for (const claim of this.#claims) {
      const written = writeLate(claim).finally(() => this.#writing.delete(written));
      this.#writing.add(written);
    }
  }

  /** Resolves when what the woken have written is answered. */
  async settle(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#writing);
  }
}

async function writeLate(claim: Claim): Promise<void> {
  for (let attempt = 0; attempt < LATE_ATTEMPTS_MAX; attempt += 1) if (await claim.write(true)) return;
}
