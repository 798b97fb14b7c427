import test from 'ava';
import { readHistory } from '../../../../src/testing/checkers/history/history-reader.ts';
import { PendingList } from '../../../../src/testing/checkers/register/pending-list.ts';
import { RegisterHistory } from '../../../../src/testing/checkers/register/register-history.ts';
import type { RegisterOperation } from '../../../../src/testing/checkers/register/register-operation.ts';
import { linesOf, type Written } from '../support/lines.ts';

function operationsOf(written: readonly Written[], meta: object = {}): readonly RegisterOperation[] {
  const history = readHistory(linesOf(written, meta), 'h');
  return new RegisterHistory('k', history.operations, history.meta).operations;
}

function ids(list: PendingList): number[] {
  return list.enabled().map(({ source }) => source.id);
}

/** Two that overlap, one after both; a write of unknown fate from the start. */
const written: readonly Written[] = [
  { f: 'get', call: 0, ret: 10, o: { v: null } },
  { f: 'get', call: 5, ret: 20, o: { v: 'u' } },
  { f: 'get', call: 11, ret: 30, o: { v: 'u' } },
  { f: 'put', a: { v: 'u' }, call: 1 },
];

test('enabled is what no pending operation certainly precedes', (t) => {
  const list = new PendingList(operationsOf(written), false);
  t.deepEqual(ids(list), [1, 4, 2]);
  t.is(list.barrier, 10);
  list.remove(0);
  t.deepEqual(ids(list), [4, 2, 3]);
  t.is(list.barrier, 20);
});

test('putting back undoes removing, in reverse order', (t) => {
  const list = new PendingList(operationsOf(written), false);
  for (const index of [0, 2, 3, 1]) list.remove(index);
  t.deepEqual(ids(list), []);
  t.is(list.barrier, Infinity);
  for (const index of [1, 3, 2, 0]) list.putBack(index);
  t.deepEqual(ids(list), [1, 4, 2]);
});

test('with clocks that differ, a client still orders its own operations', (t) => {
  const skewed: readonly Written[] = [
    { f: 'get', p: 'c1', call: 0, ret: 10, o: { v: null } },
    { f: 'get', p: 'c1', call: 20, ret: 30, o: { v: null } },
    { f: 'get', p: 'c2', call: 25, ret: 30, o: { v: null } },
  ];
  const operations = operationsOf(skewed, { skew: 100 });
  t.deepEqual(ids(new PendingList(operations, false)), [1, 2, 3]);
  t.deepEqual(ids(new PendingList(operations, true)), [1, 3]);
});
