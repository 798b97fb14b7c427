/**
 * What follows an attempt that did not end its request: another one, if that is safe and the deadline allows.
 *
 * R24: reads and refused requests may always be sent again. A write that was sent keeps its sequence number, so that
 * sending it again cannot take effect twice (R22), wherever it goes: its record is replicated like its effect. If its
 * attachment is gone, nobody can tell, and it is KV_AMBIGUOUS. Where a node answers KV_AMBIGUOUS itself, that is the end:
 * what can still be found out under the same sequence it says with MOVD.
 */
import type { Clock } from '../base/ports.ts';
import { KeyvalError } from '../errors.ts';
import * as op from '../protocol/opcode.ts';
import type { Endings } from './endings.ts';
import type { FragmentedReplies } from './fragmented-replies.ts';
import type { NodeLink } from './node-link.ts';
import type { Operation } from './operation.ts';
import { NO_SEQUENCE, type Session } from './session.ts';
import { isHarmless, retried, speaksOfTheWrite } from './verdict.ts';
import type { Waiting } from './waiting.ts';

export interface RetryParts {
  readonly clock: Clock;
  readonly session: Session;
  readonly waiting: Waiting;
  readonly endings: Endings;
  readonly fragments: FragmentedReplies;
  attachmentLost(partition: number, reason: string): void;
}

export class Retries {
  readonly #parts: RetryParts;

  constructor(parts: RetryParts) {
    this.#parts = parts;
  }

  /** An attempt failed with `error`. */
  failed(operation: Operation, error: KeyvalError): void {
    const { endings } = this.#parts;
    if (operation.done) return endings.forget(operation);
    operation.lastError = error;
    const certain = error.outcome === 'not-done' && error.code !== 'KV_NO_SESSION';
    if (error.outcome === 'unknown') operation.unknown = true;
    if (retried(error.code) && !(operation.once && error.code === 'KV_NO_QUORUM')) return this.#later(operation);
    if (operation.unknown && certain && !speaksOfTheWrite(error.code))
      return endings.rejectUnknown(operation, error.message);
    endings.reject(operation, error);
  }

  /** The connection broke under a request. */
  interrupted(operation: Operation, error: KeyvalError): void {
    if (!this.#cutOff(operation, error)) return;
    if (operation.link !== null) return this.#parts.endings.reject(operation, error);
    this.#outOfTouch(operation, true);
    this.#later(operation);
  }

  /** `link` was asked and has not answered, but is primary no more. True: the request is to be sent to the new one. */
  takenBack(operation: Operation, link: NodeLink): boolean {
    const error = new KeyvalError('KV_MOVED', `${link.endpoint} is no longer primary of the partition`);
    if (!this.#cutOff(operation, error)) return false;
    this.#outOfTouch(operation, true);
    return true;
  }

  /** The node is not primary; `isUnknown`: it was when the request came, and may have appended it. */
  moved(operation: Operation, link: NodeLink, isUnknown: boolean): void {
    const error = new KeyvalError('KV_MOVED', `${link.endpoint} is not primary of the partition`);
    if (operation.done) return this.#parts.endings.forget(operation);
    if (operation.link !== null) return this.#parts.endings.reject(operation, error);
    operation.lastError = error;
    this.#outOfTouch(operation, isUnknown);
    this.#later(operation);
  }

  /** False: the request ends with the connection, or has ended already. */
  #cutOff(operation: Operation, error: KeyvalError): boolean {
    const { endings, fragments } = this.#parts;
    fragments.forget(operation);
    if (operation.done) endings.forget(operation);
    else if (operation.opcode === op.STGE || operation.opcode === op.ATCH) endings.reject(operation, error);
    else {
      operation.lastError = error;
      return true;
    }
    return false;
  }

  /** A wait in line is no longer known to stand in it: from now on it has as long as any request. */
  #outOfTouch(operation: Operation, isUnknown: boolean): void {
    if (isUnknown && !isHarmless(operation.opcode)) operation.unknown = true;
    this.#outOfLine(operation);
  }

  #outOfLine(operation: Operation): void {
    if (operation.queued && operation.deadlineMs === operation.queuedUntilMs)
      operation.deadlineMs = this.#parts.clock.monotonicMs() + operation.timeoutMs;
  }

  sessionLost(operation: Operation, error: KeyvalError): void {
    const { session } = this.#parts;
    const { partition } = operation;
    if (session.at(partition).is(operation.attachEpoch, operation.attachOperation))
      this.#parts.attachmentLost(partition, error.message);
    operation.lastError = error;
    if (operation.opcode === op.CNCL || operation.opcode === op.WANT || this.startOver(operation))
      this.#later(operation);
  }

  /** The attachment under which it was sent is gone. A lock is gone with it; of a write that was sent nobody knows. */
  startOver(operation: Operation): boolean {
    if (operation.unknown && operation.opcode !== op.LCKK) {
      this.#parts.endings.rejectUnknown(operation, 'the session was lost before the answer came');
      return false;
    }
    operation.sequence = NO_SEQUENCE;
    operation.attempts = 0;
    operation.unknown = false;
    this.#outOfLine(operation);
    operation.queued = false;
    return true;
  }

  #later(operation: Operation): void {
    if (operation.done) this.#parts.endings.forget(operation);
    else this.#parts.waiting.retryLater(operation);
  }
}
