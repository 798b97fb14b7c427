/** Replies as the caller gets them: one reader per shape of answer. */
import { readBigU64, readI32, readU16, readU32, readU48 } from '../base/bytes.ts';
import { KeyvalError } from '../errors.ts';
import * as codec from '../protocol/client-codec.ts';
import { EXPORTED_TEXT } from '../protocol/export-codec.ts';
import type { FrameDecoder } from '../protocol/frame-decoder.ts';
import type { Codec } from './codecs.ts';
import type { WholeValue } from './fragmented-replies.ts';

/** How the answer to a request is read. */
export const Shape = {
  value: 0,
  entry: 1,
  revision: 2,
  found: 3,
  swap: 4,
  sum: 5,
  /** Bytes and revision: decoded when somebody asks. */
  content: 6,
  nothing: 7,
  /** The body, copied. */
  raw: 8,
  /** XPRD: its head and the text, in one piece. */
  page: 20,
} as const;

export interface Entry<V> {
  readonly value: V;
  /** Epoch and operation number of the write that made it. */
  readonly revision: bigint;
  /** Time left to live, null when it does not expire. */
  readonly ttlMs: number | null;
  /**
   * Of a `stale` read: so many milliseconds ago, at most, this was the latest, seen from the node that answered; Infinity:
   * it cannot tell. Null: the read promised more.
   */
  readonly staleMs: number | null;
}

/** Whether a compare-and-set took place, with the key's revision afterwards (0n: absent). */
export interface SwapResult {
  readonly ok: boolean;
  readonly revision: bigint;
}

/** What has no reading of its own: its bytes where they are wanted. */
export function readOther(frame: FrameDecoder, shape: number): Uint8Array | undefined {
  return shape === Shape.raw ? bodyOf(frame) : undefined;
}

/** Whether the value of a GOTK follows in pieces. */
export function isFragmented(frame: FrameDecoder): boolean {
  return ((frame.buffer[frame.bodyStart] as number) & codec.GotFlag.fragmented) !== 0;
}

/** A body up to its long part, and that part, which may have come in pieces. */
export interface PageAnswer {
  readonly head: Uint8Array;
  readonly text: Uint8Array;
}

/** GOTK: a value or an entry, as `shape` asks, or null. */
export function readGot<V>(
  frame: FrameDecoder,
  shape: number,
  decode: Codec<V>,
): V | Entry<V> | PageAnswer | Content | null {
  const { buffer, bodyStart, bodyEnd } = frame;
  if (shape === Shape.page) {
    const body = buffer.slice(bodyStart, bodyEnd);
    return { head: body, text: body.subarray(EXPORTED_TEXT) };
  }
  const flags = buffer[bodyStart] as number;
  if (shape === Shape.content) return contentIn(buffer, bodyStart, bodyEnd);
  if ((flags & codec.GotFlag.value) === 0) return null;
  const valueAt = (flags & codec.GotFlag.stale) === 0 ? codec.GOT_VALUE : codec.GOT_STALE_VALUE;
  const value = decode.decode(buffer, bodyStart + valueAt, bodyEnd);
  return shape === Shape.value ? value : entryOf(buffer, bodyStart, value);
}

/** The same for a value that came in pieces. */
export function readWhole<V>(whole: WholeValue, shape: number, decode: Codec<V>): V | Entry<V> | PageAnswer | Content {
  if (shape === Shape.page) return { head: whole.head, text: whole.value };
  if (shape === Shape.content) return { bytes: whole.value, revision: readBigU64(whole.head, codec.GOT_EPOCH) };
  const value = decode.decode(whole.value, 0, whole.value.length);
  return shape === Shape.value ? value : entryOf(whole.head, 0, value);
}

function entryOf<V>(body: Uint8Array, start: number, value: V): Entry<V> {
  const ttlMs = readU48(body, start + codec.GOT_TTL);
  const revision = readBigU64(body, start + codec.GOT_EPOCH);
  return { value, revision, ttlMs: ttlMs === 0 ? null : ttlMs, staleMs: ageIn(body, start) };
}

function ageIn(body: Uint8Array, start: number): number | null {
  if (((body[start] as number) & codec.GotFlag.stale) === 0) return null;
  const ageMs = readU32(body, start + codec.GOT_AGE);
  return ageMs === codec.AGE_UNKNOWN ? Number.POSITIVE_INFINITY : ageMs;
}

/** DONE, as the caller of put, delete, cas, incr gets it. @throws KeyvalError KV_CONFLICT where a refusal is an error */
export function readDone(frame: FrameDecoder, shape: number): unknown {
  const { buffer, bodyStart } = frame;
  const applied = buffer[bodyStart + codec.DONE_OUTCOME] === codec.DoneOutcome.applied;
  switch (shape) {
    case Shape.swap:
      return { ok: applied, revision: readBigU64(buffer, bodyStart + codec.DONE_EPOCH) } satisfies SwapResult;
    case Shape.sum:
      return (
        (BigInt(readI32(buffer, bodyStart + codec.DONE_PAYLOAD)) << 32n) |
        BigInt(readU32(buffer, bodyStart + codec.DONE_PAYLOAD + 4))
      );
    case Shape.nothing:
      return undefined;
    default:
      if (!applied) throw conflict(readBigU64(buffer, bodyStart + codec.DONE_EPOCH));
  }
  if (shape === Shape.found) return readI32(buffer, bodyStart + codec.DONE_EPOCH) !== 0;
  return readBigU64(buffer, bodyStart + codec.DONE_EPOCH);
}

function conflict(revision: bigint): KeyvalError {
  const what = revision === 0n ? 'the key is absent' : `the key has revision ${revision}`;
  return new KeyvalError('KV_CONFLICT', `the condition does not hold: ${what}`, { revision });
}

/** LKDK: the token, and with it what the key held when the lock was granted (L8). */
export interface Grant {
  readonly token: bigint;
  /** Null: it did not come along and has to be asked for. */
  readonly content: Content | null;
}

/** A key's value as bytes; null: it is absent, and the revision 0n. */
export interface Content {
  readonly bytes: Uint8Array | null;
  readonly revision: bigint;
}

export function readGrant({ buffer, bodyStart, bodyEnd }: FrameDecoder): Grant {
  const token = readBigU64(buffer, bodyStart + codec.LOCKED_EPOCH);
  const at = bodyStart + codec.LOCKED_GOT;
  if (bodyEnd - at < codec.GOT_VALUE) return { token, content: null };
  return { token, content: contentIn(buffer, at, bodyEnd) };
}

/** The fields of GOTK, from `at` on. */
function contentIn(buffer: Uint8Array, at: number, end: number): Content {
  const isThere = ((buffer[at + codec.GOT_FLAGS] as number) & codec.GotFlag.value) !== 0;
  const revision = readBigU64(buffer, at + codec.GOT_EPOCH);
  return { bytes: isThere ? buffer.slice(at + codec.GOT_VALUE, end) : null, revision };
}

/** MOVD: index of the member that is primary, or NO_MEMBER. */
export function readMoved(frame: FrameDecoder): number {
  return readU16(frame.buffer, frame.bodyStart + codec.MOVED_MEMBER);
}

/** MOVD: the request may have been appended where it was. */
export function movedUnknown(frame: FrameDecoder): boolean {
  const at = frame.bodyStart + codec.MOVED_FLAGS;
  return at < frame.bodyEnd && ((frame.buffer[at] as number) & codec.MovedFlag.unknown) !== 0;
}

export function bodyOf(frame: FrameDecoder): Uint8Array {
  return frame.buffer.slice(frame.bodyStart, frame.bodyEnd);
}
