import test from 'ava';
import fc from 'fast-check';
import { bufferCodec, type Codec, jsonCodec, stringCodec, TextReader } from '../../src/client/codecs.ts';
import type { KeyvalError } from '../../src/errors.ts';

/** Encodes, puts the bytes in the middle of others, and decodes. */
function through<V>(codec: Codec<V>, value: V): V {
  const bytes = codec.encode(value);
  const chunk = new Uint8Array(bytes.length + 10).fill(0x58);
  chunk.set(bytes, 4);
  return codec.decode(chunk, 4, 4 + bytes.length);
}

function refusal(run: () => unknown): string {
  try {
    run();
    return 'nothing';
  } catch (error) {
    return `${(error as KeyvalError).code}: ${(error as KeyvalError).message}`;
  }
}

test('strings come back as they were', (t) => {
  fc.assert(fc.property(fc.string({ unit: 'binary' }), (value) => t.is(through(stringCodec, value), value)));
  t.is(through(stringCodec, ''), '');
  t.is(through(stringCodec, '\0'), '\0');
});

test('bytes come back as they were, as a Buffer of their own', (t) => {
  fc.assert(
    fc.property(fc.uint8Array(), (value) => t.deepEqual(Buffer.from(through(bufferCodec, value)), Buffer.from(value))),
  );
  const chunk = Buffer.from('..value..');
  const value = bufferCodec.decode(chunk, 2, 7);
  chunk.fill(0);
  t.true(Buffer.isBuffer(value));
  t.is(`${value}`, 'value');
});

test('JSON values come back as they were', (t) => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => t.deepEqual(through(jsonCodec, value), JSON.parse(JSON.stringify(value)))),
  );
});

test('a codec refuses what it has no form for, and says what that is', (t) => {
  t.is(
    refusal(() => stringCodec.encode(5 as never)),
    'KV_USAGE: a value is a string here, not number',
  );
  t.is(
    refusal(() => stringCodec.encode(null as never)),
    'KV_USAGE: a value is a string here, not null',
  );
  t.is(
    refusal(() => stringCodec.encode(new Map() as never)),
    'KV_USAGE: a value is a string here, not Map',
  );
  t.is(
    refusal(() => bufferCodec.encode('text' as never)),
    'KV_USAGE: a value is a Buffer here, not string',
  );
  t.is(
    refusal(() => bufferCodec.encode(Object.create(null))),
    'KV_USAGE: a value is a Buffer here, not an object',
  );
  t.is(
    refusal(() => jsonCodec.encode(undefined)),
    'KV_USAGE: JSON has no form for undefined',
  );
  t.is(
    refusal(() => jsonCodec.encode(() => 1)),
    'KV_USAGE: JSON has no form for function',
  );
});

test('one reader reads from one chunk after the other', (t) => {
  const reader = new TextReader();
  const one = new Uint8Array(Buffer.from('first chunk'));
  const other = new Uint8Array(Buffer.from('..another chunk')).subarray(2);
  t.is(reader.read(one, 0, 5), 'first');
  t.is(reader.read(one, 6, 11), 'chunk');
  t.is(reader.read(other, 0, 7), 'another');
  t.is(reader.read(one, 0, 5), 'first');
  one.set(Buffer.from('fiery'));
  t.is(reader.read(one, 0, 5), 'fiery');
});
