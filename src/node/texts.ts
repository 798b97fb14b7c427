/** Sentences that several answers share. */
import type { Code } from '../errors.ts';

export const ORPHAN_TEXT = 'this node has heard no commander for 30 s; others may have gone on without it';
export const BUSY_TEXT =
  'the lock is held by another, or in the modes of others; `keyval locks show KEY` tells by whom';
export const CONVERSION_DEADLOCK_TEXT =
  'another holder waits to convert the same lock: each waits for the other to let go; release one of the two';
export const FORGOTTEN_TEXT = 'the answer to this request was already received once and is no longer kept';
export const NO_SESSION_TEXT = 'the session is not attached to the partition, or has run out';
export const NOT_HELD_TEXT = 'this session does not hold the lock with this token';
export const FENCED_TEXT =
  'the lock that guards the write is not held under that token, or in a mode that only reads; nothing was written';
export const NOT_INTEGER_TEXT = 'the value, or the sum, is not a 64-bit decimal integer';

/** Why a write was refused before it was appended. */
export function refusalText(code: Code): string {
  if (code === 'KV_OUT_OF_MEMORY') return 'a replica of the partition has reached --max-memory';
  return 'too many requests of this session, or of this partition, are under way';
}

/** R9: a cluster that was founded, or a partition that was lost, a moment ago. */
export function tooEarlyText(ms: number): string {
  return `no lock is granted for another ${Math.ceil(ms / 1000)} s (at most --max-lease): holders of a former life may still believe in theirs; a cluster founded with --new need not wait`;
}

/** Why no session can attach. */
export function sessionsText(partition: number, sessions: number): string {
  return `partition ${partition} has ${sessions} sessions, and no room for one more now`;
}
