import test from 'ava';
import { keyedHash } from '../../src/base/keyed-hash.ts';

const numbered = (count: number): Uint8Array => Uint8Array.from({ length: count }, (_, index) => index);

/** Of HalfSipHash-1-3, key 00 01 … 07, messages 00 01 …: the test vectors of the Linux kernel (hsiphash, 32 bits). */
const published = [
  0x5814c896, 0xe7e864ca, 0xbc4b0e30, 0x01539939, 0x7e059ea6, 0x88e3d89b, 0xa0080b65, 0x9d38d9d6, 0x577999b1,
  0xc839caed, 0xe4fa32cf, 0x959246ee, 0x6b28096c, 0x66dd9cd6, 0x16658a7c,
];

for (const [length, expected] of published.entries()) {
  test(`HalfSipHash-1-3 of ${length} bytes is the published one`, (t) => {
    t.is(keyedHash(numbered(length), 0, length, { low: 0x03020100, high: 0x07060504 }) >>> 0, expected);
  });
}

test('it reads only the range, wherever it lies', (t) => {
  const key = { low: 1, high: 2 };
  const bytes = numbered(40);
  for (let length = 0; length < 20; length += 1) {
    const alone = bytes.slice(7, 7 + length);
    t.is(keyedHash(bytes, 7, 7 + length, key), keyedHash(alone, 0, length, key));
  }
});

test('another key gives other hashes, also for what meets under the first one', (t) => {
  const one = { low: 1, high: 2 };
  const other = { low: 1, high: 3 };
  const places = 256;
  const meeting: Uint8Array[] = [];
  for (let number = 0; meeting.length < 64; number += 1) {
    const bytes = new TextEncoder().encode(`key-${number}`);
    if ((keyedHash(bytes, 0, bytes.length, one) & (places - 1)) === 0) meeting.push(bytes);
  }
  const elsewhere = new Set(meeting.map((bytes) => keyedHash(bytes, 0, bytes.length, other) & (places - 1)));
  t.true(elsewhere.size > 40, `${elsewhere.size} places`);
});

test('hashes spread over the places of a table', (t) => {
  const counts = new Uint32Array(64);
  for (let number = 0; number < 6400; number += 1) {
    const bytes = new TextEncoder().encode(`${number}`);
    const place = keyedHash(bytes, 0, bytes.length, { low: 7, high: 9 }) & 63;
    counts[place] = (counts[place] as number) + 1;
  }
  t.true(Math.min(...counts) > 60 && Math.max(...counts) < 150);
});
