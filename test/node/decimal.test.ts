import test from 'ava';
import fc from 'fast-check';
import { DECIMAL_BYTES_MAX, isInt64, parseDecimal, writeDecimal } from '../../src/node/decimal.ts';

const MAX = 2n ** 63n - 1n;
const MIN: bigint = -(2n ** 63n);

/** Parses `text` in the middle of digits that do not belong to it. */
function parse(text: string): bigint | null {
  const bytes = Buffer.from(`12${text}34`, 'latin1');
  return parseDecimal(bytes, 2, bytes.length - 2);
}

function written(value: bigint): string {
  const target = new Uint8Array(DECIMAL_BYTES_MAX);
  return Buffer.from(target.subarray(0, writeDecimal(target, value))).toString();
}

const edges = [
  0n,
  1n,
  -1n,
  10n ** 9n - 1n,
  10n ** 9n,
  -(10n ** 9n),
  10n ** 18n,
  MAX,
  MAX - 1n,
  MIN,
  MIN + 1n,
  2n ** 53n,
];

test('reads and writes every 64-bit integer, at the edges too', (t) => {
  for (const value of edges) {
    t.is(parse(`${value}`), value);
    t.is(written(value), `${value}`);
  }
  const run = fc.property(fc.bigInt({ min: MIN, max: MAX }), (value) => {
    t.is(parse(`${value}`), value);
    t.is(parse(written(value)), value);
  });
  fc.assert(run);
});

test('what is beyond 64 bits is no integer', (t) => {
  for (const value of [MAX + 1n, MIN - 1n, 10n ** 19n, -(10n ** 19n), 10n ** 20n, 10n ** 30n])
    t.is(parse(`${value}`), null);
  t.true(isInt64(MAX));
  t.true(isInt64(MIN));
  t.false(isInt64(MAX + 1n));
  t.false(isInt64(MIN - 1n));
});

test('an integer is written in one way only', (t) => {
  for (const text of [
    '',
    '-',
    '-0',
    '00',
    '01',
    '-01',
    '+1',
    ' 1',
    '1 ',
    '1.0',
    '1e3',
    '0x1',
    '1-',
    '--1',
    '1_000',
    '٣',
  ]) {
    t.is(parse(text), null, `'${text}'`);
  }
});

test('reads exactly what BigInt would write again', (t) => {
  const text = fc.oneof(
    fc.stringMatching(/^-?[0-9]{1,21}$/),
    fc.stringMatching(/^[-+ 0-9a-f.]{0,21}$/),
    fc.bigInt({ min: 2n * MIN, max: 2n * MAX }).map(String),
  );
  const run = fc.property(text, (each) => {
    const isWritten = /^-?\d+$/.test(each) && `${BigInt(each)}` === each && isInt64(BigInt(each));
    t.is(parse(each), isWritten ? BigInt(each) : null);
  });
  fc.assert(run, { numRuns: 1000 });
});
