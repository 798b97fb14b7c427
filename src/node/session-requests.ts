/** KEEP and CLOS: one message per node and session names the partitions it is attached to there (L3). */
import { hexOf, readI32, readU16, readU32 } from '../base/bytes.ts';
import * as codec from '../protocol/client-codec.ts';
import type { FrameWriter } from '../protocol/frame-writer.ts';
import { OWNER_BYTES } from '../protocol/hello-codec.ts';
import { KEPT } from '../protocol/opcode.ts';
import { type Connection, NOBODY } from './connection.ts';
import type { PartitionPrimary } from './partition-primary.ts';
import { type ReplyTarget, replyFail } from './reply.ts';

/** Sessions that one connection may bring; a program needs one. */
export const SESSIONS_PER_CONNECTION_MAX = 1000;
/** What an attachment costs, in units of fair-share.ts. */
const ATTACH_UNITS = 4;
const OWNER_DIGITS = OWNER_BYTES * 2;
const TOO_MANY_TEXT = `this connection has brought ${SESSIONS_PER_CONNECTION_MAX} sessions; end some (CLOS), or connect again`;
const FOREIGN_SESSION_TEXT = `the session belongs to another client: this connection speaks of those whose ids have the ${OWNER_BYTES} first bytes that its HELO, or its first ATCH, KEEP or CLOS, has named`;
const FOREIGN_ATTACHMENT_TEXT =
  'the attachment is that of another client; a connection names its own in HELO, or by ATCH or KEEP, before it writes';

/**
 * Whether the session is one that the connection may speak of. The ids of a client's sessions begin alike: as its HELO has said, or
 * else as the first that it names.
 */
function speaksOf(from: ReplyTarget, session: string): boolean {
  if (from.owner === NOBODY) from.owner = session.slice(0, OWNER_DIGITS);
  return session.startsWith(from.owner);
}

/**
 * A write names its session by the attachment, a number that others come by easily: by a bit that flips, by the key of another
 * partition, where it is somebody else's. True: it has been refused. An attachment that nobody has is for the primary to refuse.
 */
export function refusedAsForeign(
  { state }: PartitionPrimary,
  from: ReplyTarget,
  messageId: number,
  bytes: Uint8Array,
  start: number,
): boolean {
  const epoch = readU32(bytes, start + codec.WRITE_ATTACH_EPOCH);
  const attachment = state.attachments.find(epoch, readI32(bytes, start + codec.WRITE_ATTACH_OPERATION));
  if (attachment === undefined || attachment.session.startsWith(from.owner)) return false;
  replyFail(from, messageId, 'KV_NO_SESSION', FOREIGN_ATTACHMENT_TEXT);
  return true;
}

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
  if (!speaksOf(from, session)) replyFail(from, messageId, 'KV_BAD_REQUEST', FOREIGN_SESSION_TEXT);
  else if (!isCounted(from, session, partition)) replyFail(from, messageId, 'KV_OVERLOADED', TOO_MANY_TEXT);
  else return false;
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
  if (!speaksOf(to, session)) return replyFail(to, messageId, 'KV_BAD_REQUEST', FOREIGN_SESSION_TEXT);
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
