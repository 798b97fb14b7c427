/** What is measured: a task, an input of about any size for it, and what is left for the main thread afterwards. */
import { Arena } from '../../src/base/arena.ts';
import { readU32, writeU16, writeU32 } from '../../src/base/bytes.ts';
import { hashSlot } from '../../src/base/hash-slot.ts';
import { encodeRows } from '../../src/bulk/row-text.ts';
import { RowWriter } from '../../src/bulk/rows.ts';
import { runTask } from '../../src/bulk/tasks.ts';
import { BATCH_FRAMES_MAX, FRAME_HEADER_BYTES } from '../../src/protocol/limits.ts';
import { GETK } from '../../src/protocol/opcode.ts';
import { KeyTable } from '../../src/store/key-table.ts';

export interface Subject {
  readonly name: string;
  readonly what: string;
  /** No input is larger, and why. */
  readonly limit?: { readonly bytes: number; readonly why: string };
  /** An input of about so many bytes, not less than one row or frame. */
  input(bytes: number): Uint8Array<ArrayBuffer>;
  /** The work. Its output is bytes, as they would be handed back. */
  run(input: Uint8Array): Uint8Array<ArrayBuffer>;
  /** What the main thread has to do itself in any case, once the work is done. */
  after(input: Uint8Array, output: Uint8Array): void;
}

const KEY_BYTES = 16;
const VALUE_BYTES = 64;
/** GETK: time left, flags, key length, key. */
const GET_BODY_BYTES: number = 7 + KEY_BYTES;
const GET_BYTES: number = FRAME_HEADER_BYTES + GET_BODY_BYTES;
const nothing = (): void => undefined;

/** So many rows of 16-byte keys and 64-byte values; smaller ones where not even one fits. */
function packedRows(count: number, valueBytes: number): Uint8Array<ArrayBuffer> {
  const writer = new RowWriter();
  const value = new TextEncoder().encode('v'.repeat(valueBytes));
  for (let at = 0; at < count; at += 1) {
    const key = new TextEncoder().encode(keyOf(at));
    writer.append(key, 0, valueBytes === 0 ? 1 : KEY_BYTES, value, 0, valueBytes, 0, 0);
  }
  return writer.take().slice();
}

function rowsOfAbout(bytes: number, sizeOf: (rows: Uint8Array) => number): Uint8Array<ArrayBuffer> {
  const one = sizeOf(packedRows(1, VALUE_BYTES));
  if (bytes < one) return packedRows(1, 0);
  return packedRows(Math.floor(bytes / one), VALUE_BYTES);
}

function frames(bytes: number): Uint8Array<ArrayBuffer> {
  const count = Math.max(1, Math.floor(bytes / GET_BYTES));
  const body = new Uint8Array(count * GET_BYTES);
  for (let at = 0, key = 0; at < body.length; at += GET_BYTES, key += 1) {
    writeU32(body, at, GET_BYTES - 4);
    writeU32(body, at + 4, GETK);
    writeU16(body, at + FRAME_HEADER_BYTES + 5, KEY_BYTES);
    new TextEncoder().encodeInto(keyOf(key), body.subarray(at + FRAME_HEADER_BYTES + 7));
  }
  return body;
}

/** Walks the frames; gives how many there are and, through `slotOf`, hands over each key. */
function walk(body: Uint8Array, each: (keyStart: number, keyEnd: number, frame: number) => void): number {
  let count = 0;
  for (let at = 0; at < body.length; count += 1) {
    const next = at + 4 + readU32(body, at);
    each(at + FRAME_HEADER_BYTES + 7, next, count);
    at = next;
  }
  return count;
}

const table: KeyTable = tableOf(BATCH_FRAMES_MAX);
const replies: Uint8Array = new Uint8Array(VALUE_BYTES);

function keyOf(number: number): string {
  return `key${`${number}`.padStart(KEY_BYTES - 3, '0')}`;
}

function tableOf(count: number): KeyTable {
  const keys = new KeyTable(new Arena());
  const value = new Uint8Array(VALUE_BYTES);
  for (let at = 0; at < count; at += 1) {
    const key = new TextEncoder().encode(keyOf(at));
    keys.put(key, 0, key.length, value, 0, value.length, 1, at + 1, 0);
  }
  return keys;
}

function serve(input: Uint8Array): void {
  walk(input, (start, end) => {
    const slot = table.find(input, start, end);
    if (slot >= 0) table.copyValue(slot, replies, 0);
  });
}

export const subjects: readonly Subject[] = [
  {
    name: 'parseRows',
    what: 'a chunk of NDJSON to packed rows',
    input: (bytes) => encodeRows(rowsOfAbout(bytes, (rows) => encodeRows(rows).length)).slice(),
    run: (input) => runTask('parseRows', input).rows,
    after: nothing,
  },
  {
    name: 'encodeRows',
    what: 'packed rows to NDJSON',
    input: (bytes) => rowsOfAbout(bytes, (rows) => rows.length),
    run: (input) => runTask('encodeRows', input),
    after: nothing,
  },
  {
    name: 'sha256',
    what: 'SHA-256 of a value',
    input: (bytes) => new Uint8Array(bytes).fill(7),
    run: (input) => runTask('sha256', input),
    after: nothing,
  },
  {
    name: 'batch',
    what: 'a BTCH of small GETK frames to the slots of their keys',
    input: frames,
    limit: { bytes: BATCH_FRAMES_MAX * GET_BYTES, why: `a batch has at most ${BATCH_FRAMES_MAX} frames` },
    run: (input) => {
      const slots = new Uint8Array(Math.ceil(input.length / GET_BYTES) * 2);
      walk(input, (start, end, frame) => writeU16(slots, frame * 2, hashSlot(input, start, end)));
      return slots;
    },
    // Its frames are served one by one all the same: here the least that a get takes, finding the key and copying its value.
    after: serve,
  },
];
