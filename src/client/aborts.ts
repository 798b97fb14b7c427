/** Requests and waits that a caller's AbortSignal ends. */
import { KeyvalError } from '../errors.ts';
import type { Dispatcher } from './dispatcher.ts';
import type { Operation } from './operation.ts';

/** The signal ends the request; false: it has fired already, and so the request has failed. */
export function listen(dispatcher: Dispatcher, operation: Operation, signal: AbortSignal): boolean {
  if (signal.aborted) {
    operation.reject(
      new KeyvalError('KV_ABORTED', 'the request was aborted before it was sent', { cause: signal.reason }),
    );
    return false;
  }
  const aborted = (): void => dispatcher.abort(operation, signal.reason);
  signal.addEventListener('abort', aborted, { once: true });
  operation.unlisten = (): void => signal.removeEventListener('abort', aborted);
  return true;
}

/** @throws KeyvalError KV_ABORTED: nothing was sent */
export function mustNotHaveFired(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new KeyvalError('KV_ABORTED', 'aborted before it was sent', { cause: signal.reason });
}

/** Fires with the first of them. */
export function either(one: AbortSignal | undefined, other: AbortSignal | undefined): AbortSignal | undefined {
  return one !== undefined && other !== undefined ? AbortSignal.any([one, other]) : (one ?? other);
}
