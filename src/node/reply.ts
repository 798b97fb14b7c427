/** Replies that several parts of a node write. A reply to a connection that has gone is dropped. */
import { writeU32, writeU48 } from '../base/bytes.ts';
import { type Code, codes } from '../errors.ts';
import * as codec from '../protocol/client-codec.ts';
import type { FrameWriter } from '../protocol/frame-writer.ts';
import { DONE, FAIL, GOTK, LKDK, MOVD, WAIT } from '../protocol/opcode.ts';
import type { KeyTable } from '../store/key-table.ts';

/** Whoever asked: a connection. */
export interface ReplyTarget {
  readonly frames: FrameWriter;
  readonly closed: boolean;
  /** With which the ids of the sessions begin that it speaks of, hexadecimal; or `NOBODY`. */
  owner: string;
  /** Work for the request at hand beyond its bytes, in units of fair-share.ts; whoever does it adds it. */
  units: number;
  /** It has answers under a lease in this turn (leased-answers.ts). */
  leased: boolean;
  /** Closes it, with what has not left. */
  destroy(): void;
}

export function replyFail(to: ReplyTarget, messageId: number, code: Code, text: string): void {
  if (!to.closed) codec.writeFail(to.frames, FAIL, messageId, codes[code].wire, text);
}

/** Another member is primary of the partition; NO_MEMBER: none that is known. `flags`: `MovedFlag`. */
export function replyMoved(to: ReplyTarget, messageId: number, partition: number, member: number, flags = 0): void {
  if (to.closed) return;
  to.frames.begin(MOVD, messageId);
  to.frames.u16(partition);
  to.frames.u16(member);
  to.frames.u8(flags);
  to.frames.end();
}

export function replyDone(to: ReplyTarget, messageId: number, outcome: number, epoch: number, operation: number): void {
  if (to.closed) return;
  codec.writeDone(to.frames, DONE, messageId, outcome, epoch, operation);
  to.frames.end();
}

export function replySum(
  to: ReplyTarget,
  messageId: number,
  epoch: number,
  operation: number,
  high: number,
  low: number,
): void {
  if (to.closed) return;
  codec.writeDone(to.frames, DONE, messageId, codec.DoneOutcome.applied, epoch, operation);
  to.frames.u32(high);
  to.frames.u32(low);
  to.frames.end();
}

export function replyLocked(to: ReplyTarget, messageId: number, epoch: number, operation: number): void {
  if (!to.closed) codec.writeLocked(to.frames, LKDK, messageId, epoch, operation);
}

/** LKDK with the value of the lock's key, which stands in `slot` and is small; −1: there is none. */
export function replyLockedWith(
  to: ReplyTarget,
  messageId: number,
  epoch: number,
  operation: number,
  keys: KeyTable,
  slot: number,
  ttlMs: number,
): void {
  if (to.closed) return;
  const { frames } = to;
  frames.begin(LKDK, messageId);
  frames.u32(epoch);
  frames.u32(operation);
  writeValue(frames, keys, slot, ttlMs);
  frames.end();
}

/** LKDK, when the value of the lock's key has to be asked for. */
export function replyLockedApart(to: ReplyTarget, messageId: number, epoch: number, operation: number): void {
  if (to.closed) return;
  const { frames } = to;
  frames.begin(LKDK, messageId);
  frames.u32(epoch);
  frames.u32(operation);
  frames.u8(codec.GotFlag.apart);
  frames.end();
}

export function replyQueued(to: ReplyTarget, messageId: number): void {
  if (to.closed) return;
  to.frames.begin(WAIT, messageId);
  to.frames.end();
}

/** GOTK for the key in `slot` (−1: absent) whose value is small, as of at most `ageMs` ago (R13). */
export function replyStale(
  to: ReplyTarget,
  messageId: number,
  keys: KeyTable,
  slot: number,
  ttlMs: number,
  ageMs: number,
): void {
  if (to.closed) return;
  const { frames } = to;
  frames.begin(GOTK, messageId);
  const valueLength = slot < 0 ? 0 : keys.valueLength(slot);
  frames.reserve(codec.GOT_STALE_VALUE + valueLength);
  const { buffer, length: at } = frames;
  buffer[at] = slot < 0 ? codec.GotFlag.stale : codec.GotFlag.stale | codec.GotFlag.value;
  writeU32(buffer, at + codec.GOT_EPOCH, slot < 0 ? 0 : keys.epoch(slot));
  writeU32(buffer, at + codec.GOT_OPERATION, slot < 0 ? 0 : keys.operation(slot));
  writeU48(buffer, at + codec.GOT_TTL, ttlMs);
  writeU32(buffer, at + codec.GOT_AGE, ageMs);
  if (valueLength > 0) keys.copyValue(slot, buffer, at + codec.GOT_STALE_VALUE);
  frames.length = at + codec.GOT_STALE_VALUE + valueLength;
  frames.end();
}

/** GOTK for the key in `slot` (−1: absent) whose value is small. */
export function replyGot(to: ReplyTarget, messageId: number, keys: KeyTable, slot: number, ttlMs: number): void {
  if (to.closed) return;
  const { frames } = to;
  frames.begin(GOTK, messageId);
  writeValue(frames, keys, slot, ttlMs);
  frames.end();
}

function writeValue(frames: FrameWriter, keys: KeyTable, slot: number, ttlMs: number): void {
  const valueLength = slot < 0 ? 0 : keys.valueLength(slot);
  frames.reserve(codec.GOT_VALUE + valueLength);
  const { buffer, length: at } = frames;
  buffer[at] = slot < 0 ? 0 : codec.GotFlag.value;
  writeU32(buffer, at + codec.GOT_EPOCH, slot < 0 ? 0 : keys.epoch(slot));
  writeU32(buffer, at + codec.GOT_OPERATION, slot < 0 ? 0 : keys.operation(slot));
  writeU48(buffer, at + codec.GOT_TTL, ttlMs);
  if (valueLength > 0) keys.copyValue(slot, buffer, at + codec.GOT_VALUE);
  frames.length = at + codec.GOT_VALUE + valueLength;
}
