/** KEEP and CLOS: one message per node and session names the partitions it is attached to there (L3). */
import { readU16 } from '../base/bytes.ts';
import * as codec from '../protocol/client-codec.ts';
import { KEPT } from '../protocol/opcode.ts';
import type { PartitionPrimary } from './partition-primary.ts';
import { type ReplyTarget, replyFail } from './reply.ts';

type Primaries = readonly (PartitionPrimary | null)[];

/** Renews the session's lease in each partition named; the answer names those renewed. */
export function keepAlive(
  primaries: Primaries,
  to: ReplyTarget,
  messageId: number,
  bytes: Uint8Array,
  start: number,
  end: number,
): void {
  answerNamed(primaries, to, messageId, bytes, start, end, (primary, session) => primary.renew(session));
}

/** The session leaves the partitions named: locks are released, waits end. The answer names those it has left. */
export function leave(
  primaries: Primaries,
  to: ReplyTarget,
  messageId: number,
  bytes: Uint8Array,
  start: number,
  end: number,
): void {
  answerNamed(primaries, to, messageId, bytes, start, end, (primary, session) => primary.leave(session));
}

function answerNamed(
  primaries: Primaries,
  to: ReplyTarget,
  messageId: number,
  bytes: Uint8Array,
  start: number,
  end: number,
  act: (primary: PartitionPrimary, session: string) => boolean,
): void {
  const isCut = end - start < codec.KEEP_PARTITIONS;
  const count = isCut ? 0 : readU16(bytes, start + codec.KEEP_COUNT);
  if (isCut || count > primaries.length || end - start !== codec.KEEP_PARTITIONS + count * 2) {
    return replyFail(to, messageId, 'KV_BAD_REQUEST', 'KEEP, CLOS: the body does not have its layout');
  }
  const session = sessionText(bytes, start + codec.KEEP_SESSION);
  const named: number[] = [];
  for (let index = 0; index < count; index += 1) {
    const partition = readU16(bytes, start + codec.KEEP_PARTITIONS + index * 2);
    const primary = primaries[partition] ?? null;
    if (primary !== null && act(primary, session)) named.push(partition);
  }
  to.frames.begin(KEPT, messageId);
  to.frames.u16(named.length);
  for (const partition of named) to.frames.u16(partition);
  to.frames.end();
}

function sessionText(bytes: Uint8Array, start: number): string {
  let text = '';
  for (let at = start; at < start + codec.SESSION_BYTES; at += 1)
    text += (bytes[at] as number).toString(16).padStart(2, '0');
  return text;
}
