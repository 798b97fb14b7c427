/** Bodies of the frames between nodes. */
import { INCARNATION_BYTES } from '../../../src/protocol/hello-codec.ts';
import * as codec from '../../../src/protocol/peer-codec.ts';
import {
  type BodyCodec,
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

export const beat: BodyCodec = ofLayout([...incarnation, ['flags', 'u8', codec.BEAT_FLAGS]]);
