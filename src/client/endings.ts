/** How a request ends: it settles exactly once, and everything kept for it is let go. */
import { KeyvalError } from '../errors.ts';
import type { FragmentedReplies } from './fragmented-replies.ts';
import { naming } from './naming.ts';
import type { Operation } from './operation.ts';
import { NO_SEQUENCE, type Session } from './session.ts';
import { ambiguous, isHarmless } from './verdict.ts';
import type { Waiting } from './waiting.ts';

export class Endings {
  readonly #session: Session;
  readonly #waiting: Waiting;
  readonly #fragments: FragmentedReplies;
  /** Requests under way. */
  active = 0;

  constructor(session: Session, waiting: Waiting, fragments: FragmentedReplies) {
    this.#session = session;
    this.#waiting = waiting;
    this.#fragments = fragments;
  }

  resolve(operation: Operation, result: unknown): void {
    this.forget(operation);
    if (operation.done) return;
    operation.done = true;
    operation.resolve(result);
  }

  reject(operation: Operation, error: KeyvalError): void {
    this.forget(operation);
    if (operation.done) return;
    operation.done = true;
    operation.reject(operation.body === null ? naming(error, operation.key) : error);
  }

  rejectUnknown(operation: Operation, why: string): void {
    this.reject(operation, ambiguous(operation, why));
  }

  /** The client goes. */
  abandon(operation: Operation): void {
    operation.cancelRetry();
    if (operation.unknown || (operation.attempts > 0 && !isHarmless(operation.opcode)))
      this.rejectUnknown(operation, 'the client was closed');
    else this.reject(operation, new KeyvalError('KV_CLOSED', 'the client was closed'));
  }

  /** Lets go of everything kept for a request. */
  forget(operation: Operation): void {
    this.#waiting.delete(operation);
    this.#fragments.forget(operation);
    if (!operation.released) {
      operation.released = true;
      this.active -= 1;
    }
    operation.unlisten?.();
    operation.unlisten = null;
    if (operation.sequence === NO_SEQUENCE || operation.queued) return;
    const attachment = this.#session.at(operation.partition);
    if (attachment.is(operation.attachEpoch, operation.attachOperation)) attachment.answered(operation.sequence);
  }
}
