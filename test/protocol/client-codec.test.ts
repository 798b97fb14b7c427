import test from 'ava';
import fc from 'fast-check';
import { readI32, readU16, readU32, readU48 } from '../../src/base/bytes.ts';
import { codes, type KeyvalError } from '../../src/errors.ts';
import * as codec from '../../src/protocol/client-codec.ts';
import { KEY_BYTES_MAX } from '../../src/protocol/limits.ts';
import { decodeFail } from '../../src/protocol/login.ts';
import * as op from '../../src/protocol/opcode.ts';
import * as bodies from '../helpers/bodies.ts';
import { decodeOne } from '../helpers/decode.ts';
import { encoded } from '../helpers/encode.ts';

const u32 = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const u48 = fc.integer({ min: 0, max: codec.WAIT_FOREVER });
const anyKey = fc.uint8Array({ minLength: 1, maxLength: 300 });

const anyHead: fc.Arbitrary<codec.WriteHead> = fc.record({
  timeLeftMs: u32,
  attachEpoch: u32,
  attachOperation: u32,
  sequence: u32,
  mark: u32,
  flags: fc.integer({ min: 0, max: 255 }),
  span: u48,
  epoch: u32,
  operation: u32,
});

const opcodesOfWrites = fc.constantFrom(op.PUTK, op.CASK, op.DELK, op.INCR, op.LCKK, op.ULKK, op.CNCL);

function revision(epoch: number, operation: number): bigint {
  return (BigInt(epoch) << 32n) | BigInt(operation >>> 0);
}

function writeFrame(opcode: number, head: codec.WriteHead, key: Uint8Array, payload: Uint8Array): Uint8Array {
  return encoded((writer) => {
    codec.beginWrite(writer, opcode, 77, head, key, key.length);
    writer.bytes(payload, 0, payload.length);
    writer.end();
  });
}

test('a write has the layout of PROTOCOL.md', (t) => {
  fc.assert(
    fc.property(opcodesOfWrites, anyHead, anyKey, fc.uint8Array({ maxLength: 300 }), (opcode, head, key, payload) => {
      const expected = bodies.write({
        ...head,
        attachment: revision(head.attachEpoch, head.attachOperation),
        revision: revision(head.epoch, head.operation),
        key,
        payload,
      });
      const frame = bodies.frame(op.opcodeName(opcode), 77, expected);
      t.is(Buffer.compare(writeFrame(opcode, head, key, payload), frame), 0);
    }),
  );
});

test('a write reads back through the offsets of the codec', (t) => {
  fc.assert(
    fc.property(anyHead, anyKey, fc.uint8Array({ maxLength: 300 }), (head, key, payload) => {
      const { body } = decodeOne(writeFrame(op.PUTK, head, key, payload));
      t.deepEqual(readHead(body), head);
      const keyEnd = codec.WRITE_KEY + readU16(body, codec.WRITE_KEY_LENGTH);
      t.deepEqual(body.slice(codec.WRITE_KEY, keyEnd), key);
      t.deepEqual(body.slice(keyEnd), payload);
    }),
  );
});

function readHead(body: Uint8Array): codec.WriteHead {
  return {
    timeLeftMs: readU32(body, 0),
    attachEpoch: readU32(body, codec.WRITE_ATTACH_EPOCH),
    attachOperation: readU32(body, codec.WRITE_ATTACH_OPERATION),
    sequence: readU32(body, codec.WRITE_SEQUENCE),
    mark: readU32(body, codec.WRITE_MARK),
    flags: body[codec.WRITE_FLAGS] as number,
    span: readU48(body, codec.WRITE_SPAN),
    epoch: readU32(body, codec.WRITE_EPOCH),
    operation: readU32(body, codec.WRITE_OPERATION),
  };
}

test('the longest key fits', (t) => {
  const key = new Uint8Array(KEY_BYTES_MAX).fill(0xff);
  const head = readHead(new Uint8Array(codec.WRITE_KEY));
  const { body } = decodeOne(writeFrame(op.DELK, head, key, new Uint8Array(0)));
  t.is(readU16(body, codec.WRITE_KEY_LENGTH), KEY_BYTES_MAX);
  t.is(body.length, codec.WRITE_KEY + KEY_BYTES_MAX);
});

test('GETK has the layout of PROTOCOL.md', (t) => {
  fc.assert(
    fc.property(u32, u32, anyKey, fc.constantFrom(0, 16, 32, 48), (messageId, timeLeftMs, key, flags) => {
      const { length } = key;
      const frame = encoded((writer) => codec.writeGet(writer, op.GETK, messageId, timeLeftMs, flags, key, length));
      const expected = bodies.getk(key, timeLeftMs);
      expected[codec.READ_FLAGS] = flags;
      t.is(Buffer.compare(frame, bodies.frame('GETK', messageId, expected)), 0);
      const { body } = decodeOne(frame);
      t.is(readU32(body, 0), timeLeftMs);
      t.is(body[codec.READ_FLAGS], flags);
      t.is(readU16(body, codec.READ_KEY_LENGTH), key.length);
      t.deepEqual(body.slice(codec.READ_KEY), key);
    }),
  );
});

test('only the first bytes of a key buffer are the key', (t) => {
  const key = Buffer.from('key and what an earlier request left');
  const frame = encoded((writer) => codec.writeGet(writer, op.GETK, 1, 5, 0, key, 3));
  t.deepEqual(Buffer.from(frame), bodies.frame('GETK', 1, bodies.getk('key', 5)));
});

test('DONE and LKDK read back as they were written', (t) => {
  fc.assert(
    fc.property(fc.constantFrom(0, 1), u32, u32, (outcome, epoch, operation) => {
      const done = decodeOne(
        encoded((writer) => {
          codec.writeDone(writer, op.DONE, 3, outcome, epoch, operation);
          writer.end();
        }),
      ).body;
      t.is(done.length, codec.DONE_PAYLOAD);
      t.is(done[codec.DONE_OUTCOME], outcome);
      t.deepEqual([readU32(done, codec.DONE_EPOCH), readU32(done, codec.DONE_OPERATION)], [epoch, operation]);
      const locked = decodeOne(encoded((writer) => codec.writeLocked(writer, op.LKDK, 3, epoch, operation))).body;
      t.deepEqual([readU32(locked, codec.LOCKED_EPOCH), readU32(locked, codec.LOCKED_OPERATION)], [epoch, operation]);
      t.deepEqual(Buffer.from(locked), bodies.u64(revision(epoch, operation)));
    }),
  );
});

test('FAIL brings every code and any text across', (t) => {
  const anyCode = fc.constantFrom(...Object.entries(codes));
  fc.assert(
    fc.property(anyCode, fc.string({ unit: 'binary' }), ([code, { wire, retryable, outcome }], text) => {
      const fail = decodeOne(encoded((writer) => codec.writeFail(writer, op.FAIL, 9, wire, text)));
      t.is(fail.messageId, 9);
      const error: KeyvalError = decodeFail(fail.body);
      t.deepEqual([error.code, error.retryable, error.outcome], [code as KeyvalError['code'], retryable, outcome]);
      t.is(error.message, text);
    }),
  );
});

test('an operation number reads signed and unsigned alike while it is below 2³¹', (t) => {
  const { body } = decodeOne(encoded((writer) => codec.writeLocked(writer, op.LKDK, 1, 1, 2 ** 31 - 1)));
  t.is(readI32(body, codec.LOCKED_OPERATION), readU32(body, codec.LOCKED_OPERATION));
});
