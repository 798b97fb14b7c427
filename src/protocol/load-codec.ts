/** Bodies of LOAD, a chunk of rows as NDJSON, and LODD, what became of them. The node reads a LOAD in place. */
import { readU16, readU32, writeU32 } from '../base/bytes.ts';
import { type Code, codeOfWire, codes, KeyvalError } from '../errors.ts';
import type { FrameWriter } from './frame-writer.ts';

/*
 * LOAD   timeLeftMs u32 | flags u8 (0) | whole lines of NDJSON …
 */
export const LOAD_FLAGS = 4;
export const LOAD_LINES = 5;

/*
 * LODD   rows u32 (written) | failed u32 (lines that were not) | count u16 | failure × count
 *        failure: line u32 (from 1) | code u16 | textLength u16 | text
 */
export const LOADED_ROWS = 0;
export const LOADED_FAILED = 4;
export const LOADED_COUNT = 8;
export const LOADED_FAILURES = 10;
const FAILURE_CODE = 4;
const FAILURE_TEXT_LENGTH = 6;
const FAILURE_TEXT = 8;

/** Bytes of the text of one failure; a longer one is cut. */
export const FAILURE_TEXT_BYTES_MAX = 1000;

/** Why a line of a chunk was not written. */
export interface LoadFailure {
  /** In the chunk, from 1. */
  readonly line: number;
  readonly code: Code;
  readonly message: string;
}

/** What became of a chunk. */
export interface LoadResult {
  /** Lines that were written. */
  readonly rows: number;
  /** Lines that were not. */
  readonly failed: number;
  /** The first of those, by line; at most 100. */
  readonly failures: readonly LoadFailure[];
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export function encodeLoad(timeLeftMs: number, lines: Uint8Array): Uint8Array {
  const body = new Uint8Array(LOAD_LINES + lines.length);
  writeU32(body, 0, timeLeftMs);
  body.set(lines, LOAD_LINES);
  return body;
}

export function writeLoaded(writer: FrameWriter, opcode: number, messageId: number, result: LoadResult): void {
  writer.begin(opcode, messageId);
  writer.u32(result.rows);
  writer.u32(result.failed);
  writer.u16(result.failures.length);
  for (const { line, code, message } of result.failures) {
    const text = encoder.encode(message);
    const length = wholeCharacters(text, FAILURE_TEXT_BYTES_MAX);
    writer.u32(line);
    writer.u16(codes[code].wire);
    writer.u16(length);
    writer.bytes(text, 0, length);
  }
  writer.end();
}

/** As much of the text as fits `most` bytes without cutting a character. */
function wholeCharacters(text: Uint8Array, most: number): number {
  if (text.length <= most) return text.length;
  let length = most;
  while (length > 0 && ((text[length] as number) & 0xc0) === 0x80) length -= 1;
  return length;
}

/** @throws KeyvalError KV_BAD_FRAME when fewer failures are there than it says */
export function decodeLoaded(body: Uint8Array): LoadResult {
  const failures: LoadFailure[] = [];
  const count = readU16(body, LOADED_COUNT);
  let at = LOADED_FAILURES;
  for (let index = 0; index < count; index += 1) {
    const textStart = at + FAILURE_TEXT;
    if (textStart > body.length) throw cutShort();
    const textEnd = textStart + readU16(body, at + FAILURE_TEXT_LENGTH);
    if (textEnd > body.length) throw cutShort();
    const code = codeOfWire(readU16(body, at + FAILURE_CODE));
    failures.push({ line: readU32(body, at), code, message: decoder.decode(body.subarray(textStart, textEnd)) });
    at = textEnd;
  }
  return { rows: readU32(body, LOADED_ROWS), failed: readU32(body, LOADED_FAILED), failures };
}

function cutShort(): KeyvalError {
  return new KeyvalError('KV_BAD_FRAME', 'LODD: fewer failures than it announces');
}
