/** The arithmetic of ratios. */
import test from 'ava';
import type { Case } from '../../../tools/bench/cases.ts';
import { figureOf, median, spreadOf, summarize } from '../../../tools/bench/ratio.ts';
import { rate, round, roundTrip } from './support.ts';

const rateCase: Case = { name: 'get-64', operation: 'get', loops: 64, measure: 'rate', target: 0.5 };
const roundTripCase: Case = { name: 'get-1', operation: 'get', loops: 1, measure: 'round-trip', target: 1.25 };

test('the median is the middle value, or the mean of the two in the middle', (t) => {
  t.is(median([3, 1, 2]), 2);
  t.is(median([10, 1, 2, 3]), 2.5);
  t.is(median([7]), 7);
  t.throws(() => median([]), { instanceOf: RangeError });
});

test('a spread has median, least and most', (t) => {
  t.deepEqual(spreadOf([4, 9, 5]), { median: 5, min: 4, max: 9 });
});

test('each run is compared with its neighbour, and the median of the ratios counts', (t) => {
  // The machine was ten times slower during the second round.
  const rounds = [round(rate(600), rate(1000)), round(rate(50), rate(100)), round(rate(400), rate(1000))];
  const { ratio, verdict } = summarize(rateCase, rounds);
  t.deepEqual(ratio, { median: 0.5, min: 0.4, max: 0.6 });
  t.is(verdict, 'ok');
});

test('a rate falls short below its target, a round trip above it', (t) => {
  t.is(summarize(rateCase, [round(rate(499), rate(1000))]).verdict, 'short');
  t.is(summarize(roundTripCase, [round(roundTrip(50), roundTrip(40))]).verdict, 'ok');
  t.is(summarize(roundTripCase, [round(roundTrip(51), roundTrip(40))]).verdict, 'short');
  t.is(summarize({ ...rateCase, target: null }, [round(rate(1), rate(1000))]).verdict, null);
});

test('another checkout is compared with the echo and with this one', (t) => {
  const { ratio, otherRatio, change } = summarize(rateCase, [round(rate(600), rate(1000), rate(400))]);
  t.is(ratio.median, 0.6);
  t.is(otherRatio?.median, 0.4);
  t.is(change?.median, 1.5);
  t.is(summarize(rateCase, [round(rate(1), rate(2))]).change, null);
});

test('a rate is no round trip', (t) => {
  t.is(figureOf('round-trip', roundTrip(40)), 40);
  t.throws(() => figureOf('round-trip', rate(1)), { instanceOf: RangeError });
});
