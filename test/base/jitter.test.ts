import test from 'ava';
import fc from 'fast-check';
import { AssertionError } from '../../src/base/assert.ts';
import { Backoff, nextDelayMs } from '../../src/base/jitter.ts';
import { Prng } from '../../src/base/prng.ts';

const lowest = (): number => 0;
const highest = (): number => 1 - Number.EPSILON;

const TABLE = [
  { previousMs: 0, lowMs: 10, highMs: 10 },
  { previousMs: 10, lowMs: 10, highMs: 30 },
  { previousMs: 30, lowMs: 10, highMs: 90 },
  { previousMs: 90, lowMs: 10, highMs: 100 },
  { previousMs: 100, lowMs: 10, highMs: 100 },
];

for (const { previousMs, lowMs, highMs } of TABLE) {
  test(`after ${previousMs} ms with base 10 and cap 100: ${lowMs} to ${highMs} ms`, (t) => {
    t.is(nextDelayMs(previousMs, 10, 100, lowest), lowMs);
    t.is(nextDelayMs(previousMs, 10, 100, highest), highMs);
  });
}

test('delays are whole milliseconds from base to cap, whatever the luck', (t) => {
  const limits = fc.tuple(fc.integer({ min: 1, max: 1_000 }), fc.integer({ min: 0, max: 100_000 }));
  fc.assert(
    fc.property(limits, fc.maxSafeNat(), ([baseMs, moreMs], seed) => {
      const prng = new Prng(seed);
      const backoff = new Backoff({ baseMs, capMs: baseMs + moreMs, random: () => prng.float() });
      for (let attempt = 0; attempt < 50; attempt++) {
        const delayMs = backoff.next();
        if (!Number.isInteger(delayMs) || delayMs < baseMs || delayMs > baseMs + moreMs) return false;
      }
      return true;
    }),
  );
  t.pass();
});

test('unlucky delays grow threefold to the cap; reset starts over', (t) => {
  const backoff = new Backoff({ baseMs: 10, capMs: 500, random: highest });
  t.deepEqual(
    [backoff.next(), backoff.next(), backoff.next(), backoff.next(), backoff.next()],
    [30, 90, 270, 500, 500],
  );
  backoff.reset();
  t.is(backoff.next(), 30);
});

test('at the cap delays stay spread: clients that failed together do not come back together', (t) => {
  const prng = new Prng(1);
  const atCap = Array.from({ length: 1_000 }, () => nextDelayMs(500, 10, 500, () => prng.float()));
  t.true(new Set(atCap).size > 300);
  t.true(atCap.filter((delayMs) => delayMs === 500).length < 20);
});

test('limits that make no sense are bugs', (t) => {
  for (const [baseMs, capMs] of [
    [0, 10],
    [10, 9],
    [0.5, 10],
    [10, Number.POSITIVE_INFINITY],
  ] as const) {
    t.throws(() => new Backoff({ baseMs, capMs, random: lowest }), { instanceOf: AssertionError });
  }
});
