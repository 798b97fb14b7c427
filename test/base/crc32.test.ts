import { crc32 as zlibCrc32 } from 'node:zlib';
import test from 'ava';
import fc from 'fast-check';
import { crc32 } from '../../src/base/crc32.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

test('check values of the catalogue', (t) => {
  t.is(crc32(bytes('123456789')), 0xcbf43926);
  t.is(crc32(bytes('')), 0);
  t.is(crc32(bytes('a')), 0xe8b7be43);
  t.is(crc32(bytes('The quick brown fox jumps over the lazy dog')), 0x414fa339);
  t.is(crc32(new Uint8Array(32)), 0x190a55ad);
});

test('it is the checksum that zlib makes, of any part, in one piece or in two', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(300), fc.nat(300), (data, a, b) => {
      const start = Math.min(a, data.length);
      const middle = Math.min(start + b, data.length);
      t.is(crc32(data, start), zlibCrc32(data.subarray(start)));
      t.is(crc32(data, middle, data.length, crc32(data, start, middle)), crc32(data, start));
    }),
  );
});
