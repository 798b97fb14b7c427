/** Bodies of LOAD and LODD. */
import { codeOfWire } from '../../../src/errors.ts';
import * as codec from '../../../src/protocol/load-codec.ts';
import { LODD } from '../../../src/protocol/opcode.ts';
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
} from './layout.ts';

export const load: BodyCodec = {
  read: ofLayout([
    ['timeLeftMs', 'u32', 0],
    ['flags', 'u8', codec.LOAD_FLAGS],
    ['lines', 'rest', codec.LOAD_LINES],
  ]).read,
  write: (writer, fields) => put(writer, codec.encodeLoad(numberOf(fields, 'timeLeftMs'), unhex(fields.lines))),
};

const head: Layout = [
  ['rows', 'u32', codec.LOADED_ROWS],
  ['failed', 'u32', codec.LOADED_FAILED],
  ['count', 'u16', codec.LOADED_COUNT],
];

const failure: Layout = [
  ['line', 'u32', 0],
  ['code', 'u16'],
  ['text', 'bytes16'],
];

export const loaded: BodyCodec = {
  read: (body) => {
    const { fields } = readFields(head, body);
    const failures: Fields[] = [];
    let at: number = codec.LOADED_FAILURES;
    for (let index = 0; index < numberOf(fields, 'count'); index += 1) {
      const one = readFields(failure, body, at);
      failures.push(one.fields);
      at = one.end;
    }
    return exact(body, { fields: { ...fields, failures }, end: at });
  },
  write: (writer, fields) => {
    const failures = (fields.failures as Fields[]).map((one) => ({
      line: numberOf(one, 'line'),
      code: codeOfWire(numberOf(one, 'code')),
      message: Buffer.from(textOf(one, 'text'), 'hex').toString(),
    }));
    const result = { rows: numberOf(fields, 'rows'), failed: numberOf(fields, 'failed'), failures };
    put(writer, decodeOne(encoded((inner) => codec.writeLoaded(inner, LODD, 1, result))).body);
  },
};
