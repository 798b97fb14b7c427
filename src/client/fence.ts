/**
 * Writes that count only under a lock (L9): the store compares the token itself, so that a holder from the past, however
 * long it slept, changes nothing.
 */
import { shown } from '../base/option-table.ts';
import { KeyvalError } from '../errors.ts';
import { WriteFlag } from '../protocol/client-codec.ts';
import type { HeldLock } from './held-lock.ts';
import type { Key } from './key-buffer.ts';
import { Lock } from './lock.ts';
import type { Operation } from './operation.ts';

/** A lock and its token; a `Lock` is one. The lock's key and the key written share a partition: give both the same {tag}. */
export interface Fence {
  readonly key: Key;
  readonly token: bigint;
}

/** The write counts only while the lock of `fence` is held under its token. @throws KeyvalError KV_USAGE */
export function guard(operation: Operation, fence: Fence | undefined): void {
  if (fence === undefined) return;
  const fault = faultOf(fence);
  if (fault !== null) throw new KeyvalError('KV_USAGE', fault);
  operation.fence = fence;
  operation.flags |= WriteFlag.fenced;
}

/** What is wrong with it, in words; null: nothing. */
function faultOf(fence: Fence): string | null {
  if (fence === null) return 'fence is null: tryLock gives that when somebody else holds the lock';
  if (typeof fence !== 'object') return `fence is a lock, or its { key, token }, not ${shown(fence)}`;
  if ('then' in fence) return 'fence is a promise: await the lock first';
  if (Array.isArray(fence) || 'locks' in fence) return 'fence is one lock, not several: pass one of its locks';
  const { token } = fence;
  if (typeof token === 'string')
    return `the token of a fence is a bigint, not the string '${token}': make it one with BigInt(token)`;
  if (typeof token !== 'bigint' || BigInt.asUintN(64, token) !== token || token === 0n)
    return `the token of a fence is a 64-bit bigint above 0, not ${shown(token)}`;
  return null;
}

/** The lock that it is, or, by key and token, one of those that `sessions` hold. */
export function heldUnder(
  fence: Fence,
  sessions: Iterable<{ heldUnder(fence: Fence): HeldLock | null }>,
): HeldLock | null {
  if (fence instanceof Lock) return fence.grants[0] ?? null;
  for (const session of sessions) {
    const held = session.heldUnder(fence);
    if (held !== null) return held;
  }
  return null;
}

/**
 * L4: a write that is about to leave counts only under a lock whose lease, and whose program's hang budget, has not run out. What
 * has is given back: by the session that sends the write, ahead of it; by another one over connections of its own, where the write
 * may be faster.
 * @throws KeyvalError KV_FENCED
 */
export function mustStand(held: HeldLock, sender: HeldLock['owner']): void {
  const { owner, name } = held;
  const stands = owner.leaseHolds(held) && (held.state === 'held' || held.state === 'storing');
  if (stands || owner === sender) return;
  const how = held.loss === null ? `the lock on ${name} was released before` : held.loss.error.message;
  throw new KeyvalError('KV_FENCED', `the write was not sent: ${how}`, { cause: held.loss?.error });
}

/** The lock lies in another partition than the key, so that no replica could compare. */
export function fenceElsewhere(key: Key, fence: Fence): KeyvalError {
  const text =
    typeof key === 'string' && typeof fence.key === 'string'
      ? `the lock '${fence.key}' cannot guard '${key}', which lies in another partition; write under '${taggedLike(key, fence.key)}', for instance`
      : 'the lock cannot guard a key in another partition; give both keys the same {tag}';
  return new KeyvalError('KV_FENCE_PARTITION', text);
}

/** `key` with the tag of the lock, which puts it where the lock is. */
function taggedLike(key: string, lock: string): string {
  const tag = /\{([^}]+)\}/.exec(lock)?.[1] ?? lock;
  return `{${tag}}${key.replace(/\{[^}]*\}/, '')}`;
}
