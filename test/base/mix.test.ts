import test from 'ava';
import { absorb, absorbText, finish } from '../../src/base/mix.ts';

/** MurmurHash3_x86_32 of whole words: the length in bytes goes in before the end. */
function murmur3(words: number[], seed: number): number {
  return finish(words.reduce(absorb, seed) ^ (words.length * 4));
}

test('the steps make up MurmurHash3: known hashes of the algorithm', (t) => {
  t.is(murmur3([], 0), 0);
  t.is(murmur3([], 1), 0x514e28b7);
  t.is(murmur3([], 0xffffffff), 0x81f16f39);
  t.is(murmur3([0xffffffff], 0), 0x76293b50);
  t.is(murmur3([0x87654321], 0), 0xf55b516b);
  t.is(murmur3([0x87654321], 0x5082edee), 0x2362f9de);
  t.is(murmur3([0], 0), 0x2362f9de);
});

test('texts do not run together', (t) => {
  const hash = (...texts: string[]) => finish(texts.reduce(absorbText, 1));
  t.not(hash('ab', 'c'), hash('a', 'bc'));
  t.not(hash('', 'a'), hash('a', ''));
  t.is(hash('node-1'), hash('node-1'));
});

test('a flipped bit of a word flips each bit of the hash about half of the time', (t) => {
  const flips = new Array<number>(32).fill(0);
  const words = 1_000;
  for (let word = 0; word < words; word++) {
    const changed = finish(absorb(0, word)) ^ finish(absorb(0, word ^ (1 << (word % 32))));
    for (let bit = 0; bit < 32; bit++) flips[bit] = (flips[bit] as number) + ((changed >>> bit) & 1);
  }
  for (const count of flips) t.true(count > words * 0.42 && count < words * 0.58, String(count));
});
