/**
 * Whether an entry that a peer has sent has its layout. It is checked before the entry is taken into the log: later, when
 * it has committed, it must be possible to apply it.
 */
import { readU16, readU32 } from '../base/bytes.ts';
import { fenceLength } from '../protocol/fence.ts';
import { GRANT_SEQUENCE_BYTES, isLockPayload } from '../protocol/lock-request.ts';
import { EntryKind } from '../replication/entry-kind.ts';
import * as layout from '../replication/entry-layout.ts';
import { ENTRY_HEAD_BYTES } from '../replication/replication-log.ts';

const REVISION_BYTES = 8;
const SUM_BYTES = 8;
/** stage number u32 | length u32 */
const STAGE_REFERENCE_BYTES = 8;

/** The entry is `bytes[start, end)`, from its kind on; its head is there. */
export function isEntry(bytes: Uint8Array, start: number, end: number): boolean {
  const body = start + ENTRY_HEAD_BYTES;
  const length = end - body;
  switch (bytes[start]) {
    case EntryKind.commitOnly:
      return true;
    case EntryKind.barrier:
    case EntryKind.detach:
      return length >= REVISION_BYTES;
    case EntryKind.release:
      if (isStaged(bytes, body, length) && !hasFlag(bytes, body, layout.EntryFlag.store)) return false;
      return hasKey(bytes, body, length, stageBytes(bytes, body, length) + grantBytes(bytes, body, length));
    case EntryKind.put:
      return hasKey(bytes, body, length, stageBytes(bytes, body, length));
    case EntryKind.increment:
      return hasKey(bytes, body, length, SUM_BYTES);
    case EntryKind.remove:
      return hasKey(bytes, body, length, 0);
    case EntryKind.acquire:
      return hasKey(bytes, body, length, 0) && asksForLock(bytes, body, length);
    case EntryKind.expireKey:
    case EntryKind.endDelay:
      return (
        length >= layout.EXPIRE_KEY && fits(readU16(bytes, body + layout.EXPIRE_KEY_LENGTH), length, layout.EXPIRE_KEY)
      );
    case EntryKind.attach:
      return (
        length >= layout.ATTACH_ENTRY_NAME &&
        length >= layout.ATTACH_ENTRY_NAME + (bytes[body + layout.ATTACH_ENTRY_NAME_LENGTH] as number)
      );
    case EntryKind.cancel:
      return length === layout.CANCEL_BYTES || length >= layout.CANCEL_BY;
    default:
      return false;
  }
}

function isStaged(bytes: Uint8Array, body: number, length: number): boolean {
  return length >= layout.ENTRY_KEY && hasFlag(bytes, body, layout.EntryFlag.staged);
}

function stageBytes(bytes: Uint8Array, body: number, length: number): number {
  return isStaged(bytes, body, length) ? STAGE_REFERENCE_BYTES : 0;
}

/** Of a release that names one of several grants. */
function grantBytes(bytes: Uint8Array, body: number, length: number): number {
  const names = length >= layout.ENTRY_KEY && hasFlag(bytes, body, layout.EntryFlag.namesGrant);
  return names ? GRANT_SEQUENCE_BYTES : 0;
}

function hasFlag(bytes: Uint8Array, body: number, flag: number): boolean {
  return ((bytes[body + layout.ENTRY_FLAGS] as number) & flag) !== 0;
}

/** What stands behind the key of an acquire. */
function asksForLock(bytes: Uint8Array, body: number, length: number): boolean {
  const keyEnd = body + layout.ENTRY_KEY + readU16(bytes, body + layout.ENTRY_KEY_LENGTH);
  const isConversion = readU32(bytes, body + layout.ENTRY_OPERATION) !== 0;
  return isLockPayload(bytes, keyEnd, body + length, isConversion);
}

/** `payload`: bytes behind the key, at least; a fence comes behind them. */
function hasKey(bytes: Uint8Array, body: number, length: number, payload: number): boolean {
  if (length < layout.ENTRY_KEY) return false;
  const fence = hasFlag(bytes, body, layout.EntryFlag.fenced)
    ? fenceLength(bytes, body + layout.ENTRY_KEY, body + length)
    : 0;
  return fence >= 0 && fits(readU16(bytes, body + layout.ENTRY_KEY_LENGTH), length - fence, layout.ENTRY_KEY + payload);
}

function fits(keyLength: number, length: number, rest: number): boolean {
  return keyLength > 0 && keyLength + rest <= length;
}

/** Number of the staged value that a put, or a release that stores, names; it has its layout; −1: none. */
export function stageNamedBy(bytes: Uint8Array, start: number): number {
  const body = start + ENTRY_HEAD_BYTES;
  const stores = bytes[start] === EntryKind.put || bytes[start] === EntryKind.release;
  if (!stores || !isStaged(bytes, body, layout.ENTRY_KEY)) return -1;
  return readU32(bytes, body + layout.ENTRY_KEY + readU16(bytes, body + layout.ENTRY_KEY_LENGTH));
}
