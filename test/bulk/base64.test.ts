/** Base64 as Node.js writes it, and read strictly. */
import test from 'ava';
import fc from 'fast-check';
import { base64Bytes, base64Length, readBase64, writeBase64 } from '../../src/bulk/base64.ts';

function decode(text: string): Uint8Array | null {
  const source = Buffer.from(`..${text}..`, 'latin1');
  const bytes = base64Bytes(source, 2, source.length - 2);
  if (bytes < 0) return null;
  const target = new Uint8Array(bytes + 2).fill(0xee);
  if (!readBase64(source, 2, source.length - 2, target, 1)) return null;
  if (target[0] !== 0xee || target[bytes + 1] !== 0xee) throw new Error('wrote beyond its place');
  return target.slice(1, bytes + 1);
}

test('any bytes, there and back', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const target = new Uint8Array(base64Length(bytes.length));
      writeBase64(bytes, 0, bytes.length, target, 0);
      const text = Buffer.from(target).toString('latin1');
      t.is(text, Buffer.from(bytes).toString('base64'));
      t.deepEqual(decode(text), bytes);
    }),
  );
});

for (const text of [
  'A',
  'AA',
  'AAA',
  'AAAAA',
  'A===',
  'AA=A',
  '====',
  'AB==',
  'AAB=',
  'AA-_',
  'AA A',
  'AAAA\n',
  'é===',
]) {
  test(`not base64: ${JSON.stringify(text)}`, (t) => {
    t.is(decode(text), null);
  });
}

test('a text that is read is the one that would be written', (t) => {
  const characters = fc.constantFrom(...'ABCDwxyz0189+/=-\n ');
  fc.assert(
    fc.property(fc.string({ unit: characters, maxLength: 12 }), (text) => {
      const bytes = decode(text);
      if (bytes !== null) t.is(Buffer.from(bytes).toString('base64'), text);
      else t.not(Buffer.from(text, 'base64').toString('base64'), text);
    }),
    { numRuns: 2000 },
  );
});
