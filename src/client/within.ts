/** Answers that somebody waits for no longer than so. What was asked for goes its way all the same. */
import type { Timers } from '../base/ports.ts';
import { KeyvalError } from '../errors.ts';

export interface Patience {
  readonly timers: Timers;
  readonly ms: number;
  /** What is told when no answer has come in that time. */
  readonly late: () => KeyvalError;
  readonly signal?: AbortSignal | undefined;
}

/** @throws KeyvalError KV_ABORTED, what `late` gives, or what `answer` throws */
export function within<T>(answer: Promise<T>, { timers, ms, late, signal }: Patience): Promise<T> {
  return new Promise((resolve, reject) => {
    const aborted = (): void => {
      reject(new KeyvalError('KV_ABORTED', 'aborted before it was answered', { cause: signal?.reason }));
      end();
    };
    const timer = timers.after(ms, () => {
      reject(late());
      end();
    });
    const end = (): void => {
      timer.cancel();
      signal?.removeEventListener('abort', aborted);
    };
    signal?.addEventListener('abort', aborted, { once: true });
    answer.then(resolve, reject).then(end);
  });
}
