/** NDJSON of imports and exports: any bytes are rows or errors of their lines; rows that were read, written and read again are the same. */
import { parseRows } from '../../../src/bulk/ndjson-rows.ts';
import { encodeRows } from '../../../src/bulk/row-text.ts';
import { RowReader } from '../../../src/bulk/rows.ts';
import { mustHold, type Target } from '../target.ts';

const ERRORS_MAX = 5;

export function bulkTarget(): Target {
  return {
    name: 'bulk',
    files: [
      'src/bulk/ndjson-rows.ts',
      'src/bulk/line-reader.ts',
      'src/bulk/member.ts',
      'src/bulk/base64.ts',
      'src/bulk/row-text.ts',
      'src/bulk/rows.ts',
    ],
    framesFrom: null,
    inputBytesMax: 1024,
    inputsPerLife: 1_000_000,
    seeds: lines.map((line) => new TextEncoder().encode(line)),
    words: [
      '"key":',
      '"key64":"',
      '"value":',
      '"value64":"',
      '"ttlMs":',
      '{"key":"a","value":"b"}\n',
      '\\u0000',
      '\\ud83d\\ude00',
      'AAA=',
      'AA==',
      '\r\n',
      '1e3',
      '140737488355328',
      '\ufeff',
    ].map((text) => new TextEncoder().encode(text)),
    reset: () => undefined,
    run,
  };
}

const lines: readonly string[] = [
  '{"key":"text","value":"text","ttlMs":12345}\n{"key64":"AAECAw==","value64":"/wD/"}\n',
  '{"key":"\\u00e9\\n\\"","value":"\\ud83d\\ude00"}\r\n\n{"value":"","key":"x"}',
  '\ufeff { "key" : "a" , "value" : "b" , "ttlMs" : 1 } ',
  '{"key":"a","value":"b","other":[1,{"x":null},true,-1.5e3]}\n{"key":"a"}\n[]\n{"key":"a","key":"b","value":""}',
];

function run(input: Uint8Array): undefined {
  const text = input.slice();
  const { rows, count, errors, failed } = parseRows(text, 1, ERRORS_MAX);
  mustHold(errors.length === Math.min(failed, ERRORS_MAX), 'errors are counted, and the first ones told');
  for (const error of errors) mustHold(error.line >= 1 && error.message !== '', 'an error says where and what');
  const again = parseRows(encodeRows(rows), 1, ERRORS_MAX);
  mustHold(again.failed === 0 && again.count === count, 'rows that were written can be read');
  sameRows(new RowReader(rows), new RowReader(again.rows), count);
  asJson(text, new RowReader(rows), count);
}

function sameRows(a: RowReader, b: RowReader, count: number): void {
  for (let row = 0; row < count; row += 1) {
    mustHold(a.next() && b.next(), 'there are as many rows as were counted');
    const same =
      a.ttlMs === b.ttlMs &&
      a.slot === b.slot &&
      Buffer.from(a.bytes.subarray(a.keyStart, a.keyEnd)).equals(b.bytes.subarray(b.keyStart, b.keyEnd)) &&
      Buffer.from(a.bytes.subarray(a.valueStart, a.valueEnd)).equals(b.bytes.subarray(b.valueStart, b.valueEnd));
    mustHold(same, 'a row that was written reads the same');
  }
  mustHold(!a.next() && !b.next(), 'there are no rows that were not counted');
}

/** What is taken as a row is JSON, and JSON means the same by it. */
function asJson(text: Uint8Array, row: RowReader, count: number): void {
  if (count === 0) return;
  const all = Buffer.from(text).toString('latin1').split('\n');
  while (row.next()) {
    const line = Buffer.from(all[row.line - 1] ?? '', 'latin1').toString('utf8');
    const parsed = JSON.parse(line.replace(/^\ufeff/, '')) as Record<string, unknown>;
    const key = Buffer.from(row.bytes.subarray(row.keyStart, row.keyEnd));
    const meant = 'key' in parsed ? Buffer.from(String(parsed.key)) : Buffer.from(String(parsed.key64), 'base64');
    mustHold(key.equals(meant), 'a key is what JSON says');
    mustHold((parsed.ttlMs ?? 0) === row.ttlMs, 'a time to live is what JSON says');
  }
}
