import test from 'ava';
import { AssertionError } from '../../src/base/assert.ts';
import { foundBook } from '../../src/cluster/founding-book.ts';
import { place } from '../../src/cluster/placement.ts';
import { KeyvalError } from '../../src/errors.ts';
import { addressOf, bookOf, FOUNDED_AT_SECONDS, founderOf } from './support/books.ts';
import { wrongState } from './support/model.ts';

test('founders take the slots in their order, up and equally old', (t) => {
  const book = bookOf(3);
  t.is(book.version, 1);
  t.deepEqual(
    book.members.map((member) => [member?.slot, member?.id, member?.health, member?.joinedAt, member?.former]),
    [
      [0, 1, 'up', 1, ''],
      [1, 2, 'up', 1, ''],
      [2, 3, 'up', 1, ''],
    ],
  );
});

test('partitions lie where placement puts them for these addresses, all in sync', (t) => {
  const book = bookOf(5, { partitions: 64 });
  const members = book.members.map((member) => ({ id: member?.address ?? '', weight: 1 }));
  const { replicas, members: sorted } = place(members, 64, 3);
  t.deepEqual(
    book.partitions.map((partition) => partition.target.map((slot) => book.members[slot]?.address)),
    replicas.map((kept) => kept.map((member) => sorted[member])),
  );
  t.true(book.partitions.every(({ primary, isr, target }) => primary === target[0] && isr.length === 3));
  t.is(wrongState(book), null);
});

test('slots are found by address, even where founders are not in the order of code units', (t) => {
  const sorted = bookOf(3, { partitions: 32 });
  const mixed = bookOf(3, { partitions: 32, members: [founderOf(3), founderOf(1), founderOf(2)] });
  const byAddress = (book: typeof sorted): unknown =>
    book.partitions.map((partition) => partition.target.map((slot) => book.members[slot]?.address));
  t.deepEqual(byAddress(mixed), byAddress(sorted));
});

test('first epochs are the founding time in seconds, so tokens grow over a new founding', (t) => {
  const { partitions } = bookOf(3, { partitions: 4 });
  t.true(partitions.every(({ epoch, firstEpoch }) => epoch === FOUNDED_AT_SECONDS && firstEpoch === epoch));
});

test('no lock is granted for as long as one of a former life may last, unless there was none', (t) => {
  t.is(bookOf(1).partitions[0]?.locksFromMs, 0);
  t.is(bookOf(1, { isNew: false }).partitions[0]?.locksFromMs, FOUNDED_AT_SECONDS * 1_000 + 60_000);
});

test('witnesses keep nothing', (t) => {
  const book = bookOf(3, { partitions: 16, members: [founderOf(1), founderOf(2, 'witness'), founderOf(3)] });
  t.true(book.partitions.every(({ target }) => target.length === 2 && !target.includes(1)));
});

test('a cluster of witnesses alone is refused with what to do', (t) => {
  const founding = (): unknown => bookOf(1, { members: [founderOf(1, 'witness')] });
  const error = t.throws(founding, { instanceOf: KeyvalError, code: 'KV_USAGE' });
  t.regex(error?.message ?? '', /--witness/);
});

test('two founders with one id or one address are a bug of the caller', (t) => {
  const twin = { ...founderOf(2), id: 1 };
  t.throws(() => bookOf(2, { members: [founderOf(1), twin] }), { instanceOf: AssertionError });
  const neighbour = { ...founderOf(2), address: addressOf(1) };
  t.throws(() => bookOf(2, { members: [founderOf(1), neighbour] }), { instanceOf: AssertionError });
});

test('what else the caller has in its settings does not get into the book', (t) => {
  const extended = { ...bookOf(1).settings, isNew: true, members: [founderOf(1)], more: 'than asked' };
  t.deepEqual(foundBook(extended), bookOf(1));
});
