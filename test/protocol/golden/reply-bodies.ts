/** Bodies of the replies of nodes. */
import * as codec from '../../../src/protocol/client-codec.ts';
import * as exporting from '../../../src/protocol/export-codec.ts';
import { DONE, FAIL } from '../../../src/protocol/opcode.ts';
import { decodeOne } from '../../helpers/decode.ts';
import { encoded } from '../../helpers/encode.ts';
import {
  type BodyCodec,
  exact,
  type Fields,
  type Layout,
  numberOf,
  ofLayout,
  put,
  readFields,
  textOf,
  unhex,
  writeFields,
} from './layout.ts';

export const got: BodyCodec = ofLayout([
  ['flags', 'u8', codec.GOT_FLAGS],
  ['revision', 'u64', codec.GOT_EPOCH],
  ['ttlMs', 'u48', codec.GOT_TTL],
  ['value', 'rest', codec.GOT_VALUE],
]);

export const fragment: BodyCodec = ofLayout([
  ['offset', 'u32', codec.FRAG_OFFSET],
  ['bytes', 'rest', codec.FRAG_BYTES],
]);

export const done: BodyCodec = {
  read: ofLayout([
    ['outcome', 'u8', codec.DONE_OUTCOME],
    ['revision', 'u64', codec.DONE_EPOCH],
    ['payload', 'rest', codec.DONE_PAYLOAD],
  ]).read,
  write: (writer, fields) => {
    const revision = BigInt(textOf(fields, 'revision'));
    const [epoch, operation] = [Number(revision >> 32n), Number(revision & 0xffff_ffffn)];
    const frame = encoded((inner) => {
      codec.writeDone(inner, DONE, 1, numberOf(fields, 'outcome'), epoch, operation);
      put(inner, unhex(fields.payload));
      inner.end();
    });
    put(writer, decodeOne(frame).body);
  },
};

export const exported: BodyCodec = ofLayout([
  ['flags', 'u8', exporting.EXPORTED_FLAGS],
  ['revision', 'u64', exporting.EXPORTED_EPOCH],
  ['partition', 'u16', exporting.EXPORTED_PARTITION],
  ['snapshot', 'u32', exporting.EXPORTED_SNAPSHOT],
  ['length', 'u32', exporting.EXPORTED_LENGTH],
  ['rows', 'u32', exporting.EXPORTED_ROWS],
  ['check', exporting.CHECK_BYTES, exporting.EXPORTED_CHECK],
  ['text', 'rest', exporting.EXPORTED_TEXT],
]);

export const hashed: BodyCodec = ofLayout([
  ['state', 'u8', exporting.HASHED_STATE],
  ['revision', 'u64', exporting.HASHED_EPOCH],
  ['count', 'u48', exporting.HASHED_COUNT],
  ['digest', 'rest', exporting.HASHED_DIGEST],
]);

export const locked: BodyCodec = ofLayout([['token', 'u64', codec.LOCKED_EPOCH]]);

const wantedHead: Layout = [
  ['partition', 'u16', codec.WANTED_PARTITION],
  ['token', 'u64', codec.WANTED_TOKEN],
  ['mode', 'u8', codec.WANTED_MODE],
];

/** The sequence came later: without it it is read as ever. */
const layoutOfWanted = (withSequence: boolean): Layout =>
  withSequence ? [...wantedHead, ['sequence', 'u32', codec.WANTED_SEQUENCE]] : wantedHead;

export const wanted: BodyCodec = {
  read: (body) => ofLayout(layoutOfWanted(body.length > codec.WANTED_SEQUENCE)).read(body),
  write: (writer, fields) => ofLayout(layoutOfWanted(fields.sequence !== undefined)).write(writer, fields),
};

export const lost: BodyCodec = ofLayout([
  ['partition', 'u16', codec.LOST_PARTITION],
  ['token', 'u64', codec.LOST_TOKEN],
  ['cause', 'u8', codec.LOST_CAUSE],
]);

const movedHead: Layout = [
  ['partition', 'u16', codec.MOVED_PARTITION],
  ['member', 'u16', codec.MOVED_MEMBER],
];

/** The flags came later: without them it is read as ever. */
const layoutOfMoved = (withFlags: boolean): Layout =>
  withFlags ? [...movedHead, ['flags', 'u8', codec.MOVED_FLAGS]] : movedHead;

export const moved: BodyCodec = {
  read: (body) => ofLayout(layoutOfMoved(body.length > codec.MOVED_FLAGS)).read(body),
  write: (writer, fields) => ofLayout(layoutOfMoved(fields.flags !== undefined)).write(writer, fields),
};

export const fail: BodyCodec = {
  read: ofLayout([
    ['code', 'u16', codec.FAIL_CODE],
    ['text', 'rest', codec.FAIL_TEXT],
  ]).read,
  write: (writer, fields) => {
    const text = new TextDecoder().decode(unhex(fields.text));
    const frame = encoded((inner) => codec.writeFail(inner, FAIL, 1, numberOf(fields, 'code'), text));
    put(writer, decodeOne(frame).body);
  },
};

const pageHead: Layout = [
  ['partition', 'u16', codec.SCANNED_PARTITION],
  ['revision', 'u64', codec.SCANNED_EPOCH],
  ['cursor', 'u32', codec.SCANNED_CURSOR],
  ['count', 'u32', codec.SCANNED_COUNT],
];

const entryHead: Layout = [
  ['keyLength', 'u16', 0],
  ['valueLength', 'u32'],
  ['revision', 'u64'],
  ['ttlMs', 'u48'],
];

export const scanned: BodyCodec = {
  read: (body) => {
    const { fields } = readFields(pageHead, body);
    const entries: Fields[] = [];
    let at: number = codec.SCANNED_ENTRIES;
    for (let index = 0; index < numberOf(fields, 'count'); index += 1) {
      const entry = readEntry(body, at);
      entries.push(entry.fields);
      at = entry.end;
    }
    return exact(body, { fields: { ...fields, entries }, end: at });
  },
  write: (writer, fields) => {
    put(writer, writeFields(pageHead, fields));
    for (const entry of fields.entries as Fields[]) {
      put(writer, writeFields([...entryHead, ['key', numberOf(entry, 'keyLength')], ['value', 'rest']], entry));
    }
  },
};

function readEntry(body: Uint8Array, at: number): { fields: Fields; end: number } {
  const head = readFields(entryHead, body, at);
  const length = numberOf(head.fields, 'valueLength');
  const layout: Layout = [
    ['key', numberOf(head.fields, 'keyLength'), 0],
    ['value', length === codec.VALUE_NOT_INCLUDED ? 0 : length],
  ];
  const rest = readFields(layout, body, head.end);
  return { fields: { ...head.fields, ...rest.fields }, end: rest.end };
}
