/** The cases, and the echo that each is compared with. */
import test from 'ava';
import { cases, frameBytes } from '../../../tools/bench/cases.ts';
import { keySpace, ownKeys } from '../../../tools/bench/keys.ts';

test('the echo moves as many bytes as requests and replies together', (t) => {
  t.is(frameBytes('get') * 2, 12 + 7 + 16 + (12 + 15 + 64));
  t.is(frameBytes('put') * 2, 12 + 37 + 16 + 64 + (12 + 9));
  t.is(frameBytes('mix') * 2, frameBytes('get') + frameBytes('put'));
  t.is(frameBytes('lock'), Math.round((2 * (12 + 37 + 16) + (12 + 8 + 15) + (12 + 9)) / 4));
});

test('names are unique and end in the number of loops', (t) => {
  t.is(new Set(cases.map(({ name }) => name)).size, cases.length);
  for (const { name, operation, loops } of cases) t.is(name, `${operation}-${loops}`);
});

test('keys have 16 bytes, values 64, and each its own', (t) => {
  const { keys, values } = keySpace(1000);
  t.true(keys.every((key) => key.length === 16));
  t.true(values.every((value) => value.length === 64));
  t.is(new Set(keys).size, 1000);
  t.is(new Set(values).size, 1000);
});

test('no two loops lock the same key', (t) => {
  const locked = ownKeys(64, 8).flat();
  t.is(new Set(locked).size, 64 * 8);
});
