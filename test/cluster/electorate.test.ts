import test from 'ava';
import { NO_MEMBER } from '../../src/cluster/book.ts';
import {
  canLose,
  electorateOf,
  isFlapping,
  learnersOf,
  memberAt,
  memberOf,
  minOf,
  routingOf,
} from '../../src/cluster/electorate.ts';
import {
  addressOf,
  after,
  bookOf,
  bookWith,
  down,
  founderOf,
  leaving,
  memberOfSlot,
  NOW_MS,
  partitionOf,
  remove,
} from './support/books.ts';

test('members are found by id and by address', (t) => {
  const book = bookOf(3);
  t.is(memberOf(book, 2)?.slot, 1);
  t.is(memberAt(book, addressOf(3))?.slot, 2);
  t.is(memberOf(book, 9), null);
  t.is(memberAt(book, 'nowhere:1'), null);
});

test('R8: min is capped by replicas and by the members that keep keys, and is one at least', (t) => {
  t.is(minOf(bookOf(3)), 2);
  t.is(minOf(bookOf(1)), 1);
  t.is(minOf(bookOf(5, { min: 4, replicas: 3 })), 3);
  t.is(minOf(bookOf(3, { members: [founderOf(1), founderOf(2, 'witness'), founderOf(3, 'witness')] })), 1);
  t.is(minOf(after(bookOf(3), down(0), down(1))), 2, 'who is down counts');
  t.is(minOf(after(bookOf(1), down(0), remove(0))), 1);
});

test('R14: the electorate is all in sync and all eligible', (t) => {
  t.deepEqual(electorateOf(partitionOf(bookWith(3, { isr: [2], eligible: [0, 1] }))), [2, 0, 1]);
});

test('learners are wanted or eligible, up, and not in sync', (t) => {
  const learners = (book: ReturnType<typeof bookOf>): number[] => learnersOf(book, partitionOf(book));
  t.deepEqual(learners(bookWith(4, {})), []);
  t.deepEqual(learners(bookWith(4, { isr: [0] })), [1, 2]);
  t.deepEqual(learners(bookWith(4, { isr: [0], eligible: [3, 1] })), [1, 2, 3]);
  t.deepEqual(learners(after(bookWith(4, { isr: [0] }), down(1), leaving(2))), []);
});

test('a node can be lost as long as another holds everything', (t) => {
  t.is(canLose(bookOf(1)), 0);
  t.is(canLose(bookOf(3)), 2);
  t.is(canLose(after(bookOf(3), down(0))), 1);
  t.is(canLose(after(bookOf(3), down(0), down(1))), 0);
  t.is(canLose(after(bookOf(3), down(0), down(1), down(2))), 0);
  t.is(canLose(bookWith(3, { isr: [0], eligible: [1] })), 1);
  t.is(canLose(after(bookOf(3), leaving(0))), 1);
});

test('what can be lost is that of the worst partition', (t) => {
  const book = bookOf(3, { partitions: 4 });
  const [first, second, ...rest] = book.partitions;
  if (first === undefined || second === undefined) return t.fail();
  t.is(canLose({ ...book, partitions: [first, { ...second, isr: second.isr.slice(0, 2) }, ...rest] }), 1);
});

test('routing names an address for each slot, and the primaries', (t) => {
  const book = after(bookWith(3, { isr: [0] }), down(2), remove(2), down(0));
  t.deepEqual(routingOf(book), {
    version: book.version,
    addresses: [addressOf(1), addressOf(2), ''],
    primaries: Uint16Array.of(NO_MEMBER),
  });
  t.is(routingOf(bookWith(3, {})).primaries[0], 0);
});

test('flapping: three failures within five minutes, for five minutes', (t) => {
  const minutesAgo = (...minutes: number[]): boolean => {
    const failuresMs = minutes.map((minute) => NOW_MS - minute * 60_000);
    return isFlapping({ ...memberOfSlot(bookOf(1), 0), failuresMs }, NOW_MS);
  };
  t.true(minutesAgo(3, 2, 1));
  t.false(minutesAgo(2, 1));
  t.false(minutesAgo(6, 2, 1));
  t.true(minutesAgo(8, 6, 4));
  t.false(minutesAgo(9, 7, 5));
  t.true(minutesAgo(8, 3, 2, 1));
  t.false(minutesAgo(-60, -61, -62), 'the clock was set back an hour since');
});
