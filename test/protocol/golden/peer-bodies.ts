/** Bodies of the frames between nodes. */
import { readU16 } from '../../../src/base/bytes.ts';
import { INCARNATION_BYTES } from '../../../src/protocol/hello-codec.ts';
import * as codec from '../../../src/protocol/peer-codec.ts';
import {
  type BodyCodec,
  exact,
  type Fields,
  type Layout,
  numberOf,
  ofLayout,
  put,
  readFields,
  unhex,
  writeFields,
} from './layout.ts';

const incarnation: Layout = [['incarnation', INCARNATION_BYTES, 0]];

const entryRecord: Layout = [
  ['length', 'u32', codec.RECORD_LENGTH],
  ['partition', 'u16', codec.RECORD_PARTITION],
  ['configuration', 'u32', codec.RECORD_CONFIGURATION],
  ['epoch', 'u32', codec.RECORD_EPOCH],
  ['operation', 'u32', codec.RECORD_OPERATION],
  ['commit', 'u32', codec.RECORD_COMMIT],
  ['kind', 'u8', codec.RECORD_KIND],
  ['timeMs', 'u48', codec.RECORD_TIME],
  ['body', 'rest', codec.RECORD_BODY],
];

const ackRecord: Layout = [
  ['partition', 'u16', codec.ACK_PARTITION],
  ['status', 'u8', codec.ACK_STATUS],
  ['configuration', 'u32', codec.ACK_CONFIGURATION],
  ['epoch', 'u32', codec.ACK_EPOCH],
  ['operation', 'u32', codec.ACK_OPERATION],
];

/** An incarnation, then records of one layout; `bytesOf` says how long the one at `at` is. */
function ofRecords(record: Layout, bytesOf: (body: Uint8Array, at: number) => number): BodyCodec {
  return {
    read: (body) => {
      const records: Fields[] = [];
      let at: number = codec.PEER_RECORDS;
      while (at < body.length) {
        const end = at + bytesOf(body, at);
        records.push(readFields(record, body.subarray(at, end)).fields);
        at = end;
      }
      return { ...readFields(incarnation, body).fields, records };
    },
    write: (writer, fields) => {
      put(writer, unhex(fields.incarnation));
      for (const one of fields.records as Fields[]) put(writer, writeFields(record, one));
    },
  };
}

export const appended: BodyCodec = ofRecords(entryRecord, (body, at) => {
  const head = readFields([['length', 'u32', codec.RECORD_LENGTH]], body, at);
  return 4 + numberOf(head.fields, 'length');
});

export const acknowledged: BodyCodec = ofRecords(ackRecord, () => codec.ACK_BYTES);

export const beat: BodyCodec = ofLayout([
  ...incarnation,
  ['flags', 'u8', codec.BEAT_FLAGS],
  ['version', 'u32', codec.BEAT_VERSION],
  ['sent', 'u48', codec.BEAT_SENT],
  ['echo', 'u48', codec.BEAT_ECHO],
]);

const namedLayout: Layout = [
  ['partition', 'u16', codec.NAMED_PARTITION],
  ['epoch', 'u32', codec.NAMED_EPOCH],
];

/** CONF, CNFD, LRLS. */
export const named: BodyCodec = ofLayout(namedLayout);

export const wish: BodyCodec = ofLayout([...namedLayout, ['slot', 'u16', codec.NAMED_REST]]);

export const report: BodyCodec = {
  read: (body) => {
    const { fields } = readFields(namedLayout, body);
    const slots = Array.from({ length: body[codec.NAMED_REST] as number }, (_, index) =>
      readU16(body, codec.NAMED_REST + 1 + index * 2),
    );
    return exact(body, { fields: { ...fields, slots }, end: codec.NAMED_REST + 1 + slots.length * 2 });
  },
  write: (writer, fields) => {
    const slots = fields.slots as number[];
    put(writer, writeFields(namedLayout, fields));
    writer.u8(slots.length);
    for (const slot of slots) writer.u16(slot);
  },
};

export const stall: BodyCodec = ofLayout([
  ...incarnation,
  ['node', 'u48', codec.STALL_NODE],
  ['stalledMs', 'u32', codec.STALL_MS],
]);

const snapshotHead: Layout = [
  ['partition', 'u16', codec.SNAP_PARTITION],
  ['configuration', 'u32', codec.SNAP_CONFIGURATION],
  ['number', 'u32', codec.SNAP_NUMBER],
];

export const snapshot: BodyCodec = ofLayout([...snapshotHead, ['slice', 'rest', codec.SNAP_SLICE]]);

export const snapshotTaken: BodyCodec = ofLayout([...snapshotHead, ['status', 'u8', codec.SNAPPED_STATUS]]);
