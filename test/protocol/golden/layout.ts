/** A body as a list of fields at the offsets that src/protocol names: one table to read it and to write it. */
import {
  readBigU64,
  readU16,
  readU32,
  readU48,
  writeBigU64,
  writeU16,
  writeU32,
  writeU48,
} from '../../../src/base/bytes.ts';
import type { FrameWriter } from '../../../src/protocol/frame-writer.ts';

/** Numbers as numbers, 64-bit ones as decimal text, bytes as hexadecimal text. */
export type FieldValue = number | string | boolean | Fields | readonly (number | Fields)[];
export interface Fields {
  readonly [name: string]: FieldValue;
}

/** `bytes8`, `bytes16`: a length u8 or u16 at the offset, then as many bytes. `rest`: all that is left. A number: so many bytes. */
export type FieldType = 'u8' | 'u16' | 'u32' | 'u48' | 'u64' | 'bytes8' | 'bytes16' | 'rest' | number;

/** Name, type, offset. A field without offset follows the one before it. */
export type Layout = readonly (readonly [name: string, type: FieldType, at?: number])[];

const sizes = { u8: 1, u16: 2, u32: 4, u48: 6, u64: 8 } as const;

export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

export function unhex(text: FieldValue | undefined): Uint8Array {
  return new Uint8Array(Buffer.from(text as string, 'hex'));
}

/** Reads `layout` in `body` from `start` on; `end` is where the last field ended. */
export function readFields(layout: Layout, body: Uint8Array, start = 0): { fields: Fields; end: number } {
  const fields: Record<string, FieldValue> = {};
  let at = start;
  for (const [name, type, offset] of layout) {
    if (offset !== undefined) at = start + offset;
    const value = valueAt(type, body, at);
    fields[name] = value.value;
    at = value.end;
  }
  return { fields, end: at };
}

function valueAt(type: FieldType, body: Uint8Array, at: number): { value: FieldValue; end: number } {
  if (typeof type === 'number') return { value: hex(body.subarray(at, at + type)), end: at + type };
  if (type === 'rest') return { value: hex(body.subarray(at)), end: body.length };
  if (type === 'bytes8' || type === 'bytes16') {
    const start = at + (type === 'bytes8' ? 1 : 2);
    const end = start + (type === 'bytes8' ? (body[at] as number) : readU16(body, at));
    return { value: hex(body.subarray(start, end)), end };
  }
  return { value: numberAt(type, body, at), end: at + sizes[type] };
}

function numberAt(type: keyof typeof sizes, body: Uint8Array, at: number): number | string {
  if (type === 'u8') return body[at] as number;
  if (type === 'u16') return readU16(body, at);
  if (type === 'u32') return readU32(body, at);
  return type === 'u48' ? readU48(body, at) : String(readBigU64(body, at));
}

/** The body that `readFields` reads as `fields`. */
export function writeFields(layout: Layout, fields: Fields): Uint8Array {
  let body: Uint8Array = new Uint8Array(0);
  let at = 0;
  for (const [name, type, offset] of layout) {
    at = offset ?? at;
    const bytes = bytesOf(type, fields[name] as FieldValue);
    const longer = new Uint8Array(Math.max(body.length, at + bytes.length));
    longer.set(body);
    longer.set(bytes, at);
    body = longer;
    at += bytes.length;
  }
  return body;
}

function bytesOf(type: FieldType, value: FieldValue): Uint8Array {
  if (typeof type === 'number' || type === 'rest') return unhex(value);
  if (type === 'bytes8' || type === 'bytes16') {
    const bytes = unhex(value);
    const lengthBytes = type === 'bytes8' ? 1 : 2;
    const prefixed = new Uint8Array(lengthBytes + bytes.length);
    if (type === 'bytes8') prefixed[0] = bytes.length;
    else writeU16(prefixed, 0, bytes.length);
    prefixed.set(bytes, lengthBytes);
    return prefixed;
  }
  const bytes = new Uint8Array(sizes[type]);
  if (type === 'u8') bytes[0] = value as number;
  else if (type === 'u16') writeU16(bytes, 0, value as number);
  else if (type === 'u32') writeU32(bytes, 0, value as number);
  else if (type === 'u48') writeU48(bytes, 0, value as number);
  else writeBigU64(bytes, 0, BigInt(value as string));
  return bytes;
}

/** How the code of today reads and writes one kind of body. */
export interface BodyCodec {
  read(body: Uint8Array): Fields;
  /** Writes the body into a frame that was begun. */
  write(writer: FrameWriter, fields: Fields): void;
}

/** A body that is `layout` and nothing behind it. */
export function ofLayout(layout: Layout): BodyCodec {
  return {
    read: (body) => exact(body, readFields(layout, body)),
    write: (writer, fields) => put(writer, writeFields(layout, fields)),
  };
}

export function exact(body: Uint8Array, { fields, end }: { fields: Fields; end: number }): Fields {
  if (end !== body.length) throw new Error(`${body.length - end} bytes behind the last field`);
  return fields;
}

export function put(writer: FrameWriter, bytes: Uint8Array): void {
  writer.bytes(bytes, 0, bytes.length);
}

export function numberOf(fields: Fields, name: string): number {
  return fields[name] as number;
}

export function textOf(fields: Fields, name: string): string {
  return fields[name] as string;
}
