import test from 'ava';
import fc from 'fast-check';
import { type Key, KeyBuffer } from '../../src/client/key-buffer.ts';
import type { KeyvalError } from '../../src/errors.ts';
import { KEY_BYTES_MAX } from '../../src/protocol/limits.ts';

function bytesOf(key: Key): Buffer {
  const buffer = new KeyBuffer();
  buffer.set(key);
  return Buffer.from(buffer.bytes.subarray(0, buffer.length));
}

function codeOf(key: unknown): string | null {
  try {
    bytesOf(key as Key);
    return null;
  } catch (error) {
    return (error as KeyvalError).code;
  }
}

test('a string is UTF-8, bytes are as they are', (t) => {
  t.is(bytesOf('key').toString(), 'key');
  t.deepEqual(bytesOf('ключ €😀'), Buffer.from('ключ €😀'));
  t.deepEqual(bytesOf(Uint8Array.of(0, 255, 10)), Buffer.from([0, 255, 10]));
  t.deepEqual(bytesOf('\0'), Buffer.from([0]));
  t.deepEqual(bytesOf(Buffer.from('xyz').subarray(1, 2)), Buffer.from('y'));
});

test('any string and any bytes', (t) => {
  const text = fc.string({ unit: 'binary', minLength: 1, maxLength: 100 });
  fc.assert(fc.property(text, (key) => t.deepEqual(bytesOf(key), Buffer.from(key))));
  const bytes = fc.uint8Array({ minLength: 1, maxLength: 100 });
  fc.assert(fc.property(bytes, (key) => t.deepEqual(bytesOf(key), Buffer.from(key))));
});

test('one buffer serves one key after the other', (t) => {
  const buffer = new KeyBuffer();
  buffer.set('a long key');
  buffer.set('short');
  t.is(buffer.length, 5);
  t.is(Buffer.from(buffer.bytes.subarray(0, buffer.length)).toString(), 'short');
});

test('a key has 1 to 65,535 bytes: bytes, not letters', (t) => {
  t.is(KEY_BYTES_MAX, 65_535);
  t.is(bytesOf('x'.repeat(65_535)).length, 65_535);
  t.is(bytesOf(new Uint8Array(65_535)).length, 65_535);
  t.is(bytesOf('€'.repeat(21_845)).length, 65_535);
  t.is(bytesOf(`${'ж'.repeat(32_767)}x`).length, 65_535);
  const refused = [
    '',
    new Uint8Array(0),
    'x'.repeat(65_536),
    new Uint8Array(65_536),
    'ж'.repeat(32_768),
    '€'.repeat(21_846),
  ];
  for (const key of refused) t.is(codeOf(key), 'KV_BAD_KEY');
  t.is(codeOf('😀'.repeat(20_000)), 'KV_BAD_KEY');
});

test('what is neither text nor bytes is refused, and the message says what it is', (t) => {
  for (const key of [7, null, undefined, {}, ['a'], true, 5n, new Uint16Array(3)]) t.is(codeOf(key), 'KV_USAGE');
  t.throws(() => bytesOf(7 as unknown as Key), { message: /not 7/ });
});
