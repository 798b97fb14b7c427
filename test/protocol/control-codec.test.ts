/** Frames of the control plane: what is written is read, and nothing else is. */
import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { ByteWriter } from '../../src/base/byte-writer.ts';
import { hexOf } from '../../src/base/bytes.ts';
import * as codec from '../../src/protocol/control-codec.ts';

const hex = fc.uint8Array({ minLength: 8, maxLength: 8 }).map((bytes) => hexOf(bytes));
const u48 = fc.nat({ max: 2 ** 48 - 1 });
const text = fc.string({ unit: 'grapheme', maxLength: 40 });

const founder: fc.Arbitrary<codec.Founder> = fc.record({
  address: text,
  nodeId: u48,
  incarnation: hex,
  zone: text,
  role: fc.constantFrom('data', 'witness'),
  isVolatile: fc.boolean(),
  mayVote: fc.boolean(),
});

const settings: fc.Arbitrary<codec.FoundingSettings> = fc.record({
  clusterName: text,
  partitions: fc.nat(0xffff),
  replicas: fc.nat(255),
  min: fc.nat(255),
  maxLeaseMs: u48,
  onLoss: fc.constantFrom('stop', 'empty'),
  isNew: fc.boolean(),
});

const set: fc.Arbitrary<codec.FoundingSet> = fc.record({
  clusterId: hex,
  attempt: fc.nat(0xffff_ffff),
  foundedAtSeconds: u48,
  settings,
  founders: fc.array(founder, { maxLength: 6 }),
});

const answer: fc.Arbitrary<codec.FoundingAnswer> = fc.record({ clusterId: hex, isPromised: fc.boolean(), why: text });

function bytesOf<T>(encode: (fields: codec.Fields, value: T) => void, value: T): Uint8Array {
  const writer = new ByteWriter();
  encode(writer, value);
  return writer.finish();
}

type Decode<T> = (bytes: Uint8Array, start: number, end: number) => T | null;

/** What is written is read; what is cut, or has something behind it, is not, unless a text stands at its end. */
function checkRoundTrip<T>(
  t: ExecutionContext,
  values: fc.Arbitrary<T>,
  encode: (fields: codec.Fields, value: T) => void,
  decode: Decode<T>,
  isOpenEnded = false,
): void {
  const property = fc.property(values, (value) => {
    const bytes = bytesOf(encode, value);
    const framed = new Uint8Array([9, ...bytes, 9]);
    t.deepEqual(decode(framed, 1, bytes.length + 1), value);
    if (isOpenEnded) return;
    for (let end = 0; end < bytes.length; end += 1) t.is(decode(bytes, 0, end), null, `cut at ${end}`);
    t.is(decode(framed, 1, bytes.length + 2), null, 'something behind it');
  });
  fc.assert(property, { numRuns: 60 });
}

test('a founding set is read as it was written, and no part of it', (t) => {
  checkRoundTrip(t, set, codec.encodeFoundingSet, codec.decodeFoundingSet);
});

test('a founder likewise', (t) => {
  checkRoundTrip(t, founder, codec.encodeFounder, codec.decodeFounder);
});

test('a cluster id likewise', (t) => {
  checkRoundTrip(t, hex, codec.encodeClusterId, codec.decodeClusterId);
});

test('an answer is read as it was written', (t) => {
  checkRoundTrip(t, answer, codec.encodeFoundingAnswer, codec.decodeFoundingAnswer, true);
});

test('any bytes are read as something or as nothing, never with an error', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      for (const decode of [
        codec.decodeFoundingSet,
        codec.decodeFounder,
        codec.decodeFoundingAnswer,
        codec.decodeClusterId,
      ]) {
        t.notThrows(() => decode(bytes, 0, bytes.length));
      }
    }),
  );
});

test('a count that the body has no room for is refused before anything is allocated', (t) => {
  const none: codec.FoundingSet = {
    clusterId: '00'.repeat(8),
    attempt: 1,
    foundedAtSeconds: 1,
    settings: { clusterName: '', partitions: 1, replicas: 1, min: 1, maxLeaseMs: 1, onLoss: 'stop', isNew: false },
    founders: [],
  };
  const bytes = bytesOf(codec.encodeFoundingSet, none);
  bytes.fill(0xff, bytes.length - 2);
  t.is(codec.decodeFoundingSet(bytes), null);
});

test('text that is no UTF-8 is refused', (t) => {
  const bytes = new Uint8Array(10);
  bytes[8] = 1;
  bytes[9] = 0xff;
  t.is(codec.decodeFoundingAnswer(bytes, 0, bytes.length), null);
});

test('every message of Raft has an opcode of its own', (t) => {
  t.is(codec.raftOpcodes.size, 12);
  t.is(codec.raftTypes.size, 12);
  for (const [type, opcode] of codec.raftOpcodes) t.is(codec.raftTypes.get(opcode), type);
});
