/** Listeners of a lock. What one of them throws is its own affair, and that of nobody who comes after it. */
import { KeyvalError } from '../errors.ts';

export function tellAll<T>(listeners: Iterable<(news: T) => void>, news: T): void {
  for (const listener of [...listeners]) {
    try {
      listener(news);
    } catch (error) {
      queueMicrotask(() => {
        throw error instanceof Error ? error : new KeyvalError('KV_USAGE', String(error));
      });
    }
  }
}
