/**
 * NDJSON to packed rows. A line is `{"key":"text","value":"text","ttlMs":12345}`, with `key64`, `value64` in base64
 * where there is no text. Each line is read in place: first where its members stand, then their bytes go straight into
 * the rows. A line that is wrong is an error of that line, and the others go on. Empty lines, `\r\n`, a byte order mark at
 * the start and a missing last newline are taken.
 */
import { isUtf8 } from 'node:buffer';
import { copyBytes } from '../base/bytes.ts';
import type { Code } from '../errors.ts';
import { KEY_BYTES_MAX, VALUE_BYTES_MAX } from '../protocol/limits.ts';
import { base64Bytes, readBase64 } from './base64.ts';
import { LineReader, LineStatus } from './line-reader.ts';
import type { Member } from './member.ts';
import { RowWriter } from './rows.ts';

/** Why a line is no row. */
export interface LineError {
  /** From 1 in the text. */
  readonly line: number;
  readonly code: Code;
  readonly message: string;
}

export interface ParsedRows {
  /** Packed: see rows.ts. */
  readonly rows: Uint8Array<ArrayBuffer>;
  readonly count: number;
  /** The first `errorsMax` of them, and how many there are. */
  readonly errors: readonly LineError[];
  readonly failed: number;
  /** Lines seen, empty ones included. */
  readonly lines: number;
}

/** So many errors of lines are told, the others are counted. */
export const LINE_ERRORS_MAX = 100;

const NEWLINE = 0x0a;
const BYTE_ORDER_MARK: readonly number[] = [0xef, 0xbb, 0xbf];

/** Parses whole lines; the first one is number `firstLine`. */
export function parseRows(text: Uint8Array, firstLine = 1, errorsMax: number = LINE_ERRORS_MAX): ParsedRows {
  // A row is never longer than its line: the names and marks of the shortest line take more than the head of a row.
  const rows = new RowWriter(text.length);
  const errors: LineError[] = [];
  const reader = new LineReader(text, isUtf8(text));
  let failed = 0;
  let line = firstLine;
  for (let start = afterByteOrderMark(text); start < text.length; line += 1) {
    const found = text.indexOf(NEWLINE, start);
    const end = found < 0 ? text.length : found;
    if (!takeLine(reader, start, end, line, rows)) {
      failed += 1;
      if (errors.length < errorsMax) errors.push({ line, code: reader.code, message: reader.message });
    }
    start = end + 1;
  }
  const count = rows.rows;
  return { rows: rows.take(), count, errors, failed, lines: line - firstLine };
}

function afterByteOrderMark(text: Uint8Array): number {
  return BYTE_ORDER_MARK.every((byte, at) => text[at] === byte) ? BYTE_ORDER_MARK.length : 0;
}

/** False: the line is wrong, and the reader says why. */
function takeLine(reader: LineReader, start: number, end: number, line: number, rows: RowWriter): boolean {
  const status = reader.read(start, end);
  if (status !== LineStatus.row) return status === LineStatus.empty;
  const keyLength = lengthOf(reader.key);
  const valueLength = lengthOf(reader.value);
  if (keyLength < 0) return reader.wrong(notBase64('key64'));
  if (valueLength < 0) return reader.wrong(notBase64('value64'));
  if (keyLength === 0 || keyLength > KEY_BYTES_MAX) {
    return reader.wrong(`the key has ${keyLength} bytes; a key has 1 to 65,535`, 'KV_BAD_KEY');
  }
  if (valueLength > VALUE_BYTES_MAX) {
    return reader.wrong(`the value has ${valueLength} bytes; the largest has ${VALUE_BYTES_MAX}`, 'KV_TOO_LARGE');
  }
  const at = rows.begin(keyLength, valueLength, reader.ttlMs, line);
  if (!copyMember(reader.key, rows.bytes, at)) return reader.wrong(notBase64('key64'));
  if (!copyMember(reader.value, rows.bytes, at + keyLength)) return reader.wrong(notBase64('value64'));
  rows.end();
  return true;
}

/** Bytes that the member stands for; −1: they cannot be base64. */
function lengthOf(member: Member): number {
  return member.base64 ? base64Bytes(member.source, member.start, member.end) : member.end - member.start;
}

function copyMember(member: Member, target: Uint8Array, at: number): boolean {
  const { source, start, end } = member;
  if (member.base64) return readBase64(source, start, end, target, at);
  copyBytes(source, start, end, target, at);
  return true;
}

function notBase64(name: string): string {
  return `'${name}' is not base64: A-Z a-z 0-9 + /, padded with = to a multiple of four characters`;
}
