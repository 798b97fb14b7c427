/** Values that occur once, and how a history shows them. */
import test from 'ava';
import fc from 'fast-check';
import { inHistory, UNIQUE_VALUE_BYTES, Values } from '../../../tools/loadgen/values.ts';

test('values have the size asked for, and none comes twice', (t) => {
  for (const bytes of [UNIQUE_VALUE_BYTES, 64, 1000]) {
    const writers = [0, 1, 35, 36].map((writer) => new Values(writer, bytes));
    const values = writers.flatMap((writer) => Array.from({ length: 100 }, () => writer.next()));
    t.true(values.every((value) => value.length === bytes));
    t.is(new Set(values).size, values.length);
    t.is(new Set(values.map((value) => inHistory(value, bytes))).size, values.length);
  }
});

test('small values are cut', (t) => {
  t.is(new Values(1, 3).next(), '1.1');
  t.is(new Values(12_345, 2).next().length, 2);
});

test('a history shows what makes a value unique', (t) => {
  t.is(inHistory(new Values(36, 64).next(), 64), '10.1');
  t.is(inHistory('17', 64), '17');
  t.is(inHistory('-9223372036854775808', 64), '-9223372036854775808');
});

test('a damaged value does not look like a whole one', (t) => {
  const value = new Values(1, 64).next();
  for (const damaged of [value.slice(1), `${value}~`, value.slice(0, -1), value.replace('~~', '~!'), '', '1.1']) {
    t.regex(inHistory(damaged, 64), /^sha256:[0-9a-f]{64}$/);
  }
});

test('a history needs no escapes, and shows different values differently', (t) => {
  const text = fc.string({ unit: 'binary', maxLength: 40 });
  const property = fc.property(text, text, (a, b) => {
    const [one, other] = [inHistory(a, UNIQUE_VALUE_BYTES), inHistory(b, UNIQUE_VALUE_BYTES)];
    return JSON.stringify(one) === `"${one}"` && (a === b) === (one === other);
  });
  t.notThrows(() => fc.assert(property));
});
