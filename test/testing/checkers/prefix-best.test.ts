import test from 'ava';
import fc from 'fast-check';
import { order, PrefixBest } from '../../../src/testing/checkers/prefix-best.ts';

interface Item {
  readonly at: number;
  readonly worth: number;
}

const item = fc.record({ at: fc.integer({ min: 0, max: 20 }), worth: fc.integer({ min: 0, max: 9 }) });

function bestOf(items: readonly Item[]): number | undefined {
  return items.length === 0 ? undefined : Math.max(...items.map(({ worth }) => worth));
}

test('before and upTo find the best of what lies there', (t) => {
  const property = fc.property(fc.array(item), fc.integer({ min: -1, max: 21 }), (items, moment) => {
    const index = new PrefixBest(
      items,
      ({ at }) => at,
      (a, b) => a.worth - b.worth,
    );
    t.is(index.before(moment)?.worth, bestOf(items.filter(({ at }) => at < moment)));
    t.is(index.upTo(moment)?.worth, bestOf(items.filter(({ at }) => at <= moment)));
  });
  fc.assert(property);
});

test('moments may be infinite', (t) => {
  const index = new PrefixBest([-Infinity, 3, Infinity], (at) => at, order);
  t.is(index.before(0), -Infinity);
  t.is(index.upTo(Infinity), Infinity);
  t.is(index.before(Infinity), 3);
  t.is(index.before(-Infinity), undefined);
});
