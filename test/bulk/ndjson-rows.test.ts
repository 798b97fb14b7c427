/** NDJSON to rows and back: any bytes, lines that are wrong, and lines as others write them. */
import test from 'ava';
import fc from 'fast-check';
import { parseRows } from '../../src/bulk/ndjson-rows.ts';
import { encodeRows } from '../../src/bulk/row-text.ts';
import { RowReader, RowWriter } from '../../src/bulk/rows.ts';

const utf8 = new TextEncoder();

interface Row {
  readonly key: string;
  readonly value: string;
  readonly ttlMs: number;
  readonly line: number;
}

/** Keys and values as hexadecimal text. */
function rowsOf(packed: Uint8Array): Row[] {
  const found: Row[] = [];
  const row = new RowReader(packed);
  const hex = (start: number, end: number): string => Buffer.from(packed.subarray(start, end)).toString('hex');
  while (row.next()) {
    const { ttlMs, line } = row;
    found.push({ key: hex(row.keyStart, row.keyEnd), value: hex(row.valueStart, row.valueEnd), ttlMs, line });
  }
  return found;
}

function parse(text: string | Uint8Array): ReturnType<typeof parseRows> {
  return parseRows(typeof text === 'string' ? utf8.encode(text) : text);
}

/** Text, bytes that are no text, and bytes near the edges of characters. */
const content = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 20 }).map((text) => utf8.encode(text)),
  fc.uint8Array({ maxLength: 30 }),
  fc
    .array(fc.constantFrom(0x22, 0x5c, 0x0a, 0x1f, 0x7f, 0xc3, 0xa9, 0xf0, 0x9f, 0x98, 0x80))
    .map((b) => Uint8Array.from(b)),
);
const ttl = fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 2 ** 47 - 1 }));

test('rows to text and back, whatever bytes they have', (t) => {
  const rows = fc.array(fc.record({ key: content.filter((key) => key.length > 0), value: content, ttlMs: ttl }));
  fc.assert(
    fc.property(rows, (all) => {
      const writer = new RowWriter();
      all.forEach(({ key, value, ttlMs }, index) => {
        writer.append(key, 0, key.length, value, 0, value.length, ttlMs, index + 1);
      });
      const packed = writer.take();
      const text = encodeRows(packed);
      const lines = Buffer.from(text).toString().split('\n').slice(0, -1);
      t.is(lines.length, all.length);
      for (const [index, line] of lines.entries()) {
        const { key, key64, value, value64, ttlMs } = JSON.parse(line);
        const row = all[index];
        t.deepEqual(new Uint8Array(key === undefined ? Buffer.from(key64, 'base64') : Buffer.from(key)), row?.key);
        t.deepEqual(
          new Uint8Array(value === undefined ? Buffer.from(value64, 'base64') : Buffer.from(value)),
          row?.value,
        );
        t.is(ttlMs ?? 0, row?.ttlMs);
      }
      const { rows: again, count, failed } = parseRows(text);
      t.is(failed, 0);
      t.is(count, all.length);
      t.deepEqual(rowsOf(again), rowsOf(packed));
    }),
    { numRuns: 300 },
  );
});

test('what JSON.stringify writes is read as JSON.parse reads it', (t) => {
  const spaces = fc.constantFrom('', ' ', '\t ');
  fc.assert(
    fc.property(
      fc.string({ unit: 'grapheme', minLength: 1 }),
      fc.string({ unit: 'grapheme' }),
      spaces,
      (key, value, space) => {
        // Every character as an escape, and every one as it is.
        const escaped = [...Array(key.length).keys()].map(
          (at) => `\\u${key.charCodeAt(at).toString(16).padStart(4, '0')}`,
        );
        const text = `${space}{${space}"value"${space}:${space}${JSON.stringify(value)}${space},${space}"key":"${escaped.join('')}"}${space}\r\n`;
        t.deepEqual(rowsOf(parse(text).rows), [
          { key: Buffer.from(key).toString('hex'), value: Buffer.from(value).toString('hex'), ttlMs: 0, line: 1 },
        ]);
      },
    ),
  );
});

test('empty lines, \\r\\n, a byte order mark and a missing last newline', (t) => {
  const parsed = parse('\ufeff{"key":"a","value":"1"}\r\n\r\n  \n{"key":"b","value":"2","ttlMs":1e3}');
  t.is(parsed.failed, 0);
  t.deepEqual(rowsOf(parsed.rows), [
    { key: '61', value: '31', ttlMs: 0, line: 1 },
    { key: '62', value: '32', ttlMs: 1000, line: 4 },
  ]);
  t.is(parsed.lines, 4);
});

const wrong: readonly (readonly [line: string | Uint8Array, code: string, text: RegExp])[] = [
  ['nonsense', 'KV_BAD_REQUEST', /'\{' is expected at column 1/],
  ['[]', 'KV_BAD_REQUEST', /'\{' is expected at column 1/],
  ['{', 'KV_BAD_REQUEST', /a name in quotes is expected where the line ends/],
  ['{}', 'KV_BAD_REQUEST', /there is no key/],
  ['{"key":"a"}', 'KV_BAD_REQUEST', /there is no value/],
  ['{"value":"a"}', 'KV_BAD_REQUEST', /there is no key/],
  ['{"key":"a","value":"b"} x', 'KV_BAD_REQUEST', /the end of the line is expected at column 25/],
  ['{"key":"a","value":"b"', 'KV_BAD_REQUEST', /',' or '\}' is expected where the line ends/],
  ['{"key":"a","value":"b",}', 'KV_BAD_REQUEST', /a name in quotes is expected at column 24/],
  ['{"key":"a","value":"b', 'KV_BAD_REQUEST', /no closing quote/],
  ['{"key":"a" "value":"b"}', 'KV_BAD_REQUEST', /',' or '\}' is expected at column 12/],
  ['{"key" "a"}', 'KV_BAD_REQUEST', /':' is expected at column 8/],
  ['{"key":1,"value":"b"}', 'KV_BAD_REQUEST', /'key' is a string in quotes/],
  ['{"key":"a","value":null}', 'KV_BAD_REQUEST', /'value' is a string in quotes/],
  ['{"key":"a","value":{"a":1}}', 'KV_BAD_REQUEST', /'value' is a string in quotes/],
  ['{"key":"a","key":"b","value":""}', 'KV_BAD_REQUEST', /'key' is given twice/],
  ['{"key":"a","key64":"YQ==","value":""}', 'KV_BAD_REQUEST', /'key' and 'key64' are both given/],
  ['{"key":"a","value64":"","value":""}', 'KV_BAD_REQUEST', /'value' and 'value64' are both given/],
  ['{"key":"a","value":"","ttlMs":1,"ttlMs":1}', 'KV_BAD_REQUEST', /'ttlMs' is given twice/],
  ['{"key":"a","value":"","Ttl":1}', 'KV_BAD_REQUEST', /there is no member 'Ttl'/],
  ['{"key":"a","value":"\t"}', 'KV_BAD_REQUEST', /a control character at column 21/],
  ['{"key":"a","value":"\\x"}', 'KV_BAD_REQUEST', /an escape that JSON does not have, at column 21/],
  ['{"key":"a","value":"\\u12"}', 'KV_BAD_REQUEST', /an escape that JSON does not have/],
  ['{"key":"\\ud800","value":""}', 'KV_BAD_REQUEST', /'key' has half of a surrogate pair/],
  ['{"key":"a","value":"\\udc00\\ud800"}', 'KV_BAD_REQUEST', /'value' has half of a surrogate pair/],
  ['{"key64":"YQ","value":""}', 'KV_BAD_REQUEST', /'key64' is not base64/],
  ['{"key64":"YR==","value":""}', 'KV_BAD_REQUEST', /'key64' is not base64/],
  ['{"key":"a","value64":"Y-=="}', 'KV_BAD_REQUEST', /'value64' is not base64/],
  ['{"key":"","value":""}', 'KV_BAD_KEY', /the key has 0 bytes/],
  [`{"key":"${'k'.repeat(65_536)}","value":""}`, 'KV_BAD_KEY', /the key has 65536 bytes/],
  [
    Uint8Array.from([...utf8.encode('{"key":"'), 0xff, ...utf8.encode('","value":""}')]),
    'KV_BAD_REQUEST',
    /not valid UTF-8/,
  ],
  ...['0', '-1', '1.5', '140737488355328', '01', '+1', '"5"', 'null', '', '1e400', '0x10', `1${'0'.repeat(40)}`].map(
    (ttlMs) => [`{"key":"a","value":"","ttlMs":${ttlMs}}`, 'KV_BAD_REQUEST', /'ttlMs' is a whole number/] as const,
  ),
];

for (const [line, code, text] of wrong) {
  const shown = typeof line === 'string' ? line.slice(0, 60) : 'bytes that are no UTF-8';
  test(`wrong, and the others go on: ${shown}`, (t) => {
    const bytes = typeof line === 'string' ? utf8.encode(line) : line;
    const good = utf8.encode('{"key":"a","value":"1"}');
    const { rows, errors, failed } = parseRows(Uint8Array.from([...good, 10, ...bytes, 10, ...good]));
    t.is(failed, 1);
    t.like(errors, [{ line: 2, code }]);
    t.regex(errors[0]?.message ?? '', text);
    t.deepEqual(
      rowsOf(rows).map((row) => row.line),
      [1, 3],
    );
  });
}

test('text near JSON is taken as JSON.parse takes it, and nothing else is', (t) => {
  const near = fc.string({ unit: fc.constantFrom(...'{}":,\\u0041 key6v'), maxLength: 30 });
  const base = '{"key":"k","value":"v","ttlMs":5}';
  fc.assert(
    fc.property(near, fc.nat(base.length), fc.nat(4), (noise, at, cut) => {
      const line = base.slice(0, at) + noise + base.slice(at + cut);
      const { failed, count } = parse(line);
      if (count === 1) t.notThrows(() => JSON.parse(line), line);
      else if (failed === 1) t.false(isRow(line), line);
    }),
    { numRuns: 3000 },
  );
});

/** By the book: what a row is, as JSON.parse sees it. Names given twice are not seen by it. */
function isRow(line: string): boolean {
  try {
    const { key, value, ttlMs, ...others } = JSON.parse(line);
    const names = [...line.matchAll(/"(key|value|ttlMs)"\s*:/g)].map((match) => match[1]);
    if (new Set(names).size < names.length || Object.keys(others).length > 0) return false;
    return typeof key === 'string' && key !== '' && typeof value === 'string' && (ttlMs === undefined || ttlMs === 5);
  } catch {
    return false;
  }
}

test('the first errors are told, all are counted', (t) => {
  const { errors, failed } = parseRows(utf8.encode('x\n'.repeat(1000)), 5, 3);
  t.is(failed, 1000);
  t.deepEqual(
    errors.map(({ line }) => line),
    [5, 6, 7],
  );
});

test('a text of several megabytes', (t) => {
  const value = 'é'.repeat(3_000_000);
  const { rows, failed } = parse(`${JSON.stringify({ key: 'large', value })}\n{"key":"next","value":""}`);
  t.is(failed, 0);
  t.is(rows.length, 18 + 5 + 6_000_000 + 18 + 4);
  t.is(
    Buffer.from(encodeRows(rows)).toString(),
    `${JSON.stringify({ key: 'large', value })}\n{"key":"next","value":""}\n`,
  );
});
