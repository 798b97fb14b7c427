import test from 'ava';
import fc from 'fast-check';
import { ByteReader } from '../../src/base/byte-reader.ts';
import { ByteWriter } from '../../src/base/byte-writer.ts';

const field = fc.oneof(
  fc.nat(255).map((value) => ['u8', value] as const),
  fc.nat(65_535).map((value) => ['u16', value] as const),
  fc.nat(2 ** 32 - 1).map((value) => ['u32', value] as const),
  fc.nat(2 ** 48 - 1).map((value) => ['u48', value] as const),
  fc.uint8Array({ maxLength: 400 }).map((value) => ['bytes', value] as const),
);

test('what the writer wrote the reader reads', (t) => {
  fc.assert(
    fc.property(fc.array(field, { maxLength: 20 }), (fields) => {
      const writer = new ByteWriter();
      for (const [kind, value] of fields) {
        if (kind === 'bytes') writer.bytes(value);
        else writer[kind](value);
      }
      const reader = new ByteReader(writer.finish());
      t.is(reader.left, writer.length);
      for (const [kind, value] of fields) {
        if (kind === 'bytes') t.deepEqual(reader.bytes(value.length), value);
        else t.is(reader[kind](), value);
      }
      t.true(reader.isComplete);
    }),
  );
});

test('reading past the end gives nothing, is remembered, and stays so', (t) => {
  for (const read of ['u8', 'u16', 'u32', 'u48'] as const) {
    const reader = new ByteReader(new Uint8Array([9, 9, 9, 9, 9, 9]), 6);
    t.is(reader[read](), 0);
    t.true(reader.isShort);
    t.false(reader.isComplete);
  }
  const reader = new ByteReader(Uint8Array.of(1, 2, 3), 0, 2);
  t.is(reader.bytes(3).length, 0);
  t.is(reader.u8(), 0);
  t.true(reader.isShort);
});

test('what is left over is not complete', (t) => {
  const reader = new ByteReader(Uint8Array.of(1, 2));
  reader.u8();
  t.false(reader.isComplete);
  t.is(reader.left, 1);
});

test('bytes that were read do not follow those they came from', (t) => {
  const source = Uint8Array.of(1, 2);
  const read = new ByteReader(source).bytes(2);
  source[0] = 9;
  t.deepEqual(read, Uint8Array.of(1, 2));
});
