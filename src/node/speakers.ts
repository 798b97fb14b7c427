/**
 * In whose name a connection asks (L6, R22). The ids of all sessions of a client begin alike, and a connection speaks of the
 * sessions of one client: as its HELO has said, or else as the first that it names. On a link between nodes OWNR says it anew ahead
 * of each request that was handed on.
 */
import { readI32, readU32 } from '../base/bytes.ts';
import * as codec from '../protocol/client-codec.ts';
import { OWNER_BYTES } from '../protocol/hello-codec.ts';
import { NOBODY } from './connection.ts';
import type { PartitionPrimary } from './partition-primary.ts';
import { type ReplyTarget, replyFail } from './reply.ts';

const OWNER_DIGITS = OWNER_BYTES * 2;
const SESSION_TEXT = `the session belongs to another client: this connection speaks of those whose ids have the ${OWNER_BYTES} first bytes that its HELO, or its first ATCH, KEEP or CLOS, has named`;
const ATTACHMENT_TEXT =
  'the attachment is that of another client; a connection names its own in HELO, or by ATCH or KEEP, before it writes';

/** True: the session, hexadecimal, is one of somebody else, and the request has been refused. */
export function refusedAsOthers(from: ReplyTarget, messageId: number, session: string): boolean {
  if (from.owner === NOBODY) from.owner = session.slice(0, OWNER_DIGITS);
  if (session.startsWith(from.owner)) return false;
  replyFail(from, messageId, 'KV_BAD_REQUEST', SESSION_TEXT);
  return true;
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
  replyFail(from, messageId, 'KV_NO_SESSION', ATTACHMENT_TEXT);
  return true;
}
