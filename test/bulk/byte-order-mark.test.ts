/** A byte order mark begins a text, and means nothing anywhere else in it. */
import test from 'ava';
import { parseRows } from '../../src/bulk/ndjson-rows.ts';

const text = (line: string): Uint8Array => new TextEncoder().encode(line);

for (const line of [
  '{"key":"k","value":"","ttlMs":\ufeff5}',
  '{"\ufeffkey":"k","value":""}',
  '{"key":"k",\ufeff"value":""}',
]) {
  test(`refused: ${JSON.stringify(line)}`, (t) => {
    const { count, failed } = parseRows(text(line));
    t.deepEqual([count, failed], [0, 1]);
  });
}

test('at the start it is passed over, in a text it stays', (t) => {
  const { rows, count } = parseRows(text('\ufeff{"key":"\ufeffk","value":""}'));
  t.is(count, 1);
  t.true(Buffer.from(rows).includes('\ufeffk'));
});
