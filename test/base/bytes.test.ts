import test from 'ava';
import fc from 'fast-check';
import {
  bytesEqual,
  copyBytes,
  hashBytes,
  readBigU64,
  readI32,
  readU16,
  readU32,
  readU48,
  writeBigU64,
  writeU16,
  writeU32,
  writeU48,
  writeU64,
} from '../../src/base/bytes.ts';

const PADDING = 3;

/** Writes at an odd offset, checks that nothing around it changed, and returns what was written. */
function written(length: number, write: (target: Uint8Array, at: number) => void): Uint8Array {
  const target = new Uint8Array(length + 2 * PADDING).fill(0xee);
  write(target, PADDING);
  for (let index = 0; index < PADDING; index++) {
    if (target[index] !== 0xee || target[length + PADDING + index] !== 0xee) throw new Error('wrote past its bytes');
  }
  return target.slice(PADDING, PADDING + length);
}

test('numbers are big-endian', (t) => {
  t.deepEqual([...written(2, (bytes, at) => writeU16(bytes, at, 0x0102))], [1, 2]);
  t.deepEqual([...written(4, (bytes, at) => writeU32(bytes, at, 0xfffefdfc))], [255, 254, 253, 252]);
  t.deepEqual([...written(4, (bytes, at) => writeU32(bytes, at, -2))], [255, 255, 255, 254]);
  t.deepEqual(
    [...written(6, (bytes, at) => writeU48(bytes, at, 0xfedcba987654))],
    [0xfe, 0xdc, 0xba, 0x98, 0x76, 0x54],
  );
  t.deepEqual([...written(8, (bytes, at) => writeU64(bytes, at, 0xf0000001, 2))], [0xf0, 0, 0, 1, 0, 0, 0, 2]);
  t.deepEqual([...written(8, (bytes, at) => writeBigU64(bytes, at, 2n ** 64n - 2n))], [...Array(7).fill(255), 254]);
});

test('every number reads back as it was written', (t) => {
  const bytes = new Uint8Array(9);
  const max = (bits: number) => fc.integer({ min: 0, max: 2 ** bits - 1 });
  fc.assert(
    fc.property(max(16), max(32), max(48), fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (u16, u32, u48, u64) => {
      writeU16(bytes, 1, u16);
      t.is(readU16(bytes, 1), u16);
      writeU32(bytes, 1, u32);
      t.is(readU32(bytes, 1), u32);
      t.is(readI32(bytes, 1), u32 | 0);
      writeU48(bytes, 1, u48);
      t.is(readU48(bytes, 1), u48);
      writeBigU64(bytes, 1, u64);
      t.is(readBigU64(bytes, 1), u64);
      writeU64(bytes, 1, Number(u64 >> 32n), Number(u64 & 0xffff_ffffn));
      t.is(readBigU64(bytes, 1), u64);
    }),
  );
});

test('bytesEqual looks at the given range only', (t) => {
  const a = Uint8Array.of(9, 1, 2, 3, 9);
  const b = Uint8Array.of(1, 2, 3, 8);
  t.true(bytesEqual(a, 1, b, 0, 3));
  t.true(bytesEqual(a, 0, b, 3, 0));
  t.false(bytesEqual(a, 1, b, 0, 4));
  t.false(bytesEqual(a, 0, b, 0, 3));
});

test('copyBytes copies any length between two arrays', (t) => {
  const source = Uint8Array.from({ length: 200 }, (_, index) => index + 1);
  for (let length = 0; length <= 100; length++) {
    const target = new Uint8Array(200);
    copyBytes(source, 7, 7 + length, target, 11);
    t.deepEqual(target.slice(11, 11 + length), source.slice(7, 7 + length));
    t.true(target.subarray(0, 11).every((byte) => byte === 0));
    t.true(target.subarray(11 + length).every((byte) => byte === 0));
  }
});

test('copyBytes within one array may overlap in both directions', (t) => {
  const place = fc.integer({ min: 0, max: 100 });
  fc.assert(
    fc.property(place, place, place, (start, length, at) => {
      const bytes = Uint8Array.from({ length: 200 }, (_, index) => index);
      const expected = Uint8Array.from(bytes);
      expected.set(bytes.slice(start, start + length), at);
      copyBytes(bytes, start, start + length, bytes, at);
      t.deepEqual(bytes, expected);
    }),
  );
});

test('copyBytes takes a Buffer as well', (t) => {
  const target = new Uint8Array(100);
  copyBytes(Buffer.alloc(100, 7), 10, 90, target, 20);
  t.deepEqual(target, new Uint8Array(100).fill(7, 20));
});

test('hashBytes of whole words is MurmurHash3_x86_32', (t) => {
  const hash = (text: string, seed: number) => hashBytes(Buffer.from(text, 'latin1'), 0, text.length, seed) >>> 0;
  t.is(hash('', 0), 0);
  t.is(hash('', 1), 0x514e28b7);
  t.is(hash('\0\0\0\0', 0), 0x2362f9de);
  t.is(hash('\x21\x43\x65\x87', 0), 0xf55b516b);
  t.is(hash('test', 0x9747b28c), 0x704b81dc);
});

test('hashBytes depends on every byte, the length, the seed, and on nothing around', (t) => {
  const seen = new Set<number>();
  for (let length = 0; length <= 9; length++) {
    const bytes = new Uint8Array(20).fill(0xee);
    bytes.fill(0, 5, 5 + length);
    seen.add(hashBytes(bytes, 5, 5 + length));
    for (let at = 5; at < 5 + length; at++) {
      bytes[at] = 1;
      seen.add(hashBytes(bytes, 5, 5 + length));
      bytes[at] = 0;
    }
    t.is(hashBytes(bytes, 5, 5 + length), hashBytes(new Uint8Array(length), 0, length));
  }
  t.is(seen.size, 55);
  t.not(hashBytes(new Uint8Array(4), 0, 4, 1), hashBytes(new Uint8Array(4), 0, 4, 2));
});

test('hashBytes spreads numbered keys evenly over the low bits', (t) => {
  const counts = new Uint32Array(256);
  const keys = 65_536;
  for (let number = 0; number < keys; number++) {
    const key = Buffer.from(`user:${number}`);
    const bucket = hashBytes(key, 0, key.length) & 255;
    counts[bucket] = (counts[bucket] as number) + 1;
  }
  const expected = keys / counts.length;
  const chiSquare = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
  t.true(chiSquare < 330, `chi² of 255 degrees of freedom: ${chiSquare}`); // one in a thousand is above
});
