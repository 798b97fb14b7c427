/**
 * The lines of a file, a chunk at a time: a history may be larger than the memory for one string (512 MiB in V8). This
 * is the only place of the checkers that touches the file system.
 */

import { closeSync, openSync, readSync } from 'node:fs';
import { KeyvalError } from '../../../errors.ts';

/** Large enough that system calls do not count, small enough to stay in cache. */
const CHUNK_BYTES = 1024 * 1024;

/** The longest line taken, 64 MiB: a set of a million elements fits; a file that is no history ends early. */
const LINE_BYTES_MAX = 64 * 1024 * 1024;

const NEWLINE = 0x0a;

/** @throws KeyvalError KV_USAGE when the file cannot be read or a line is too long */
export function* linesOfFile(path: string): Generator<string, void, undefined> {
  const file = open(path);
  try {
    yield* linesOf(file, path);
  } finally {
    closeSync(file);
  }
}

function* linesOf(file: number, path: string): Generator<string, void, undefined> {
  let buffer: Buffer = Buffer.allocUnsafe(CHUNK_BYTES);
  let filled = 0;
  for (;;) {
    const read = readChunk(file, buffer, filled, path);
    if (read === 0) break;
    filled += read;
    const rest = yield* wholeLines(buffer, filled);
    filled = buffer.copy(buffer, 0, rest, filled);
    if (filled === buffer.length) buffer = grow(buffer, path);
  }
  if (filled > 0) yield buffer.toString('utf8', 0, filled);
}

/** Yields the lines that end before `filled`; returns where the unfinished one begins. */
function* wholeLines(buffer: Buffer, filled: number): Generator<string, number, undefined> {
  let start = 0;
  for (;;) {
    const end = buffer.indexOf(NEWLINE, start);
    if (end === -1 || end >= filled) return start;
    yield buffer.toString('utf8', start, end);
    start = end + 1;
  }
}

function grow(buffer: Buffer, path: string): Buffer {
  const bytes = buffer.length * 2;
  if (bytes > LINE_BYTES_MAX)
    throw new KeyvalError('KV_USAGE', `${path}: a line is longer than ${LINE_BYTES_MAX} bytes`);
  const larger = Buffer.allocUnsafe(bytes);
  buffer.copy(larger);
  return larger;
}

function open(path: string): number {
  try {
    return openSync(path, 'r');
  } catch (error) {
    throw unreadable(path, error);
  }
}

/** @returns the bytes read, 0 at the end */
function readChunk(file: number, buffer: Buffer, filled: number, path: string): number {
  try {
    return readSync(file, buffer, filled, buffer.length - filled, null);
  } catch (error) {
    throw unreadable(path, error);
  }
}

function unreadable(path: string, error: unknown): KeyvalError {
  return new KeyvalError('KV_USAGE', `${path}: ${(error as Error).message}`, { cause: error });
}
