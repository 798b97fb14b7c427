/** What an error says about a request (R24): whether it may be sent again, and whether it can have taken effect. */
import { type Code, KeyvalError } from '../errors.ts';
import * as op from '../protocol/opcode.ts';
import type { Operation } from './operation.ts';

/** Nobody can say whether it took effect. */
export function ambiguous(operation: Operation, why: string): KeyvalError {
  const text = `the request may or may not have taken effect: ${why}`;
  return new KeyvalError('KV_AMBIGUOUS', text, { cause: operation.lastError });
}

/** Errors after which the same request is tried again until its deadline. */
export function retried(code: Code): boolean {
  return (
    code === 'KV_NO_QUORUM' ||
    code === 'KV_OVERLOADED' ||
    code === 'KV_STOPPING' ||
    code === 'KV_UNREACHABLE' ||
    code === 'KV_MOVED'
  );
}

/** Answers that come from the log: they tell what became of the write, whatever earlier attempts saw. */
export function speaksOfTheWrite(code: Code): boolean {
  switch (code) {
    case 'KV_NOT_INTEGER':
    case 'KV_LOCK_BUSY':
    case 'KV_DEADLOCK':
    case 'KV_NOT_HELD':
    case 'KV_CONFLICT':
    case 'KV_FENCED':
      return true;
    default:
      return false;
  }
}

/** Everything but the writes of callers: asking again, or not at all, changes nothing for them. */
export function isHarmless(opcode: number): boolean {
  switch (opcode) {
    case op.PUTK:
    case op.CASK:
    case op.DELK:
    case op.INCR:
    case op.LCKK:
    case op.ULKK:
    case op.LOAD:
      return false;
    default:
      return true;
  }
}

export function undecodable(cause: unknown): KeyvalError {
  if (cause instanceof KeyvalError) return cause;
  const text = cause instanceof Error ? cause.message : String(cause);
  return new KeyvalError('KV_USAGE', `the stored value does not fit the codec: ${text}`, { cause });
}
