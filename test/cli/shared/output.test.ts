/** How bytes are shown: on one line, and in documents. */
import test from 'ava';
import { bytesField, documentText, oneLine } from '../../../src/cli/shared/output.ts';

const bytes = (...list: number[]): Uint8Array => new Uint8Array(list);

for (const [shown, from] of [
  ['plain', Buffer.from('plain')],
  ['', bytes()],
  ['grüße €', Buffer.from('grüße €')],
  ['a\\tb\\nc\\rd\\\\', Buffer.from('a\tb\nc\rd\\')],
  ['\\x1b[31m\\x00', Buffer.from('\x1b[31m\0')],
  ['a\\xff\\x00\\\\', bytes(0x61, 0xff, 0, 0x5c)],
] as const) {
  test(`one line: ${shown}`, (t) => {
    t.is(oneLine(from), shown);
  });
}

test('text is text in documents, other bytes are base64 under a name that says so', (t) => {
  t.deepEqual(bytesField('value', Buffer.from('grüße')), { value: 'grüße' });
  t.deepEqual(bytesField('value', bytes()), { value: '' });
  t.deepEqual(bytesField('value', bytes(0xff, 0)), { valueBase64: '/wA=' });
});

test('json is a document for people too, ndjson one line', (t) => {
  t.is(documentText('json', { a: 1 }), '{\n  "a": 1\n}');
  t.is(documentText('ndjson', { a: 1 }), '{"a":1}');
});
