/**
 * One file of the durable log: a header that says whose it is, and records one after another. Pure: bytes in, records out.
 *
 *     header   "KVRAFT" | format u16 | segment u32 | length u16 | cluster length u8, UTF-8 | node u48 | checksum u32
 *     record   "KVRR" | sequence u48 | length u32 | checksum of these 14 u32 | checksum of the body u32 | body … | 0xFF
 *
 * `sequence` counts the records of a segment from 1. Each record is appended and synced before the next, so only the last
 * one can be torn. A tail that is no whole record was *torn* by a crash if it could look like that after one: it ends
 * early, or sectors of it never reached the disk and read as zeros. Anything else, a flipped bit for one, in the last
 * record too, is *damage*: what was there may have been promised to others (Alagappan et al., FAST '18; the test for
 * sectors is etcd's).
 */

import { ByteReader } from '../base/byte-reader.ts';
import { ByteWriter } from '../base/byte-writer.ts';
import { readU32, writeU32 } from '../base/bytes.ts';
import { crc32 } from '../base/crc32.ts';
import { type Items, readItems, writeItems } from './items.ts';
import type { NodeId } from './messages.ts';

/** Format of the state directory that this code writes, and the only one it reads. */
export const DISK_FORMAT = 1;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

const FILE_MARK: Uint8Array = encoder.encode('KVRAFT');
const RECORD_MARK = 0x4b565252;
const RECORD_SEQUENCE_AT = 4;
const RECORD_LENGTH_AT = 10;
const RECORD_HEADER_CHECKSUM_AT = 14;
const RECORD_BODY_CHECKSUM_AT = 18;
export const RECORD_HEADER_BYTES = 22;

/** Ends each body: its last bytes are never all zeros, and a tail of zeros was never written. */
const BODY_END = 0xff;

/** A disk writes a sector whole or not at all. */
const SECTOR_BYTES = 512;

export interface SegmentHeader {
  readonly format: number;
  readonly segment: number;
  readonly cluster: string;
  readonly node: NodeId;
}

export function encodeSegmentHeader({ format, segment, cluster, node }: SegmentHeader): Uint8Array {
  const name = encoder.encode(cluster);
  const writer = new ByteWriter();
  writer.bytes(FILE_MARK);
  writer.u16(format);
  writer.u32(segment);
  writer.u16(1 + name.length + 6);
  writer.u8(name.length);
  writer.bytes(name);
  writer.u48(node);
  writer.u32(crc32(writer.finish()));
  return writer.finish();
}

/** The header and where the records begin. Null: damaged, or no segment at all. */
export function decodeSegmentHeader(bytes: Uint8Array): { header: SegmentHeader; end: number } | null {
  const reader = new ByteReader(bytes);
  const mark = reader.bytes(FILE_MARK.length);
  const format = reader.u16();
  const segment = reader.u32();
  const rest = reader.u16();
  const cluster = decoder.decode(reader.bytes(reader.u8()));
  const node = reader.u48();
  const checksum = reader.u32();
  const end = FILE_MARK.length + 8 + rest + 4;
  if (reader.isShort || mark.some((byte, at) => byte !== FILE_MARK[at])) return null;
  // A later format may have more in its header: then it says so, before anything else is judged.
  if (format === DISK_FORMAT && bytes.length - reader.left !== end) return null;
  if (
    end > bytes.length ||
    crc32(bytes, 0, end - 4) !== (format === DISK_FORMAT ? checksum : readU32(bytes, end - 4))
  ) {
    return null;
  }
  return { header: { format, segment, cluster, node }, end };
}

export function encodeRecord(sequence: number, items: Items): Uint8Array {
  const writer = new ByteWriter();
  writer.u32(RECORD_MARK);
  writer.u48(sequence);
  for (let field = 0; field < 3; field += 1) writer.u32(0);
  writeItems(writer, items);
  writer.u8(BODY_END);
  const record = writer.finish();
  writeU32(record, RECORD_LENGTH_AT, record.length - RECORD_HEADER_BYTES);
  writeU32(record, RECORD_HEADER_CHECKSUM_AT, crc32(record, 0, RECORD_HEADER_CHECKSUM_AT));
  writeU32(record, RECORD_BODY_CHECKSUM_AT, crc32(record, RECORD_HEADER_BYTES));
  return record;
}

export interface ScannedSegment {
  readonly records: readonly Items[];
  /** Where the next record belongs: behind the last whole one. */
  readonly end: number;
  /** What stands behind `end`: nothing, a record that a crash cut short, or damage at `damagedAt`. */
  readonly tail: 'clean' | 'torn' | 'damaged';
  readonly damagedAt: number;
}

/** Reads the records from `start` on, as far as they are whole. */
export function scanRecords(bytes: Uint8Array, start: number): ScannedSegment {
  const records: Items[] = [];
  let at = start;
  while (at < bytes.length) {
    const length = wholeRecordAt(bytes, at, records.length + 1);
    const bodyAt = at + RECORD_HEADER_BYTES;
    const items = length < 0 ? null : readItems(new ByteReader(bytes, bodyAt, bodyAt + length - 1));
    if (items === null) {
      const isTorn = length < 0 && couldBeTorn(bytes, at, records.length + 1);
      return { records, end: at, tail: isTorn ? 'torn' : 'damaged', damagedAt: at };
    }
    records.push(items);
    at = bodyAt + length;
  }
  return { records, end: at, tail: 'clean', damagedAt: 0 };
}

/** Length of the body of the record at `at`; −1 where there is no whole one. */
function wholeRecordAt(bytes: Uint8Array, at: number, sequence: number): number {
  if (!isHeaderAt(bytes, at) || sequenceAt(bytes, at) !== sequence) return -1;
  const length = readU32(bytes, at + RECORD_LENGTH_AT);
  const bodyAt = at + RECORD_HEADER_BYTES;
  if (length < 1 || bodyAt + length > bytes.length) return -1;
  return crc32(bytes, bodyAt, bodyAt + length) === readU32(bytes, at + RECORD_BODY_CHECKSUM_AT) ? length : -1;
}

function isHeaderAt(bytes: Uint8Array, at: number): boolean {
  if (at + RECORD_HEADER_BYTES > bytes.length || readU32(bytes, at) !== RECORD_MARK) return false;
  return readU32(bytes, at + RECORD_HEADER_CHECKSUM_AT) === crc32(bytes, at, at + RECORD_HEADER_CHECKSUM_AT);
}

function sequenceAt(bytes: Uint8Array, at: number): number {
  return new ByteReader(bytes, at + RECORD_SEQUENCE_AT).u48();
}

function couldBeTorn(bytes: Uint8Array, at: number, sequence: number): boolean {
  for (let later = at + 1; later + RECORD_HEADER_BYTES <= bytes.length; later += 1) {
    // Only what was synced is followed by anything.
    if (isHeaderAt(bytes, later) && sequenceAt(bytes, later) > sequence) return false;
  }
  const isHeaderWhole = isHeaderAt(bytes, at) && sequenceAt(bytes, at) === sequence;
  const isShort = bytes.length < at + RECORD_HEADER_BYTES;
  if (isHeaderWhole && at + RECORD_HEADER_BYTES + readU32(bytes, at + RECORD_LENGTH_AT) > bytes.length) return true;
  return isShort ? isPartOfHeader(bytes, at, sequence) || hasEmptySector(bytes, at) : hasEmptySector(bytes, at);
}

/** Whether the few bytes from `at` on begin like the record that belongs there. */
function isPartOfHeader(bytes: Uint8Array, at: number, sequence: number): boolean {
  const begin = new ByteWriter();
  begin.u32(RECORD_MARK);
  begin.u48(sequence);
  const expected = begin.finish();
  const known = Math.min(bytes.length - at, expected.length);
  return bytes.subarray(at, at + known).every((byte, place) => byte === expected[place]);
}

/** Whether some sector, as far as it lies behind `at`, is nothing but zeros. */
function hasEmptySector(bytes: Uint8Array, at: number): boolean {
  for (let start = at; start < bytes.length; ) {
    const end = Math.min(bytes.length, start - (start % SECTOR_BYTES) + SECTOR_BYTES);
    if (bytes.subarray(start, end).every((byte) => byte === 0)) return true;
    start = end;
  }
  return false;
}
