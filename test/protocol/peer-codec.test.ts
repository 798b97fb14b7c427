import test from 'ava';
import fc from 'fast-check';
import { readU16, readU32, readU48 } from '../../src/base/bytes.ts';
import * as codec from '../../src/protocol/peer-codec.ts';
import { u8, u16, u32, u48 } from '../helpers/bodies.ts';
import { decodeOne } from '../helpers/decode.ts';
import { encoded } from '../helpers/encode.ts';

const anyU16 = fc.integer({ min: 0, max: 65_535 });
const anyU32 = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const anyU48 = fc.integer({ min: 0, max: 2 ** 48 - 1 });
const anyIncarnation = fc.uint8Array({ minLength: 8, maxLength: 8 });

test('an incarnation reads back wherever it was written', (t) => {
  fc.assert(
    fc.property(anyIncarnation, fc.nat(20), (incarnation, at) => {
      const body = new Uint8Array(40).fill(0xee);
      codec.copyIncarnation(incarnation, body, at);
      t.deepEqual(body.slice(at, at + 8), incarnation);
      t.true(codec.sameIncarnation(body, at, incarnation));
      t.true(body.subarray(at + 8).every((byte) => byte === 0xee));
    }),
  );
});

test('an incarnation that differs in one bit is another one', (t) => {
  const incarnation = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
  for (let bit = 0; bit < 64; bit += 1) {
    const other = incarnation.slice();
    other[bit >> 3] = (other[bit >> 3] as number) ^ (1 << (bit & 7));
    t.false(codec.sameIncarnation(other, 0, incarnation));
  }
});

test('a record of APND reads back through the offsets of the codec', (t) => {
  const anyBody = fc.uint8Array({ maxLength: 50 });
  fc.assert(
    fc.property(
      anyU16,
      anyU32,
      anyU32,
      anyU32,
      anyU32,
      fc.nat(255),
      anyU48,
      anyBody,
      (partition, configuration, epoch, operation, commit, kind, time, body) => {
        const numbers = [u16(partition), u32(configuration), u32(epoch), u32(operation), u32(commit)];
        const counted = [...numbers, u8(kind), u48(time), body];
        const length = Buffer.concat(counted).length;
        const record = new Uint8Array(Buffer.concat([u32(length), ...counted]));
        t.is(readU32(record, codec.RECORD_LENGTH), record.length - 4);
        t.is(readU16(record, codec.RECORD_PARTITION), partition);
        t.is(readU32(record, codec.RECORD_CONFIGURATION), configuration);
        t.is(readU32(record, codec.RECORD_EPOCH), epoch);
        t.is(readU32(record, codec.RECORD_OPERATION), operation);
        t.is(readU32(record, codec.RECORD_COMMIT), commit);
        t.is(record[codec.RECORD_KIND], kind);
        t.is(readU48(record, codec.RECORD_TIME), time);
        t.deepEqual(record.slice(codec.RECORD_BODY), body);
      },
    ),
  );
});

test('a record of ACKN reads back through the offsets of the codec', (t) => {
  const anyAck = fc.tuple(anyU16, fc.nat(255), anyU32, anyU32, anyU32);
  fc.assert(
    fc.property(anyAck, ([partition, status, configuration, epoch, operation]) => {
      const numbers = [u32(configuration), u32(epoch), u32(operation)];
      const record = new Uint8Array(Buffer.concat([u16(partition), u8(status), ...numbers]));
      t.is(record.length, codec.ACK_BYTES);
      t.is(readU16(record, codec.ACK_PARTITION), partition);
      t.is(record[codec.ACK_STATUS], status);
      t.is(readU32(record, codec.ACK_CONFIGURATION), configuration);
      t.is(readU32(record, codec.ACK_EPOCH), epoch);
      t.is(readU32(record, codec.ACK_OPERATION), operation);
    }),
  );
});

test('BEAT reads back through the offsets of the codec', (t) => {
  fc.assert(
    fc.property(anyIncarnation, fc.nat(255), anyU32, anyU48, anyU48, (incarnation, flags, version, sent, echo) => {
      const body = new Uint8Array(Buffer.concat([incarnation, u8(flags), u32(version), u48(sent), u48(echo)]));
      t.is(body.length, codec.BEAT_BYTES);
      t.is(body[codec.BEAT_FLAGS], flags);
      t.is(readU32(body, codec.BEAT_VERSION), version);
      t.is(readU48(body, codec.BEAT_SENT), sent);
      t.is(readU48(body, codec.BEAT_ECHO), echo);
    }),
  );
});

test('STLL reads back, and what is cut short is no STLL', (t) => {
  fc.assert(
    fc.property(anyIncarnation, anyU48, anyU32, (incarnation, nodeId, stalledMs) => {
      const frame = encoded((writer) => codec.writeStall(writer, { incarnation, nodeId, stalledMs }));
      const { opcode, messageId, body } = decodeOne(frame);
      t.deepEqual([opcode, messageId, body.length], ['STLL', 0, codec.STALL_BYTES]);
      t.deepEqual(codec.readStall(frame, 12, frame.length), { incarnation, nodeId, stalledMs });
      t.deepEqual(new Uint8Array(Buffer.concat([incarnation, u48(nodeId), u32(stalledMs)])), body);
      for (let end = 12; end < frame.length; end += 1) t.is(codec.readStall(frame, 12, end), null);
    }),
  );
});
