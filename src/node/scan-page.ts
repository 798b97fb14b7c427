/** One page of a scan: committed entries of one partition, from a cursor on, in the order of their slots. */
import { readU16, readU32, writeU32 } from '../base/bytes.ts';
import * as codec from '../protocol/client-codec.ts';
import { SCAN_PAGE_BYTES_MAX, SCAN_PAGE_ENTRIES_MAX, SCAN_PAGE_SLOTS_MAX } from '../protocol/limits.ts';
import { SCND } from '../protocol/opcode.ts';
import type { KeyTable } from '../store/key-table.ts';
import { unitsOfSlots } from './fair-share.ts';
import type { ReplyTarget } from './reply.ts';

/** A value larger than this is fetched by a get of its own. */
const VALUE_BYTES_IN_PAGE_MAX = 64 * 1024;

/**
 * The cursor is a slot number: slots do not move, so a key that is there during the whole scan is seen exactly once; one
 * that comes or goes meanwhile may be seen or not.
 */
export function writeScanPage(
  to: ReplyTarget,
  messageId: number,
  partition: number,
  keys: KeyTable,
  nowMs: number,
  revision: { epoch: number; operation: number },
  body: Uint8Array,
  start: number,
): void {
  if (to.closed) return;
  const { frames } = to;
  const entriesMax = Math.min(
    readU32(body, start + codec.SCAN_ENTRIES_MAX) || SCAN_PAGE_ENTRIES_MAX,
    SCAN_PAGE_ENTRIES_MAX,
  );
  const withValues = ((body[start + codec.SCAN_FLAGS] as number) & codec.ScanFlag.values) !== 0;
  const prefixStart = start + codec.SCAN_PREFIX;
  const prefixEnd = prefixStart + readU16(body, start + codec.SCAN_PREFIX_LENGTH);
  frames.begin(SCND, messageId);
  frames.u16(partition);
  frames.u32(revision.epoch);
  frames.u32(revision.operation);
  const cursorAt = frames.length;
  frames.u32(0);
  frames.u32(0);
  let count = 0;
  const cursor = readU32(body, start + codec.SCAN_CURSOR);
  const slotsEnd = Math.min(keys.capacity, cursor + SCAN_PAGE_SLOTS_MAX);
  let slot = keys.next(cursor, slotsEnd);
  while (slot >= 0 && count < entriesMax && frames.frameBytes < SCAN_PAGE_BYTES_MAX) {
    if (keys.keyStartsWith(slot, body, prefixStart, prefixEnd)) {
      writeEntry(to, keys, slot, nowMs, withValues);
      count += 1;
    }
    slot = keys.next(slot + 1, slotsEnd);
  }
  const next = slot >= 0 ? slot : slotsEnd < keys.capacity ? slotsEnd : 0;
  to.units += unitsOfSlots(Math.max(0, (next === 0 ? slotsEnd : next) - cursor));
  writeU32(frames.buffer, cursorAt, next);
  writeU32(frames.buffer, cursorAt + 4, count);
  frames.end();
}

function writeEntry(to: ReplyTarget, keys: KeyTable, slot: number, nowMs: number, withValues: boolean): void {
  const { frames } = to;
  const keyLength = keys.keyLength(slot);
  const valueLength = keys.valueLength(slot);
  const included = withValues && valueLength <= VALUE_BYTES_IN_PAGE_MAX;
  const deadline = keys.deadlineMs(slot);
  frames.u16(keyLength);
  frames.u32(included ? valueLength : codec.VALUE_NOT_INCLUDED);
  frames.u32(keys.epoch(slot));
  frames.u32(keys.operation(slot));
  frames.u48(deadline === 0 ? 0 : Math.max(1, deadline - nowMs));
  frames.reserve(keyLength + (included ? valueLength : 0));
  keys.copyKey(slot, frames.buffer, frames.length);
  frames.length += keyLength;
  if (!included) return;
  keys.copyValue(slot, frames.buffer, frames.length);
  frames.length += valueLength;
}
