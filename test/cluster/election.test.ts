import test from 'ava';
import { NO_MEMBER } from '../../src/cluster/book.ts';
import { choosePrimary, elect, reign } from '../../src/cluster/election.ts';
import { settle } from '../../src/cluster/settle.ts';
import { bookWith, FOUNDED_AT_SECONDS, NOW_MS, partitionOf, withHealth } from './support/books.ts';

const MINUTE_MS = 60_000;
const flapping = [NOW_MS - 2 * MINUTE_MS, NOW_MS - MINUTE_MS, NOW_MS - 1];

test('R14: placement has the choice among those in sync', (t) => {
  const book = bookWith(3, { isr: [0, 1, 2], target: [2, 1, 0] });
  t.is(choosePrimary(partitionOf(book), book, NOW_MS), 2);
});

test('R14: in-sync before eligible', (t) => {
  const book = bookWith(3, { isr: [2], eligible: [0], target: [0, 1, 2] });
  t.is(choosePrimary(partitionOf(book), book, NOW_MS), 2);
  const silent = withHealth(book, 2, { health: 'down' });
  t.is(choosePrimary(partitionOf(silent), silent, NOW_MS), 0);
});

test('R14: among those whom placement does not want the longest-lived', (t) => {
  const book = withHealth(bookWith(4, { isr: [2, 3], target: [0, 1] }), 2, { joinedAt: 7 });
  t.is(choosePrimary(partitionOf(book), book, NOW_MS), 3);
});

test('R14: nobody outside of the electorate, however good', (t) => {
  const book = withHealth(bookWith(3, { isr: [2], target: [0, 1, 2] }), 2, { health: 'down' });
  t.is(choosePrimary(partitionOf(book), book, NOW_MS), NO_MEMBER);
});

test('three failures within five minutes: primary only if nobody else can', (t) => {
  const book = withHealth(bookWith(3, {}), 0, { failuresMs: flapping });
  t.is(choosePrimary(partitionOf(book), book, NOW_MS), 1);
  t.is(choosePrimary(partitionOf(book), book, NOW_MS + 5 * MINUTE_MS), 0);
  const eligible = withHealth(bookWith(3, { isr: [0], eligible: [1] }), 0, { failuresMs: flapping });
  t.is(choosePrimary(partitionOf(eligible), eligible, NOW_MS), 1);
  const alone = { ...partitionOf(book), isr: [0] };
  t.is(choosePrimary(alone, book, NOW_MS), 0);
});

test('one that leaves is primary only if nobody else can, even one that is flapping', (t) => {
  const leaving = withHealth(bookWith(2, {}), 0, { health: 'leaving' });
  const book = withHealth(leaving, 1, { failuresMs: flapping });
  t.is(choosePrimary(partitionOf(book), book, NOW_MS), 1);
  t.is(choosePrimary({ ...partitionOf(book), isr: [0] }, book, NOW_MS), 0);
});

test('witnesses are never primary', (t) => {
  const book = withHealth(bookWith(2, {}), 0, { role: 'witness' });
  t.is(choosePrimary(partitionOf(book), book, NOW_MS), 1);
});

test('R14: an eligible primary is in sync; the silent stay eligible below min', (t) => {
  const book = withHealth(bookWith(3, { isr: [0], eligible: [1, 2] }), 0, { health: 'down' });
  const entry = settle(elect(partitionOf(book), book, NOW_MS), book);
  t.like(entry, { primary: 1, isr: [1], eligible: [0, 2], epoch: FOUNDED_AT_SECONDS + 1 });
});

test('R14: the same entry takes out who is down', (t) => {
  const book = withHealth(bookWith(3, {}), 2, { health: 'down' });
  t.like(settle(reign(partitionOf(book), book, 1), book), { primary: 1, isr: [1, 0], eligible: [] });
});

test('R14: nobody there: no primary, the same epoch, the same sets', (t) => {
  const book = withHealth(bookWith(3, { isr: [0] }), 0, { health: 'down' });
  t.deepEqual(elect(partitionOf(book), book, NOW_MS), { ...partitionOf(book), primary: NO_MEMBER });
});
