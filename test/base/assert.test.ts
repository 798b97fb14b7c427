import test from 'ava';
import { AssertionError, assert, unreachable } from '../../src/base/assert.ts';

test('a condition that holds passes, and narrows the type', (t) => {
  const value: string | null = Math.random() < 2 ? 'x' : null;
  assert(value !== null, 'value is there');
  t.is(value.length, 1);
});

test('a condition that fails throws with the message given', (t) => {
  const error = t.throws(() => assert(1 + 1 === Number('3'), 'sums add up'), { instanceOf: AssertionError });
  t.is(error?.message, 'sums add up');
  t.is(error?.name, 'AssertionError');
});

test('unreachable throws and names what arrived', (t) => {
  t.throws(() => unreachable('surprise' as never), { instanceOf: AssertionError, message: 'unreachable: surprise' });
});
