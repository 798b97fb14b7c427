import test from 'ava';
import fc from 'fast-check';
import { AssertionError } from '../../src/base/assert.ts';
import { Prng } from '../../src/base/prng.ts';

function draws(prng: Prng, count: number): number[] {
  return Array.from({ length: count }, () => prng.u32());
}

/** Σ (observed − expected)² / expected over equally likely bins. */
function chiSquared(counts: number[]): number {
  const expected = counts.reduce((sum, count) => sum + count, 0) / counts.length;
  return counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
}

test('a seed decides the stream, for ever: a change here breaks every seed on record', (t) => {
  t.deepEqual(draws(new Prng(0), 4), [4_216_505_632, 947_923_937, 2_491_578_854, 3_964_400_089]);
  t.deepEqual(draws(new Prng(Number.MAX_SAFE_INTEGER), 4), [182_731_693, 1_903_088_272, 1_586_958_750, 1_240_279_877]);
});

test('the same seed repeats, another differs, in the high half too', (t) => {
  fc.assert(
    fc.property(fc.maxSafeNat(), fc.maxSafeNat(), (one, other) => {
      const first = draws(new Prng(one), 8);
      t.deepEqual(draws(new Prng(one), 8), first);
      if (one !== other) t.notDeepEqual(draws(new Prng(other), 8), first);
    }),
  );
  t.notDeepEqual(draws(new Prng(7), 8), draws(new Prng(7 + 2 ** 40), 8));
});

test('a seed that is no whole number of 53 bits is refused', (t) => {
  for (const seed of [-1, 0.5, 2 ** 53, Number.NaN]) t.throws(() => new Prng(seed), { instanceOf: AssertionError });
});

test('u32: every bit is set half of the time, and every byte is as likely', (t) => {
  const prng = new Prng(1);
  const count = 100_000;
  const setBits = new Array<number>(32).fill(0);
  const bytes = new Array<number>(256).fill(0);
  for (const drawn of draws(prng, count)) {
    for (let bit = 0; bit < 32; bit++) setBits[bit] = (setBits[bit] as number) + ((drawn >>> bit) & 1);
    bytes[drawn & 0xff] = (bytes[drawn & 0xff] as number) + 1;
  }
  // Five standard deviations: √(count)/2 each.
  for (const set of setBits) t.true(Math.abs(set - count / 2) < 2.5 * Math.sqrt(count), String(set));
  // 255 degrees of freedom: mean 255, standard deviation 22.6.
  t.true(chiSquared(bytes) < 255 + 5 * 22.6, String(chiSquared(bytes)));
});

test('u32: neighbours are not correlated', (t) => {
  const prng = new Prng(2);
  const pairs = new Array<number>(256).fill(0);
  for (let i = 0; i < 100_000; i++) {
    const pair = ((prng.u32() >>> 28) << 4) | (prng.u32() >>> 28);
    pairs[pair] = (pairs[pair] as number) + 1;
  }
  t.true(chiSquared(pairs) < 255 + 5 * 22.6, String(chiSquared(pairs)));
});

test('below: always in range', (t) => {
  fc.assert(
    fc.property(fc.maxSafeNat(), fc.integer({ min: 1, max: 2 ** 32 }), (seed, n) => {
      const drawn = new Prng(seed).below(n);
      return Number.isInteger(drawn) && drawn >= 0 && drawn < n;
    }),
  );
  t.is(new Prng(3).below(1), 0);
});

test('below: no result is favoured, not even where a plain remainder is off by half', (t) => {
  const prng = new Prng(4);
  const n = 3 * 2 ** 30; // A remainder would give the lowest third twice as often.
  const thirds = [0, 0, 0];
  for (let i = 0; i < 30_000; i++) {
    const third = Math.floor(prng.below(n) / 2 ** 30);
    thirds[third] = (thirds[third] as number) + 1;
  }
  t.true(chiSquared(thirds) < 20, thirds.join());
});

test('below: an empty range is a bug', (t) => {
  for (const n of [0, -1, 1.5, 2 ** 32 + 1, Number.NaN])
    t.throws(() => new Prng(5).below(n), { instanceOf: AssertionError });
});

test('float: from 0 to below 1, evenly, with its last bit in use', (t) => {
  const prng = new Prng(6);
  const tenths = new Array<number>(10).fill(0);
  let odd = 0;
  for (let i = 0; i < 50_000; i++) {
    const drawn = prng.float();
    if (drawn < 0 || drawn >= 1) t.fail(String(drawn));
    odd += (drawn * 2 ** 53) % 2;
    const tenth = Math.floor(drawn * 10);
    tenths[tenth] = (tenths[tenth] as number) + 1;
  }
  t.true(chiSquared(tenths) < 9 + 5 * 4.3, tenths.join());
  t.true(odd > 24_000 && odd < 26_000, String(odd));
});

test('fork: a stream per name, whatever was drawn before', (t) => {
  const parent = new Prng(8);
  const before = draws(parent.fork('network'), 8);
  draws(parent, 1_000);
  t.deepEqual(draws(parent.fork('network'), 8), before);
  t.notDeepEqual(draws(parent.fork('disk'), 8), before);
  t.notDeepEqual(draws(new Prng(9).fork('network'), 8), before);
  t.notDeepEqual(draws(parent.fork('network').fork('network'), 8), before);
});

test('fork: the streams of one seed agree in no more places than chance has it', (t) => {
  const parent = new Prng(10);
  const seeds = new Set(Array.from({ length: 10_000 }, (_, i) => parent.fork(`node-${i}`).seed));
  t.is(seeds.size, 10_000);
  const [one, other] = [parent.fork('a'), parent.fork('b')];
  let equalBits = 0;
  for (let i = 0; i < 10_000; i++) equalBits += ~(one.u32() ^ other.u32()) & 1;
  t.true(Math.abs(equalBits - 5_000) < 250, String(equalBits));
});
