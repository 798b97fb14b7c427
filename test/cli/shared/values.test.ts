/** Values of options: what is taken, and that a mistake names the option and what it takes. */
import test from 'ava';
import { revisionOf, Values } from '../../../src/cli/shared/values.ts';
import { KeyvalError } from '../../../src/index.ts';

function given(value: unknown): Values {
  return new Values({ _: [], x: value });
}

const readers = {
  duration: (text: string) => given(text).durationMs('x'),
  'duration or 0': (text: string) => given(text).durationMs('x', 0),
  size: (text: string) => given(text).byteSize('x'),
  whole: (text: string) => given(text).whole('x', 1, 255),
  integer: (text: string) => given(text).integer('x'),
  revision: (text: string) => given(text).revision('x'),
  choice: (text: string) => given(text).oneOf('x', ['table', 'json']),
} as const;

const taken: readonly (readonly [keyof typeof readers, string, number | bigint | 'json'])[] = [
  ['duration', '250', 250],
  ['duration', '250ms', 250],
  ['duration', '1.5s', 1500],
  ['duration', '10m', 600_000],
  ['duration', '2h', 7_200_000],
  ['duration or 0', '0', 0],
  ['size', '1048576', 1_048_576],
  ['size', '512K', 524_288],
  ['size', '1.5G', 1_610_612_736],
  ['size', '4m', 4_194_304],
  ['size', '0', 0],
  ['whole', '255', 255],
  ['integer', '-3', -3n],
  ['integer', '+3', 3n],
  ['integer', '9223372036854775807', 9_223_372_036_854_775_807n],
  ['revision', '18446744073709551615', 18_446_744_073_709_551_615n],
  ['choice', 'json', 'json'],
];
for (const [reader, text, value] of taken) {
  test(`${reader} ${text}`, (t) => {
    t.is(readers[reader](text), value);
  });
}

const refused: readonly (readonly [keyof typeof readers, string])[] = [
  ['duration', ''],
  ['duration', '0'],
  ['duration', '-1'],
  ['duration', '1d'],
  ['duration', '1e3'],
  ['duration', '0x10'],
  ['duration', '99999999999999999999'],
  ['duration', 'Infinity'],
  ['size', '1T'],
  ['size', '-1'],
  ['size', 'K'],
  ['whole', '0'],
  ['whole', '256'],
  ['whole', '1.5'],
  ['whole', ''],
  ['integer', '1.5'],
  ['integer', 'one'],
  ['revision', '-1'],
  ['revision', ''],
  ['revision', '999999999999999999999'],
  ['choice', 'xml'],
  ['choice', ''],
];
for (const [reader, text] of refused) {
  test(`${reader} refuses '${text}'`, (t) => {
    const error = t.throws(() => readers[reader](text), { instanceOf: KeyvalError, code: 'KV_USAGE' });
    t.true(error.message.startsWith('--x is'), error.message);
    t.true(error.message.endsWith(`not '${text}'`), error.message);
  });
}

test('what was not given is undefined', (t) => {
  const values = new Values({ _: [] });
  t.is(values.text('x'), undefined);
  t.is(values.durationMs('x'), undefined);
  t.is(values.list('x'), undefined);
  t.false(values.flag('x'));
});

test('given twice: the last one counts, lists are joined', (t) => {
  t.is(given(['1', '2']).whole('x'), 2);
  t.deepEqual(given(['a,b', 'c']).list('x'), ['a', 'b', 'c']);
  t.deepEqual(given('a,b').list('x'), ['a', 'b']);
});

test('an operand that should be a revision is named', (t) => {
  t.is(revisionOf('REVISION', '0'), 0n);
  t.throws(() => revisionOf('REVISION', 'x'), { code: 'KV_USAGE', message: /^REVISION is a revision/ });
});
