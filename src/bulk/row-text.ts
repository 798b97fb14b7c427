/**
 * Packed rows as NDJSON, one line each: `{"key":"text","value":"text","ttlMs":12345}`. What is not valid UTF-8 stands in
 * base64 as `key64`, `value64`. The text is written as bytes: no string is made of a row.
 */
import { isUtf8 } from 'node:buffer';
import { copyBytes } from '../base/bytes.ts';
import { base64Length, writeBase64 } from './base64.ts';
import { RowReader } from './rows.ts';

const ascii = new TextEncoder();
const OPEN_KEY = ascii.encode('{"key":"');
const OPEN_KEY_64 = ascii.encode('{"key64":"');
const THEN_VALUE = ascii.encode('","value":"');
const THEN_VALUE_64 = ascii.encode('","value64":"');
const THEN_TTL = ascii.encode('","ttlMs":');
const CLOSE = ascii.encode('"}\n');
const CLOSE_TTL = ascii.encode('}\n');
const HEX = ascii.encode('0123456789abcdef');

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const LETTER_U = 0x75;
const DIGIT_0 = 0x30;
const SPACE = 0x20;

/** Most bytes of a line besides key and value: the longest names, and a ttlMs of 15 digits. */
const FRAME_BYTES_MAX = 64;
/** A byte of text becomes six at most: \u001f. */
const ESCAPED_BYTES_MAX = 6;

/** Letter behind the backslash for a byte below 0x20 or one that needs one; 0: \u00xx, or as it is. */
const SHORT_ESCAPE = new Uint8Array(256);
for (const [byte, letter] of [
  [0x08, 'b'],
  [0x09, 't'],
  [0x0a, 'n'],
  [0x0c, 'f'],
  [0x0d, 'r'],
  [QUOTE, '"'],
  [BACKSLASH, '\\'],
] as const) {
  SHORT_ESCAPE[byte] = letter.charCodeAt(0);
}

/** The text of packed rows. */
export function encodeRows(rows: Uint8Array): Uint8Array<ArrayBuffer> {
  const text = new Text(rows.length * 2);
  const row = new RowReader(rows);
  while (row.next()) {
    text.reserve(FRAME_BYTES_MAX + (row.valueEnd - row.keyStart) * ESCAPED_BYTES_MAX);
    text.member(rows, row.keyStart, row.keyEnd, OPEN_KEY, OPEN_KEY_64);
    text.member(rows, row.valueStart, row.valueEnd, THEN_VALUE, THEN_VALUE_64);
    if (row.ttlMs === 0) text.put(CLOSE);
    else text.ttl(row.ttlMs);
  }
  return text.bytes.subarray(0, text.length);
}

/** Bytes that grow. */
class Text {
  bytes: Uint8Array<ArrayBuffer>;
  length = 0;

  constructor(capacityBytes: number) {
    this.bytes = new Uint8Array(capacityBytes);
  }

  reserve(count: number): void {
    if (this.length + count <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(this.length + count, this.bytes.length * 2));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
  }

  put(part: Uint8Array): void {
    copyBytes(part, 0, part.length, this.bytes, this.length);
    this.length += part.length;
  }

  member(source: Uint8Array, start: number, end: number, open: Uint8Array, open64: Uint8Array): void {
    if (isText(source, start, end)) {
      this.put(open);
      this.length = writeEscaped(source, start, end, this.bytes, this.length);
    } else {
      this.put(open64);
      writeBase64(source, start, end, this.bytes, this.length);
      this.length += base64Length(end - start);
    }
  }

  ttl(ttlMs: number): void {
    this.put(THEN_TTL);
    let digits = 1;
    for (let rest = ttlMs; rest >= 10; rest = Math.floor(rest / 10)) digits += 1;
    let rest = ttlMs;
    for (let at = this.length + digits - 1; at >= this.length; at -= 1) {
      this.bytes[at] = DIGIT_0 + (rest % 10);
      rest = Math.floor(rest / 10);
    }
    this.length += digits;
    this.put(CLOSE_TTL);
  }
}

/** Short ASCII, which most keys are, is told without a view. */
function isText(bytes: Uint8Array, start: number, end: number): boolean {
  let at = start;
  while (at < end && (bytes[at] as number) < 0x80) at += 1;
  return at === end || isUtf8(bytes.subarray(at, end));
}

/** Writes a JSON string without its quotes. Gives where it ends. */
function writeEscaped(source: Uint8Array, start: number, end: number, target: Uint8Array, from: number): number {
  let at = from;
  for (let index = start; index < end; index += 1) {
    const byte = source[index] as number;
    if (byte >= SPACE && byte !== QUOTE && byte !== BACKSLASH) {
      target[at] = byte;
      at += 1;
    } else at = writeEscape(byte, target, at);
  }
  return at;
}

function writeEscape(byte: number, target: Uint8Array, at: number): number {
  const letter = SHORT_ESCAPE[byte] as number;
  target[at] = BACKSLASH;
  if (letter !== 0) {
    target[at + 1] = letter;
    return at + 2;
  }
  target[at + 1] = LETTER_U;
  target[at + 2] = DIGIT_0;
  target[at + 3] = DIGIT_0;
  target[at + 4] = HEX[byte >> 4] as number;
  target[at + 5] = HEX[byte & 15] as number;
  return at + ESCAPED_BYTES_MAX;
}
