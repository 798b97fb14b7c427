/** The mix of operations. */
import test from 'ava';
import { KeyvalError } from '../../../src/errors.ts';
import { Mix, parseMix } from '../../../tools/loadgen/mix.ts';

test('weights by name', (t) => {
  t.deepEqual(parseMix('get=80,put=15,lock=5'), [
    ['get', 80],
    ['put', 15],
    ['lock', 5],
  ]);
  t.deepEqual(parseMix(' cas=0.5 , trylock=1e2 '), [
    ['cas', 0.5],
    ['trylock', 100],
  ]);
});

for (const text of [
  '',
  'get',
  'get=',
  'get=0',
  'get=-1',
  'get=x',
  'get=1=2',
  'get=Infinity',
  'got=1',
  'get=1,,put=1',
]) {
  test(`refuses '${text}'`, (t) => {
    const error = t.throws(() => parseMix(text), { instanceOf: KeyvalError });
    t.is(error.code, 'KV_USAGE');
    t.regex(error.message, /^--mix: /);
  });
}

test('refuses a kind that comes twice', (t) => {
  t.throws(() => parseMix('get=1,put=2,get=3'), { message: "--mix: 'get' comes twice" });
});

test('draws as often as the weights say, whatever they add up to', (t) => {
  const mix = new Mix(parseMix('get=2,put=1,lock=1'));
  const draws = Array.from({ length: 1000 }, (_, i) => mix.pick(i / 1000));
  const count = (kind: string): number => draws.filter((drawn) => drawn === kind).length;
  t.deepEqual([count('get'), count('put'), count('lock')], [500, 250, 250]);
});

test('a mix of one, and the greatest draw there is', (t) => {
  t.is(new Mix(parseMix('incr=7')).pick(1 - Number.EPSILON), 'incr');
  t.is(new Mix(parseMix('get=1,put=2')).pick(1 - Number.EPSILON), 'put');
});
