import test from 'ava';
import fc from 'fast-check';
import { AssertionError } from '../../src/base/assert.ts';
import { naturalLog } from '../../src/base/natural-log.ts';

/** Places in the last bit by which two numbers may differ. */
const ULPS_MAX = 4;

test('agrees with the engine to the last bits, from the smallest double to 1', (t) => {
  fc.assert(
    fc.property(fc.double({ min: Number.MIN_VALUE, max: 1, noNaN: true }), (x) => {
      const expected = Math.log(x);
      return Math.abs(naturalLog(x) - expected) <= ULPS_MAX * Number.EPSILON * Math.abs(expected);
    }),
    { numRuns: 5_000 },
  );
  t.is(naturalLog(1), 0);
});

test('just below 1 it is below 0: a score never divides by zero', (t) => {
  t.true(naturalLog(1 - 2 ** -53) < 0);
});

test('the bits are fixed: a change here would move partitions', (t) => {
  t.is(naturalLog(0.5), -Math.LN2);
  t.is(naturalLog(0.3), -1.203972804325936);
  t.is(naturalLog(2 ** -53), -36.7368005696771);
});

test('outside of its range it is a bug', (t) => {
  for (const x of [0, -1, 1.5, Number.NaN]) t.throws(() => naturalLog(x), { instanceOf: AssertionError });
});
