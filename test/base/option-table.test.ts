/** Options that are looked at: names that nobody knows, values of another kind. */
import test from 'ava';
import {
  anything,
  bigint,
  bytes,
  flag,
  type Kind,
  number,
  OptionTable,
  shown,
  signal,
  text,
  texts,
} from '../../src/base/option-table.ts';

const table = new OptionTable<{ waitMs?: number; renew?: boolean; label?: string }>('lock', {
  waitMs: number,
  renew: flag,
  label: text,
});

function fault(options: unknown): string | null {
  return table.fault(options as object);
}

test('options that fit', (t) => {
  for (const options of [{}, { waitMs: 5 }, { waitMs: 5, renew: false, label: '' }, Object.create(null)])
    t.is(fault(options), null);
});

test('undefined counts as absent, whatever the name', (t) => {
  t.is(fault({ waitMs: undefined, wiatMs: undefined }), null);
});

test('an unknown name is told, with the one that was meant, or all there are', (t) => {
  t.is(fault({ wiatMs: 5 }), "lock: unknown option 'wiatMs'; did you mean waitMs?");
  t.is(fault({ wait: 5 }), "lock: unknown option 'wait'; did you mean waitMs?", 'the unit was forgotten');
  t.is(fault({ ttlMs: 5 }), "lock: unknown option 'ttlMs'; it takes waitMs, renew, label");
  t.is(fault({ constructor: 5 }), "lock: unknown option 'constructor'; it takes waitMs, renew, label");
});

test('what an object inherits is looked at, too', (t) => {
  t.is(fault(Object.create({ waitMs: 5 })), null);
  t.is(fault(Object.create({ wiatMs: 5 })), "lock: unknown option 'wiatMs'; did you mean waitMs?");
});

test('a value of another kind is told, with what it is', (t) => {
  t.is(fault({ renew: 'no' }), "lock: renew is true or false, not 'no'");
  t.is(fault({ waitMs: null }), 'lock: waitMs is a number, not null');
  t.is(fault({ label: new Map() }), 'lock: label is a string, not a Map');
});

test('what is no object of options', (t) => {
  class Lock {}
  for (const [given, what] of [
    [null, 'null'],
    [5, '5'],
    ['5', "'5'"],
    [(): void => undefined, 'a function'],
    [[], 'a list'],
    [new Lock(), 'a Lock'],
  ] as const)
    t.is(fault(given), `lock: options are an object, not ${what}`);
});

for (const [name, kind, fitting, others] of [
  ['anything', anything, [null, 5], []],
  ['number', number, [5, Number.NaN], ['5', 5n, null]],
  ['flag', flag, [true, false], ['yes', 1, null]],
  ['text', text, ['', 'a'], [5, null, ['a']]],
  ['bigint', bigint, [5n], [5, '5', null]],
  ['bytes', bytes, ['a', Buffer.from('a'), new Uint8Array(1)], [5, null, ['a'], new ArrayBuffer(1)]],
  ['texts', texts, [[], ['a']], ['a', null, [5]]],
  ['signal', signal, [AbortSignal.timeout(1000)], [5, null, {}, new AbortController(), new EventTarget()]],
] as readonly [string, Kind, unknown[], unknown[]][]) {
  test(`kind: ${name}`, (t) => {
    for (const value of fitting) t.true(kind.fits(value), shown(value));
    for (const value of others) t.false(kind.fits(value), shown(value));
  });
}

test('values as messages name them', (t) => {
  t.is(shown('a'.repeat(64)), `'${'a'.repeat(64)}'`);
  t.is(shown('a'.repeat(65)), `'${'a'.repeat(64)}…'`);
  const values = ['a', 5n, 5, undefined, null, true, Symbol('s'), {}, Object.create(null), [1], new AbortController()];
  t.is(
    values.map(shown).join(', '),
    "'a', 5n, 5, undefined, null, true, Symbol(s), an object, an object, a list, an AbortController",
  );
});
