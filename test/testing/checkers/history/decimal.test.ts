import test from 'ava';
import fc from 'fast-check';
import { compareDecimals, toDecimal } from '../../../../src/testing/checkers/history/decimal.ts';

test('numbers and digit strings become the same digits', (t) => {
  t.is(toDecimal(0), '0');
  t.is(toDecimal(42), '42');
  t.is(toDecimal('18446744073709551615'), '18446744073709551615');
});

test('what is no whole number from 0 on is refused', (t) => {
  for (const json of [
    -1,
    1.5,
    2 ** 53,
    Number.NaN,
    '',
    '-1',
    '01',
    '1e3',
    '123456789012345678901',
    null,
    undefined,
    {},
  ]) {
    t.is(toDecimal(json), undefined, JSON.stringify(json));
  }
});

test('digits compare as the numbers they are', (t) => {
  const number = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
  t.notThrows(() =>
    fc.assert(
      fc.property(number, number, (a, b) => {
        const sign = a < b ? -1 : a > b ? 1 : 0;
        return Math.sign(compareDecimals(String(a), String(b))) === sign;
      }),
    ),
  );
});
