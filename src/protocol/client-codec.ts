/**
 * Bodies of requests and replies between a client and a node. The layout stands above each encoder; PROTOCOL.md has
 * them all. Requests are read in place by the node through the offsets exported here: nothing is built per message.
 */
import { copyBytes, writeU16, writeU32, writeU48 } from '../base/bytes.ts';
import type { FrameWriter } from './frame-writer.ts';

/*
 * GETK   timeLeftMs u32 | flags u8 | keyLength u16 | key
 *
 * How fresh the answer must be stands in bits 4 and 5 of the flags of GETK and SCAN.
 */
export const ReadsFlag = {
  mask: 0x30,
  /** As the node was told to serve reads. */
  byNode: 0x00,
  /** A round to the other replicas first: trusts no clock (R10). */
  strict: 0x10,
  /** The primary under its leases (R12). */
  lease: 0x20,
  /** What any replica holds (R13). */
  stale: 0x30,
} as const;

export const READ_FLAGS = 4;
export const READ_KEY_LENGTH = 5;
export const READ_KEY = 7;

/*
 * Every write has one fixed part, so that routing, deduplication and the replicated log treat all alike:
 *
 * PUTK CASK DELK INCR LCKK ULKK CNCL WANT
 *   timeLeftMs u32
 *   attachment: epoch u32, operation u32     the committed entry by which the session attached to the partition (R22)
 *   sequence u32 | mark u32                  of this request; lowest sequence still unanswered
 *   flags u8
 *   span u48                                 PUTK CASK, ULKK that stores: time to live in ms, 0 none; LCKK: longest wait
 *                                            in ms, 0 none
 *   revision: epoch u32, operation u32       the condition (PUTK CASK DELK) or the fencing token (ULKK, WANT, LCKK that converts)
 *   keyLength u16 | key | payload …          PUTK CASK, ULKK that stores: value; INCR: summand i64; CNCL, WANT: sequence of the
 *                                            wait, of the grant, u32; LCKK: lock-request.ts
 *   fence                                    with `fenced`, PUTK CASK DELK INCR
 *
 * What follows timeLeftMs is copied into the log as it came.
 */
export const WRITE_ATTACH_EPOCH = 4;
export const WRITE_ATTACH_OPERATION = 8;
export const WRITE_SEQUENCE = 12;
export const WRITE_MARK = 16;
export const WRITE_FLAGS = 20;
export const WRITE_SPAN = 21;
export const WRITE_EPOCH = 27;
export const WRITE_OPERATION = 31;
export const WRITE_KEY_LENGTH = 35;
export const WRITE_KEY = 37;

export const WriteFlag = {
  /** Only if the key has the named revision; revision 0 means absent. */
  ifRevision: 1,
  /** The payload is a stage number u32 and a length u32: the value was sent before in STGE frames. */
  staged: 2,
  /** The write counts only under a lock, which stands behind the payload: fence.ts. */
  fenced: 4,
  /** LCKK: the value of the key is to come with the grant. */
  wantsValue: 8,
  /** ULKK: the payload is a value that is stored with the release. */
  store: 16,
  /** ULKK: the last four bytes are the sequence of the request that was granted: one of several under one token. */
  namesGrant: 32,
  /** ULKK: the lease had run out at its holder: a loss, not a release. */
  givenBack: 64,
} as const;

/** What the span of a WANT says. */
export const WantSpan = {
  /** Tell who waits, from now on. */
  watch: 0,
  /** Only say whether it is held. */
  ask: 1,
} as const;

/** Longest wait that means "for ever". */
export const WAIT_FOREVER: number = 2 ** 48 - 1;

/*
 * ATCH   timeLeftMs u32 | partition u16 | session 16 bytes | leaseMs u32 | nameLength u8 | name
 */
export const ATTACH_PARTITION = 4;
export const ATTACH_SESSION = 6;
export const ATTACH_LEASE = 22;
export const ATTACH_NAME_LENGTH = 26;
export const ATTACH_NAME = 27;
export const SESSION_BYTES = 16;

/*
 * KEEP, CLOS   session 16 bytes | count u16 | partition u16 × count
 * KEPT         count u16 | partition u16 × count | elsewhere: count u16 | partition u16 × count
 *              `elsewhere`: this node does not serve them as primary and says nothing of the session there
 */
export const KEEP_SESSION = 0;
export const KEEP_COUNT = 16;
export const KEEP_PARTITIONS = 18;

/*
 * SCAN   timeLeftMs u32 | flags u8 | partition u16 | cursor u32 | entriesMax u32 | prefixLength u16 | prefix
 */
export const SCAN_FLAGS = 4;
export const SCAN_PARTITION = 5;
export const SCAN_CURSOR = 7;
export const SCAN_ENTRIES_MAX = 11;
export const SCAN_PREFIX_LENGTH = 15;
export const SCAN_PREFIX = 17;
export const ScanFlag = { values: 1 } as const;

/** What STAT asks for: its body, one byte; without a body the node itself. */
export const StatusOf = { node: 0, connections: 1 } as const;

/*
 * STGE   stage u32 | total u32 | offset u32 | bytes …      the last piece is answered by STGD
 */
export const STAGE_NUMBER = 0;
export const STAGE_TOTAL = 4;
export const STAGE_OFFSET = 8;
export const STAGE_BYTES = 12;

/*
 * GOTK   flags u8 | revision u64 | ttlMs u48 (0 none) | value …
 *        with `fragmented`: total u32 instead of the value, which follows in FRAG frames of the same message id
 *        with `stale`: age u32 before the value or the total: so many milliseconds ago, at most, this was the latest
 * FRAG   offset u32 | bytes …
 */
export const GOT_FLAGS = 0;
export const GOT_EPOCH = 1;
export const GOT_OPERATION = 5;
export const GOT_TTL = 9;
export const GOT_VALUE = 15;
/** `apart`: with a grant, there is a value, and it is to be asked for. */
export const GotFlag = { value: 1, fragmented: 2, stale: 4, apart: 8 } as const;
export const GOT_AGE: number = GOT_VALUE;
export const GOT_STALE_VALUE = 19;
/** An age that nobody can bound. */
export const AGE_UNKNOWN = 0xffff_ffff;
export const FRAG_OFFSET = 0;
export const FRAG_BYTES = 4;

/*
 * DONE   outcome u8 | revision u64 | payload …       payload of INCR: the sum, i64
 */
export const DONE_OUTCOME = 0;
export const DONE_EPOCH = 1;
export const DONE_OPERATION = 5;
export const DONE_PAYLOAD = 9;
export const DoneOutcome = {
  /** It took effect; the revision is its own (DELK: 0 when there was nothing to delete). */
  applied: 1,
  /** The condition did not hold; the revision is the key's present one, 0 when absent. */
  refused: 0,
} as const;

/*
 * LKDK   token u64; with `wantsValue` also flags u8 | revision u64 | ttlMs u48 | value …      as in GOTK
 * WAIT   (empty) the request is queued; LKDK or FAIL follows under the same message id
 */
export const LOCKED_EPOCH = 0;
export const LOCKED_OPERATION = 4;
/** Here the fields of GOTK begin. */
export const LOCKED_GOT = 8;

/*
 * WNTD   partition u16 | token u64 | mode u8 | sequence u32        unasked, with message id 0: somebody waits for that lock in that mode
 */
export const WANTED_PARTITION = 0;
export const WANTED_TOKEN = 2;
export const WANTED_MODE = 10;
export const WANTED_SEQUENCE = 11;

/*
 * LOST   partition u16 | token u64 | cause u8       unasked, with message id 0: that lock was taken away
 */
export const LOST_PARTITION = 0;
export const LOST_TOKEN = 2;
export const LOST_CAUSE = 10;
export const LOST_BYTES = 11;
/** An operator has broken the lock. */
export const LostCause = { broken: 1 } as const;

/*
 * MOVD   partition u16 | member u16 (its primary, 0xffff: not known) | flags u8
 * FAIL   code u16 | text …
 */
export const MOVED_PARTITION = 0;
export const MOVED_MEMBER = 2;
export const MOVED_FLAGS = 4;
export const MovedFlag = {
  /** The request may have been appended: nobody knows its outcome yet. To be sent again under the same sequence (R16, R22). */
  unknown: 1,
} as const;
export const FAIL_CODE = 0;
export const FAIL_TEXT = 2;

/*
 * SCND   partition u16 | revision u64 | cursor u32 (0: the partition is done) | count u32 | entry × count
 *        entry: keyLength u16 | valueLength u32 | revision u64 | ttlMs u48 | key | value
 *        valueLength 2^32−1: not included (not asked for, or larger than a page)
 */
export const SCANNED_PARTITION = 0;
export const SCANNED_EPOCH = 2;
export const SCANNED_OPERATION = 6;
export const SCANNED_CURSOR = 10;
export const SCANNED_COUNT = 14;
export const SCANNED_ENTRIES = 18;
export const VALUE_NOT_INCLUDED = 0xffff_ffff;

/** The fixed part of a write, as the client fills it in. One object is reused for all. */
export interface WriteHead {
  timeLeftMs: number;
  attachEpoch: number;
  attachOperation: number;
  sequence: number;
  mark: number;
  flags: number;
  span: number;
  epoch: number;
  operation: number;
}

/** Encodes a write up to its key; the payload follows with the writer's own fields, then `end()`. */
export function beginWrite(
  writer: FrameWriter,
  opcode: number,
  messageId: number,
  head: WriteHead,
  key: Uint8Array,
  keyLength: number,
): void {
  writer.begin(opcode, messageId);
  writer.reserve(WRITE_KEY + keyLength);
  const { buffer, length: at } = writer;
  writeU32(buffer, at, head.timeLeftMs);
  writeU32(buffer, at + WRITE_ATTACH_EPOCH, head.attachEpoch);
  writeU32(buffer, at + WRITE_ATTACH_OPERATION, head.attachOperation);
  writeU32(buffer, at + WRITE_SEQUENCE, head.sequence);
  writeU32(buffer, at + WRITE_MARK, head.mark);
  buffer[at + WRITE_FLAGS] = head.flags;
  writeU48(buffer, at + WRITE_SPAN, head.span);
  writeU32(buffer, at + WRITE_EPOCH, head.epoch);
  writeU32(buffer, at + WRITE_OPERATION, head.operation);
  writeU16(buffer, at + WRITE_KEY_LENGTH, keyLength);
  copyBytes(key, 0, keyLength, buffer, at + WRITE_KEY);
  writer.length = at + WRITE_KEY + keyLength;
}

export function writeGet(
  writer: FrameWriter,
  opcode: number,
  messageId: number,
  timeLeftMs: number,
  flags: number,
  key: Uint8Array,
  keyLength: number,
): void {
  writer.begin(opcode, messageId);
  writer.reserve(READ_KEY + keyLength);
  const { buffer, length: at } = writer;
  writeU32(buffer, at, timeLeftMs);
  buffer[at + READ_FLAGS] = flags;
  writeU16(buffer, at + READ_KEY_LENGTH, keyLength);
  copyBytes(key, 0, keyLength, buffer, at + READ_KEY);
  writer.length = at + READ_KEY + keyLength;
  writer.end();
}

/** The revision-and-outcome reply of writes. `sum` only for INCR. */
export function writeDone(
  writer: FrameWriter,
  opcode: number,
  messageId: number,
  outcome: number,
  epoch: number,
  operation: number,
): void {
  writer.begin(opcode, messageId);
  const { buffer, length: at } = writer; // `begin` has reserved more than this
  buffer[at + DONE_OUTCOME] = outcome;
  writeU32(buffer, at + DONE_EPOCH, epoch);
  writeU32(buffer, at + DONE_OPERATION, operation);
  writer.length = at + DONE_PAYLOAD;
}

export function writeLocked(
  writer: FrameWriter,
  opcode: number,
  messageId: number,
  epoch: number,
  operation: number,
): void {
  writer.begin(opcode, messageId);
  writer.u32(epoch);
  writer.u32(operation);
  writer.end();
}

const utf8 = new TextEncoder();

export function writeFail(
  writer: FrameWriter,
  opcode: number,
  messageId: number,
  wireCode: number,
  text: string,
): void {
  writer.begin(opcode, messageId);
  writer.u16(wireCode);
  const bytes = utf8.encode(text);
  writer.bytes(bytes, 0, bytes.length);
  writer.end();
}
