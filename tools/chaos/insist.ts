/** Requests that are repeated for as long as the cluster refuses them. */
import { setTimeout as delay } from 'node:timers/promises';
import { KeyvalError } from '../../src/index.ts';

/** Until it succeeds, with `againMs` between the attempts; null when it does not by `untilMs`, of `performance.now`. */
export async function insist<T>(send: () => Promise<T>, untilMs: number, againMs: number): Promise<T | null> {
  for (;;) {
    try {
      return await send();
    } catch (error) {
      if (!(error instanceof KeyvalError)) throw error;
      if (performance.now() > untilMs) return null;
      await delay(againMs);
    }
  }
}
