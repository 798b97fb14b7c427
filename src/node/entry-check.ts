/**
 * Whether an entry that a peer has sent has its layout. It is checked before the entry is taken into the log: later, when
 * it has committed, it must be possible to apply it.
 */
import { readU16, readU32 } from '../base/bytes.ts';
import { fenceLength } from '../protocol/fence.ts';
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
      if (isStaged(bytes, body, length) && !isStoring(bytes, body)) return false;
      return hasKey(bytes, body, length, isStaged(bytes, body, length) ? STAGE_REFERENCE_BYTES : 0);
    case EntryKind.put:
      return hasKey(bytes, body, length, isStaged(bytes, body, length) ? STAGE_REFERENCE_BYTES : 0);
    case EntryKind.increment:
      return hasKey(bytes, body, length, SUM_BYTES);
    case EntryKind.remove:
    case EntryKind.acquire:
      return hasKey(bytes, body, length, 0);
    case EntryKind.expireKey:
      return (
        length >= layout.EXPIRE_KEY && fits(readU16(bytes, body + layout.EXPIRE_KEY_LENGTH), length, layout.EXPIRE_KEY)
      );
    case EntryKind.attach:
      return (
        length >= layout.ATTACH_ENTRY_NAME &&
        length >= layout.ATTACH_ENTRY_NAME + (bytes[body + layout.ATTACH_ENTRY_NAME_LENGTH] as number)
      );
    case EntryKind.cancel:
      return length >= layout.CANCEL_BYTES;
    default:
      return false;
  }
}

function isStaged(bytes: Uint8Array, body: number, length: number): boolean {
  return length >= layout.ENTRY_KEY && ((bytes[body + layout.ENTRY_FLAGS] as number) & layout.EntryFlag.staged) !== 0;
}

/** A release with a value. */
function isStoring(bytes: Uint8Array, body: number): boolean {
  return ((bytes[body + layout.ENTRY_FLAGS] as number) & layout.EntryFlag.store) !== 0;
}

/** `payload`: bytes behind the key, at least; a fence comes behind them. */
function hasKey(bytes: Uint8Array, body: number, length: number, payload: number): boolean {
  if (length < layout.ENTRY_KEY) return false;
  const isFenced = ((bytes[body + layout.ENTRY_FLAGS] as number) & layout.EntryFlag.fenced) !== 0;
  const fence = isFenced ? fenceLength(bytes, body + layout.ENTRY_KEY, body + length) : 0;
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
