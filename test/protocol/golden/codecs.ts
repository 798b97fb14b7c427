/**
 * How the code of today reads and writes each frame: through the encoders and decoders of src/protocol where there are
 * some, through its offsets otherwise.
 */
import { writeU16, writeU32 } from '../../../src/base/bytes.ts';
import * as codec from '../../../src/protocol/client-codec.ts';
import type { FrameWriter } from '../../../src/protocol/frame-writer.ts';
import * as login from '../../../src/protocol/hello-codec.ts';
import { FRAME_HEADER_BYTES } from '../../../src/protocol/limits.ts';
import * as op from '../../../src/protocol/opcode.ts';
import * as peer from '../../../src/protocol/peer-codec.ts';
import { decodeChunks } from '../../helpers/decode.ts';
import { type Fields, type FieldValue, hex, type Layout, readFields, unhex, writeFields } from './layout.ts';

export interface BodyCodec {
  read(body: Uint8Array): Fields;
  /** Writes the body into a frame that was begun. */
  write(writer: FrameWriter, fields: Fields): void;
}

function ofLayout(layout: Layout): BodyCodec {
  return {
    read: (body) => exact(body, readFields(layout, body)),
    write: (writer, fields) => put(writer, writeFields(layout, fields)),
  };
}

function exact(body: Uint8Array, { fields, end }: { fields: Fields; end: number }): Fields {
  if (end !== body.length) throw new Error(`${body.length - end} bytes behind the last field`);
  return fields;
}

function put(writer: FrameWriter, bytes: Uint8Array): void {
  writer.bytes(bytes, 0, bytes.length);
}

/** A head, then records of one layout up to the end. */
function ofRecords(head: Layout, name: string, record: Layout): BodyCodec {
  return {
    read: (body) => {
      const { fields, end } = readFields(head, body);
      const records: Fields[] = [];
      for (let at = end; at < body.length; ) {
        const next = readFields(record, body, at);
        records.push(next.fields);
        at = next.end;
      }
      return { ...fields, [name]: records };
    },
    write: (writer, fields) => {
      put(writer, writeFields(head, fields));
      for (const one of fields[name] as Fields[]) put(writer, writeFields(record, one));
    },
  };
}

// ---- login

const helloFields: BodyCodec = {
  read: (body) => {
    const hello = login.decodeHello(body);
    const { peer: node, nonce, ...fields } = hello;
    const shown = node === null ? {} : { ...node, incarnation: hex(node.incarnation), members: node.members.join(' ') };
    return { ...fields, nonce: hex(nonce), ...shown };
  },
  write: (writer, fields) => {
    const { versionOldest, version, role, flags, cluster, name } = fields as Record<string, never>;
    const node = fields.role === login.Role.client ? null : peerOf(fields);
    login.encodeHello(writer, {
      versionOldest,
      version,
      role,
      flags,
      cluster,
      name,
      nonce: unhex(fields.nonce),
      peer: node,
    });
  },
};

function peerOf(fields: Fields): login.PeerHello {
  const { address, partitions, replicas } = fields as Record<string, never>;
  return {
    incarnation: unhex(fields.incarnation),
    address,
    partitions,
    replicas,
    members: (fields.members as string).split(' '),
  };
}

function shownTable(table: login.RoutingTable): Fields {
  const { version, partitions, self, members, primaries } = table;
  return { tableVersion: version, partitions, self, members: members.join(' '), primaries: [...primaries] };
}

function tableOf(fields: Fields): login.RoutingTable {
  const { tableVersion, partitions, self } = fields as Record<string, never>;
  const members = (fields.members as string).split(' ');
  return {
    version: tableVersion,
    partitions,
    self,
    members,
    primaries: Uint16Array.from(fields.primaries as number[]),
  };
}

const welcome: BodyCodec = {
  read: (body) => {
    const { version, incarnation, proof, table } = login.decodeWelcome(body);
    return { version, incarnation: hex(incarnation), proof: hex(proof), ...shownTable(table) };
  },
  write: (writer, fields) =>
    login.encodeWelcome(writer, {
      version: fields.version as number,
      incarnation: unhex(fields.incarnation),
      proof: unhex(fields.proof),
      table: tableOf(fields),
    }),
};

/** The request is empty, the reply is a table. */
const table: BodyCodec = {
  read: (body) => (body.length === 0 ? {} : shownTable(login.decodeTable(body))),
  write: (writer, fields) => {
    if (fields.tableVersion !== undefined) login.encodeTable(writer, tableOf(fields));
  },
};

// ---- requests

const writeRequest: BodyCodec = ofLayout([
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

const sessionRequest: BodyCodec = {
  read: (body) => {
    const { fields, end } = readFields([['session', codec.SESSION_BYTES, codec.KEEP_SESSION]], body);
    if (end !== codec.KEEP_COUNT) throw new Error('KEEP_COUNT');
    return { ...fields, ...readNumbers(body, codec.KEEP_COUNT) };
  },
  write: (writer, fields) => {
    put(writer, unhex(fields.session));
    writeNumbers(writer, fields);
  },
};

const kept: BodyCodec = { read: (body) => readNumbers(body, 0), write: writeNumbers };

function readNumbers(body: Uint8Array, at: number): Fields {
  const { fields } = readFields([['count', 'u16', at]], body);
  const layout: Layout = Array.from({ length: fields.count as number }, (_, index) => [
    `${index}`,
    'u16',
    at + 2 + index * 2,
  ]);
  return { partitions: Object.values(readFields(layout, body).fields) as number[] };
}

function writeNumbers(writer: FrameWriter, fields: Fields): void {
  const numbers = fields.partitions as readonly number[];
  writer.u16(numbers.length);
  for (const number of numbers) writer.u16(number);
}

const batch: BodyCodec = {
  read: (body) => ({
    frames: decodeChunks([body]).map(({ opcode, messageId, body: inner }) => ({ opcode, messageId, body: hex(inner) })),
  }),
  write: (writer, fields) => {
    for (const { opcode, messageId, body } of fields.frames as Fields[])
      put(writer, innerFrame(opcode, messageId, body));
  },
};

function innerFrame(
  opcode: FieldValue | undefined,
  messageId: FieldValue | undefined,
  body: FieldValue | undefined,
): Uint8Array {
  const bytes = unhex(body);
  const frame = new Uint8Array(FRAME_HEADER_BYTES + bytes.length);
  writeU32(frame, 0, frame.length - 4);
  frame.set(Buffer.from(opcode as string), 4);
  writeU32(frame, 8, messageId as number);
  frame.set(bytes, FRAME_HEADER_BYTES);
  return frame;
}

// ---- replies

const got: BodyCodec = ofLayout([
  ['flags', 'u8', codec.GOT_FLAGS],
  ['revision', 'u64', codec.GOT_EPOCH],
  ['ttlMs', 'u48', codec.GOT_TTL],
  ['value', 'rest', codec.GOT_VALUE],
]);

const scanHead: Layout = [
  ['partition', 'u16', codec.SCANNED_PARTITION],
  ['revision', 'u64', codec.SCANNED_EPOCH],
  ['cursor', 'u32', codec.SCANNED_CURSOR],
  ['count', 'u32', codec.SCANNED_COUNT],
];
const scannedHead: Layout = [
  ['keyLength', 'u16', 0],
  ['valueLength', 'u32'],
  ['revision', 'u64'],
  ['ttlMs', 'u48'],
];

const scanned: BodyCodec = {
  read: (body) => {
    const { fields, end } = readFields(scanHead, body);
    if (end !== codec.SCANNED_ENTRIES) throw new Error('SCANNED_ENTRIES');
    const entries: Fields[] = [];
    let at = end;
    for (let index = 0; index < (fields.count as number); index += 1) {
      const head = readFields(scannedHead, body, at);
      const { keyLength, valueLength } = head.fields;
      const included = valueLength === codec.VALUE_NOT_INCLUDED ? 0 : (valueLength as number);
      const rest = readFields(
        [
          ['key', keyLength as number, 0],
          ['value', included],
        ],
        body,
        head.end,
      );
      entries.push({ ...head.fields, ...rest.fields });
      at = rest.end;
    }
    return exact(body, { fields: { ...fields, entries }, end: at });
  },
  write: (writer, fields) => {
    put(writer, writeFields(scanHead, fields));
    for (const entry of fields.entries as Fields[]) {
      put(writer, writeFields([...scannedHead, ['key', entry.keyLength as number], ['value', 'rest']], entry));
    }
  },
};

const moved: BodyCodec = {
  read: ofLayout([
    ['partition', 'u16', codec.MOVED_PARTITION],
    ['member', 'u16', codec.MOVED_MEMBER],
  ]).read,
  write: (writer, fields) => {
    const body = new Uint8Array(4);
    writeU16(body, codec.MOVED_PARTITION, fields.partition as number);
    writeU16(body, codec.MOVED_MEMBER, fields.member as number);
    put(writer, body);
  },
};

// ---- between nodes

const incarnation: Layout = [['incarnation', login.INCARNATION_BYTES, 0]];

const appended: BodyCodec = {
  read: (body) => {
    const { fields } = readFields(incarnation, body);
    const records: Fields[] = [];
    for (let at = peer.PEER_RECORDS; at < body.length; ) {
      const { length } = readFields([['length', 'u32', peer.RECORD_LENGTH]], body, at).fields;
      const end = at + 4 + (length as number);
      records.push(readFields(recordLayout, body.subarray(at, end)).fields);
      at = end;
    }
    return { ...fields, records };
  },
  write: (writer, fields) => {
    put(writer, unhex(fields.incarnation));
    for (const record of fields.records as Fields[]) put(writer, writeFields(recordLayout, record));
  },
};

const recordLayout: Layout = [
  ['length', 'u32', peer.RECORD_LENGTH],
  ['partition', 'u16', peer.RECORD_PARTITION],
  ['epoch', 'u32', peer.RECORD_EPOCH],
  ['operation', 'u32', peer.RECORD_OPERATION],
  ['commit', 'u32', peer.RECORD_COMMIT],
  ['kind', 'u8', peer.RECORD_KIND],
  ['timeMs', 'u48', peer.RECORD_TIME],
  ['body', 'rest', peer.RECORD_BODY],
];

const acknowledged: BodyCodec = ofRecords(incarnation, 'records', [
  ['partition', 'u16', peer.ACK_PARTITION],
  ['status', 'u8', peer.ACK_STATUS],
  ['epoch', 'u32', peer.ACK_EPOCH],
  ['operation', 'u32', peer.ACK_OPERATION],
]);

const nothing: BodyCodec = ofLayout([]);
const anything: BodyCodec = ofLayout([['bytes', 'rest', 0]]);
const numberAndRest = (number: string, at: number, rest: string, restAt: number): BodyCodec =>
  ofLayout([
    [number, 'u32', at],
    [rest, 'rest', restAt],
  ]);

/** By opcode. */
export const bodyCodecs: Readonly<Record<string, BodyCodec>> = {
  HELO: helloFields,
  CHAL: ofLayout([['nonce', login.NONCE_BYTES, 0]]),
  PROV: ofLayout([['proof', login.PROOF_BYTES, 0]]),
  WLCM: welcome,
  GETK: ofLayout([
    ['timeLeftMs', 'u32', 0],
    ['flags', 'u8', codec.READ_FLAGS],
    ['key', 'bytes16', codec.READ_KEY_LENGTH],
  ]),
  PUTK: writeRequest,
  CASK: writeRequest,
  DELK: writeRequest,
  INCR: writeRequest,
  LCKK: writeRequest,
  ULKK: writeRequest,
  CNCL: writeRequest,
  ATCH: ofLayout([
    ['timeLeftMs', 'u32', 0],
    ['partition', 'u16', codec.ATTACH_PARTITION],
    ['session', codec.SESSION_BYTES, codec.ATTACH_SESSION],
    ['leaseMs', 'u32', codec.ATTACH_LEASE],
    ['name', 'bytes8', codec.ATTACH_NAME_LENGTH],
  ]),
  KEEP: sessionRequest,
  CLOS: sessionRequest,
  SCAN: ofLayout([
    ['timeLeftMs', 'u32', 0],
    ['flags', 'u8', codec.SCAN_FLAGS],
    ['partition', 'u16', codec.SCAN_PARTITION],
    ['cursor', 'u32', codec.SCAN_CURSOR],
    ['entriesMax', 'u32', codec.SCAN_ENTRIES_MAX],
    ['prefix', 'bytes16', codec.SCAN_PREFIX_LENGTH],
  ]),
  STGE: ofLayout([
    ['stage', 'u32', codec.STAGE_NUMBER],
    ['total', 'u32', codec.STAGE_TOTAL],
    ['offset', 'u32', codec.STAGE_OFFSET],
    ['bytes', 'rest', codec.STAGE_BYTES],
  ]),
  BTCH: batch,
  PING: anything,
  STAT: nothing,
  TABL: table,
  GOTK: got,
  FRAG: numberAndRest('offset', codec.FRAG_OFFSET, 'bytes', codec.FRAG_BYTES),
  DONE: ofLayout([
    ['outcome', 'u8', codec.DONE_OUTCOME],
    ['revision', 'u64', codec.DONE_EPOCH],
    ['payload', 'rest', codec.DONE_PAYLOAD],
  ]),
  LKDK: ofLayout([['token', 'u64', codec.LOCKED_EPOCH]]),
  WAIT: nothing,
  KEPT: kept,
  SCND: scanned,
  STGD: nothing,
  PONG: anything,
  STAD: anything,
  MOVD: moved,
  FAIL: ofLayout([
    ['code', 'u16', codec.FAIL_CODE],
    ['text', 'rest', codec.FAIL_TEXT],
  ]),
  APND: appended,
  ACKN: acknowledged,
  BEAT: ofLayout([...incarnation, ['flags', 'u8', peer.BEAT_FLAGS]]),
  DROP: nothing,
};

/** Writes a whole frame. */
export function writeFrame(writer: FrameWriter, opcode: string, messageId: number, fields: Fields): void {
  writer.begin(op[opcode as keyof typeof op] as number, messageId);
  (bodyCodecs[opcode] as BodyCodec).write(writer, fields);
  writer.end();
}
