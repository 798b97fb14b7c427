/** Columns and numbers for people. */
import test from 'ava';
import { bytesText, shortened, spanText, table } from '../../../src/cli/shared/table.ts';

test('columns are as wide as their widest cell, the last one is not filled up', (t) => {
  t.is(
    table([
      ['NODE', 'KEYS', 'STATE'],
      ['127.0.0.1:6234', '7', 'up'],
    ]),
    'NODE            KEYS  STATE\n127.0.0.1:6234  7     up',
  );
  t.is(table([]), '');
});

test('a long cell is cut to 64 columns', (t) => {
  t.is(shortened('k'.repeat(64)), 'k'.repeat(64));
  t.is(shortened('k'.repeat(65)), `${'k'.repeat(63)}…`);
  t.is(shortened('😀'.repeat(64)), '😀'.repeat(64));
  t.is(shortened('😀'.repeat(3000)), `${'😀'.repeat(63)}…`);
});

for (const [bytes, text] of [
  [0, '0 B'],
  [1023, '1023 B'],
  [1024, '1.0 KiB'],
  [794_640, '776.0 KiB'],
  [2 ** 30 * 1.5, '1.5 GiB'],
  [2 ** 52, '4096.0 TiB'],
] as const) {
  test(`${bytes} bytes are ${text}`, (t) => {
    t.is(bytesText(bytes), text);
  });
}

for (const [ms, text] of [
  [0, '0s'],
  [999, '0s'],
  [59_999, '59s'],
  [184_000, '3m 4s'],
  [3_600_000, '1h 0m'],
  [90_061_000, '1d 1h'],
] as const) {
  test(`${ms} ms are ${text}`, (t) => {
    t.is(spanText(ms), text);
  });
}
