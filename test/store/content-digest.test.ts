import test from 'ava';
import fc from 'fast-check';
import { Arena } from '../../src/base/arena.ts';
import { contentDigest } from '../../src/store/content-digest.ts';
import { KeyTable } from '../../src/store/key-table.ts';

type Entry = [key: string, value: string, epoch: number, operation: number, deadlineMs: number];

function put(table: KeyTable, [key, value, epoch, operation, deadlineMs]: Entry): void {
  const [keyBytes, valueBytes] = [Buffer.from(key), Buffer.from(value)];
  table.put(keyBytes, 0, keyBytes.length, valueBytes, 0, valueBytes.length, epoch, operation, deadlineMs);
}

function remove(table: KeyTable, key: string): void {
  const bytes = Buffer.from(key);
  table.remove(table.find(bytes, 0, bytes.length));
}

function digestOf(entries: Entry[]): bigint {
  const table = new KeyTable(new Arena());
  for (const entry of entries) put(table, entry);
  return contentDigest(table);
}

const BASE: Entry = ['key', 'value', 1, 2, 3000];

test('an empty table has digest 0, another has not', (t) => {
  t.is(digestOf([]), 0n);
  t.not(digestOf([BASE]), 0n);
  t.true(digestOf([BASE]) < 2n ** 64n);
});

test('every part of an entry counts', (t) => {
  const changed: Entry[] = [
    ['kez', 'value', 1, 2, 3000],
    ['key', 'valuf', 1, 2, 3000],
    ['keyv', 'alue', 1, 2, 3000],
    ['value', 'key', 1, 2, 3000],
    ['key', 'value', 2, 1, 3000],
    ['key', 'value', 1, 3, 3000],
    ['key', 'value', 1, 2, 3001],
    ['key', 'value', 1, 2, 3000 + 2 ** 32],
    ['key', 'value', 1, 2, 0],
  ];
  t.is(new Set([BASE, ...changed].map((entry) => digestOf([entry]))).size, changed.length + 1);
});

test('both halves differ when one entry differs', (t) => {
  const one = digestOf([BASE]);
  const other = digestOf([['key', 'value', 1, 3, 3000]]);
  t.not(one >> 32n, other >> 32n);
  t.not(one & 0xffff_ffffn, other & 0xffff_ffffn);
});

test('the order and what was there before do not count', (t) => {
  const entry = fc.tuple(
    fc.string({ minLength: 1, maxLength: 4 }),
    fc.string(),
    fc.nat(),
    fc.nat(),
    fc.integer({ min: 0, max: 2 ** 41 }),
  );
  const entries = fc.uniqueArray(entry, { selector: ([key]) => key, maxLength: 30 });
  fc.assert(
    fc.property(entries, fc.nat(), (list: Entry[], turn) => {
      const split = list.length === 0 ? 0 : turn % list.length;
      const turned = [...list.slice(split), ...list.slice(0, split)];
      const table = new KeyTable(new Arena());
      put(table, ['another key', 'x', 1, 1, 5]);
      for (const [key] of list) put(table, [key, 'older', 1, 1, 7]);
      for (const later of turned) put(table, later);
      remove(table, 'another key');
      t.is(contentDigest(table), digestOf(list));
    }),
  );
});

test('a large value counts with all its bytes', (t) => {
  const value = 'x'.repeat(40_000);
  t.is(digestOf([['key', value, 1, 1, 0]]), digestOf([['key', value, 1, 1, 0]]));
  t.not(digestOf([['key', value, 1, 1, 0]]), digestOf([['key', `${value.slice(1)}y`, 1, 1, 0]]));
});
