/** Bodies of the requests of clients. */
import { writeU32 } from '../../../src/base/bytes.ts';
import * as codec from '../../../src/protocol/client-codec.ts';
import * as exporting from '../../../src/protocol/export-codec.ts';
import type { FrameWriter } from '../../../src/protocol/frame-writer.ts';
import { FRAME_HEADER_BYTES } from '../../../src/protocol/limits.ts';
import { decodeChunks } from '../../helpers/decode.ts';
import {
  type BodyCodec,
  type Fields,
  hex,
  type Layout,
  numberOf,
  ofLayout,
  put,
  readFields,
  textOf,
  unhex,
} from './layout.ts';

export const get: BodyCodec = ofLayout([
  ['timeLeftMs', 'u32', 0],
  ['flags', 'u8', codec.READ_FLAGS],
  ['key', 'bytes16', codec.READ_KEY_LENGTH],
]);

/** PUTK, CASK, DELK, INCR, LCKK, ULKK, CNCL, WANT. */
export const write: BodyCodec = ofLayout([
  ['timeLeftMs', 'u32', 0],
  ['attachment', 'u64', codec.WRITE_ATTACH_EPOCH],
  ['sequence', 'u32', codec.WRITE_SEQUENCE],
  ['mark', 'u32', codec.WRITE_MARK],
  ['flags', 'u8', codec.WRITE_FLAGS],
  ['span', 'u48', codec.WRITE_SPAN],
  ['revision', 'u64', codec.WRITE_EPOCH],
  ['key', 'bytes16', codec.WRITE_KEY_LENGTH],
  ['payload', 'rest'],
]);

export const attach: BodyCodec = ofLayout([
  ['timeLeftMs', 'u32', 0],
  ['partition', 'u16', codec.ATTACH_PARTITION],
  ['session', codec.SESSION_BYTES, codec.ATTACH_SESSION],
  ['leaseMs', 'u32', codec.ATTACH_LEASE],
  ['name', 'bytes8', codec.ATTACH_NAME_LENGTH],
]);

export const scan: BodyCodec = ofLayout([
  ['timeLeftMs', 'u32', 0],
  ['flags', 'u8', codec.SCAN_FLAGS],
  ['partition', 'u16', codec.SCAN_PARTITION],
  ['cursor', 'u32', codec.SCAN_CURSOR],
  ['entriesMax', 'u32', codec.SCAN_ENTRIES_MAX],
  ['prefix', 'bytes16', codec.SCAN_PREFIX_LENGTH],
]);

export const exportPage: BodyCodec = ofLayout([
  ['timeLeftMs', 'u32', 0],
  ['flags', 'u8', exporting.EXPORT_FLAGS],
  ['partition', 'u16', exporting.EXPORT_PARTITION],
  ['snapshot', 'u32', exporting.EXPORT_SNAPSHOT],
  ['rowsMax', 'u32', exporting.EXPORT_ROWS_MAX],
  ['prefix', 'bytes16', exporting.EXPORT_PREFIX_LENGTH],
]);

export const hash: BodyCodec = ofLayout([
  ['timeLeftMs', 'u32', 0],
  ['kind', 'u8', exporting.HASH_KIND],
  ['partition', 'u16', exporting.HASH_PARTITION],
  ['revision', 'u64', exporting.HASH_EPOCH],
  ['key', 'bytes16', exporting.HASH_KEY_LENGTH],
]);

export const stage: BodyCodec = ofLayout([
  ['stage', 'u32', codec.STAGE_NUMBER],
  ['total', 'u32', codec.STAGE_TOTAL],
  ['offset', 'u32', codec.STAGE_OFFSET],
  ['bytes', 'rest', codec.STAGE_BYTES],
]);

/** KEEP, CLOS. */
export const session: BodyCodec = {
  read: (body) => {
    const { fields } = readFields([['session', codec.SESSION_BYTES, codec.KEEP_SESSION]], body);
    return { ...fields, partitions: readCounted(body, codec.KEEP_COUNT) };
  },
  write: (writer, fields) => {
    put(writer, unhex(fields.session));
    writeCounted(writer, fields);
  },
};

/** The second list came later: without it, it is read as ever. */
export const kept: BodyCodec = {
  read: (body) => {
    const partitions = readCounted(body, 0);
    const end = 2 + partitions.length * 2;
    return end === body.length ? { partitions } : { partitions, elsewhere: readCounted(body, end) };
  },
  write: (writer, fields) => {
    writeCounted(writer, fields);
    if (fields.elsewhere !== undefined) writeCounted(writer, fields, 'elsewhere');
  },
};

function readCounted(body: Uint8Array, at: number): number[] {
  const count = numberOf(readFields([['count', 'u16', at]], body).fields, 'count');
  const layout: Layout = Array.from({ length: count }, (_, index) => [`${index}`, 'u16', at + 2 + index * 2]);
  return Object.values(readFields(layout, body).fields) as number[];
}

function writeCounted(writer: FrameWriter, fields: Fields, name = 'partitions'): void {
  const numbers = fields[name] as readonly number[];
  writer.u16(numbers.length);
  for (const number of numbers) writer.u16(number);
}

export const batch: BodyCodec = {
  read: (body) => ({
    frames: decodeChunks([body]).map(({ opcode, messageId, body: inner }) => ({
      opcode,
      messageId,
      body: hex(inner),
    })),
  }),
  write: (writer, fields) => {
    for (const inner of fields.frames as Fields[]) put(writer, innerFrame(inner));
  },
};

function innerFrame(fields: Fields): Uint8Array {
  const body = unhex(fields.body);
  const frame = new Uint8Array(FRAME_HEADER_BYTES + body.length);
  writeU32(frame, 0, frame.length - 4);
  frame.set(Buffer.from(textOf(fields, 'opcode')), 4);
  writeU32(frame, 8, numberOf(fields, 'messageId'));
  frame.set(body, FRAME_HEADER_BYTES);
  return frame;
}
