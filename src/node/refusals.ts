/** Requests that are refused before anything is done: malformed, without a key, out of bounds, late, or while the node is stopping. */

import { readU32 } from '../base/bytes.ts';
import type { Book } from '../cluster/book.ts';
import type { Code } from '../errors.ts';
import { WRITE_KEY } from '../protocol/client-codec.ts';
import { shown } from '../protocol/deadlock-cycle.ts';
import { LOCK_DELAY_MS_MAX } from '../protocol/limits.ts';
import { delayAsked } from '../protocol/lock-request.ts';
import { type ReplyTarget, replyFail } from './reply.ts';

const utf8 = new TextDecoder();

/** What checks give when they have refused the request. */
export const REFUSED = -1;

/** Code and text of a refusal. */
export type Refusal = readonly [code: Code, text: string];

export const STOPPING: Refusal = ['KV_STOPPING', 'this node is stopping'];
const LATE: Refusal = ['KV_DEADLINE', 'the deadline passed before the request was started'];

export function layoutText(what: string): string {
  return `${what}: the body does not have its layout`;
}

export function malformed(to: ReplyTarget, messageId: number, what: string): typeof REFUSED {
  replyFail(to, messageId, 'KV_BAD_REQUEST', layoutText(what));
  return REFUSED;
}

export function emptyKey(to: ReplyTarget, messageId: number): typeof REFUSED {
  replyFail(to, messageId, 'KV_BAD_KEY', 'the key is empty; a key has 1 to 65,535 bytes');
  return REFUSED;
}

/** L13: an LCKK that asks for a lock-delay above the limit; its key is `bytes[keyStart, keyEnd)`. True when it was refused. */
export function refusedAsDelay(
  to: ReplyTarget,
  messageId: number,
  bytes: Uint8Array,
  start: number,
  keyEnd: number,
  end: number,
): boolean {
  const delayMs = delayAsked(bytes, start, keyEnd, end);
  if (delayMs <= LOCK_DELAY_MS_MAX) return false;
  const key = shown(utf8.decode(bytes.subarray(start + WRITE_KEY, keyEnd)));
  const text = `a lock-delay of ${delayMs} ms for '${key}'; 0 to ${LOCK_DELAY_MS_MAX} are allowed`;
  replyFail(to, messageId, 'KV_BAD_REQUEST', text);
  return true;
}

/** Nothing is begun while stopping, or late. A request's body begins with the time left; null: it may begin. */
export function lateness(stopping: boolean, bytes: Uint8Array, start: number): Refusal | null {
  if (stopping) return STOPPING;
  return readU32(bytes, start) === 0 ? LATE : null;
}

/** True when the request was refused for that. */
export function refusedAsLate(
  stopping: boolean,
  to: ReplyTarget,
  messageId: number,
  bytes: Uint8Array,
  start: number,
): boolean {
  const refusal = lateness(stopping, bytes, start);
  if (refusal !== null) replyFail(to, messageId, refusal[0], refusal[1]);
  return refusal !== null;
}

/** Why nobody serves a partition, and what to do about it (R9). */
export function noPrimaryText(book: Book | null, partition: number): string {
  if (book === null) return 'the cluster is not founded yet, or has not taken this node in';
  const lost = book.partitions[partition]?.lost ?? null;
  if (lost === null) return `partition ${partition} has no primary at present: those who hold it are away`;
  const keepers = lost.keepers.length === 0 ? '' : ` (${lost.keepers.join(', ')})`;
  return (
    `partition ${partition} is lost, all who held it are gone${keepers}; a commander that was started with --on-loss empty ` +
    'lets it begin anew, empty, as soon as nobody can still be serving it; otherwise it stays so'
  );
}
