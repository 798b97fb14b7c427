/** Why a lock was lost, for programs that act on it and for whoever watches them (`node:diagnostics_channel`). */
import { channel } from 'node:diagnostics_channel';
import type { KeyvalError } from '../errors.ts';
import type { Key } from './key-buffer.ts';

/**
 * `lease`: it ran out here before a renewal was acknowledged (L4); `session`: the node has ended the session, because it was
 * not heard of for a lease; `hang`: the main thread stood still for longer than the budget (`hangBudgetMs`); `broken`: an
 * operator has taken it away; `closed`: the client was closed; `release`: its node has refused to release it.
 *
 * After a plain release that has failed, which nobody waits for (L6): `session`, `broken` and `closed` say what came before its answer.
 */
export type LossCause = 'lease' | 'session' | 'hang' | 'broken' | 'closed' | 'release';

export interface LockLoss {
  readonly key: Key;
  readonly token: bigint;
  readonly cause: LossCause;
  /** KV_LOCK_LOST, in words. */
  readonly error: KeyvalError;
}

/** Every loss of a lock in this process is published here, as a `LockLoss`. */
export const LOCK_LOST_CHANNEL = 'keyval:lock:lost';

const lost = channel(LOCK_LOST_CHANNEL);

export function publishLoss(loss: LockLoss): void {
  if (lost.hasSubscribers) lost.publish(loss);
}
