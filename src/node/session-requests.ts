/** KEEP and CLOS: one message per node and session names the partitions it is attached to there (L3). */
import { hexOf, readU16 } from '../base/bytes.ts';
import * as codec from '../protocol/client-codec.ts';
import type { FrameWriter } from '../protocol/frame-writer.ts';
import { KEPT } from '../protocol/opcode.ts';
import type { Connection } from './connection.ts';
import type { PartitionPrimary } from './partition-primary.ts';
import { type ReplyTarget, replyFail } from './reply.ts';
import { refusedAsOthers } from './speakers.ts';

/** Sessions that one connection may bring; a program needs one. */
export const SESSIONS_PER_CONNECTION_MAX = 1000;
/** What an attachment costs, in units of fair-share.ts. */
const ATTACH_UNITS = 4;
const TOO_MANY_TEXT = `this connection has brought ${SESSIONS_PER_CONNECTION_MAX} sessions; end some (CLOS), or connect again`;

/** Counts the session of an ATCH body among those of its connection. True: it has been refused. */
export function refusedAsSession(
  from: Connection,
  messageId: number,
  partition: number,
  bytes: Uint8Array,
  sessionStart: number,
): boolean {
  from.units += ATTACH_UNITS;
  const session = sessionIn(bytes, sessionStart);
  if (refusedAsOthers(from, messageId, session)) return true;
  if (isCounted(from, session, partition)) return false;
  replyFail(from, messageId, 'KV_OVERLOADED', TOO_MANY_TEXT);
  return true;
}

/** False: it is one too many. */
function isCounted(from: Connection, session: string, partition: number): boolean {
  if (from.peer >= 0) return true; // counted where it came from
  from.sessions ??= new Map();
  const { sessions } = from;
  const partitions = sessions.get(session) ?? new Set();
  if (partitions.size === 0 && sessions.size >= SESSIONS_PER_CONNECTION_MAX) return false;
  sessions.set(session, partitions.add(partition));
  return true;
}

/** The session leaves the partition. */
function forgetSession(from: Connection, session: string, partition: number): void {
  const partitions = from.sessions?.get(session);
  if (partitions?.delete(partition) && partitions.size === 0) from.sessions?.delete(session);
}

type Primaries = readonly (PartitionPrimary | null)[];

/**
 * L3: renews the session's lease in each partition named; the answer names those renewed, and those not served here. A
 * primary renews only while it holds its own lease (R12): whoever comes after it gives every session a full lease anew.
 */
export function keepAlive(
  primaries: Primaries,
  to: ReplyTarget,
  messageId: number,
  bytes: Uint8Array,
  start: number,
  end: number,
): void {
  const serves = (primary: PartitionPrimary): boolean =>
    primary.primary.serving && !primary.orphan && primary.lease.holds;
  answerNamed(primaries, to, messageId, bytes, start, end, serves, (primary, session) => primary.renew(session, to));
}

/** The session leaves the partitions named: locks are released, waits end. The answer names those it has left. */
export function leave(
  primaries: Primaries,
  to: Connection,
  messageId: number,
  bytes: Uint8Array,
  start: number,
  end: number,
): void {
  const serves = (primary: PartitionPrimary): boolean => primary.primary.serving;
  answerNamed(primaries, to, messageId, bytes, start, end, serves, (primary, session) => {
    const leaves = primary.leave(session);
    if (leaves) forgetSession(to, session, primary.id);
    return leaves;
  });
}

function answerNamed(
  primaries: Primaries,
  to: ReplyTarget,
  messageId: number,
  bytes: Uint8Array,
  start: number,
  end: number,
  serves: (primary: PartitionPrimary) => boolean,
  act: (primary: PartitionPrimary, session: string) => boolean,
): void {
  const isCut = end - start < codec.KEEP_PARTITIONS;
  const count = isCut ? 0 : readU16(bytes, start + codec.KEEP_COUNT);
  if (isCut || count > primaries.length || end - start !== codec.KEEP_PARTITIONS + count * 2) {
    return replyFail(to, messageId, 'KV_BAD_REQUEST', 'KEEP, CLOS: the body does not have its layout');
  }
  const session = sessionIn(bytes, start + codec.KEEP_SESSION);
  if (refusedAsOthers(to, messageId, session)) return;
  const named: number[] = [];
  const elsewhere: number[] = [];
  for (let index = 0; index < count; index += 1) {
    const partition = readU16(bytes, start + codec.KEEP_PARTITIONS + index * 2);
    const primary = primaries[partition] ?? null;
    // One that does not serve yet has not applied all it holds: it cannot tell whether the session is known.
    if (primary === null || !serves(primary)) {
      if (partition < primaries.length) elsewhere.push(partition);
    } else if (act(primary, session)) named.push(partition);
  }
  to.frames.begin(KEPT, messageId);
  writePartitions(to.frames, named);
  writePartitions(to.frames, elsewhere);
  to.frames.end();
}

function writePartitions(frames: FrameWriter, partitions: readonly number[]): void {
  frames.u16(partitions.length);
  for (const partition of partitions) frames.u16(partition);
}

function sessionIn(bytes: Uint8Array, start: number): string {
  return hexOf(bytes, start, start + codec.SESSION_BYTES);
}
