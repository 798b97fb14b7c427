/** Zipf's law: how often each rank comes. */
import test from 'ava';
import fc from 'fast-check';
import { Prng } from '../../../src/base/prng.ts';
import { pickerOf } from '../../../tools/loadgen/zipf.ts';

const DRAWS = 100_000;
/** Four standard deviations of a frequency are 0.0063 at most. */
const TOLERANCE = 0.0064;

for (const exponent of [0, 0.5, 0.99, 1, 2, 5]) {
  test(`exponent ${exponent}: rank k comes in proportion to 1 / k^${exponent}`, (t) => {
    const count = 20;
    const picker = pickerOf(count, exponent);
    const random = new Prng(1);
    const drawn = new Array<number>(count).fill(0);
    for (let i = 0; i < DRAWS; i += 1) {
      const index = picker.pick(random);
      drawn[index] = (drawn[index] as number) + 1;
    }
    const weights = drawn.map((_, index) => 1 / (index + 1) ** exponent);
    const total = weights.reduce((sum, weight) => sum + weight);
    for (const [index, weight] of weights.entries()) {
      const difference = Math.abs((drawn[index] as number) / DRAWS - weight / total);
      t.true(difference < TOLERANCE, `index ${index}: off by ${difference}`);
    }
  });
}

test('every draw is one of the indices', (t) => {
  const property = fc.property(
    fc.integer({ min: 1, max: 10_000_000 }),
    fc.double({ min: 0, max: 10, noNaN: true }),
    fc.nat(),
    (count, exponent, seed) => {
      const random = new Prng(seed);
      const picker = pickerOf(count, exponent);
      for (let i = 0; i < 50; i += 1) {
        const index = picker.pick(random);
        if (!(Number.isInteger(index) && index >= 0 && index < count)) return false;
      }
      return true;
    },
  );
  t.notThrows(() => fc.assert(property));
});
