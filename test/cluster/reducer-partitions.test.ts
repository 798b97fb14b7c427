import test, { type ExecutionContext } from 'ava';
import { type Book, NO_MEMBER } from '../../src/cluster/book.ts';
import type { Command, InSyncCommand } from '../../src/cluster/commands.ts';
import { applyCommand } from '../../src/cluster/reducer.ts';
import {
  after,
  bookOf,
  bookWith,
  down,
  expand,
  FOUNDED_AT_SECONDS,
  handOver,
  incarnationOf,
  inSync,
  join,
  leaving,
  NOW_MS,
  partitionOf,
  remove,
  restart,
  retarget,
  revive,
  shrink,
} from './support/books.ts';

/** Refused, but the version has moved on. */
function refuses(t: ExecutionContext, book: Book, command: Command | ((book: Book) => Command), why: RegExp): void {
  const applied = applyCommand(book, typeof command === 'function' ? command(book) : command);
  t.regex(applied.refused ?? '', why);
  const { version, ...entry } = partitionOf(applied.book);
  const { version: former, ...before } = partitionOf(book);
  t.deepEqual(entry, before);
  t.is(version, book.version + 1);
  t.is(applied.book.version, book.version + 1);
  t.true(version > former);
}

test('R1: a command on an older version changes nothing', (t) => {
  const book = after(bookWith(3, {}), shrink(2));
  for (const make of [shrink(1), expand(2), handOver(1), retarget(0, 1), revive]) {
    const stale = { ...make(book), version: 1 } as Command;
    t.deepEqual(applyCommand(book, stale), { book, refused: `the version is ${partitionOf(book).version} by now` });
  }
});

test('R1: a partition that does not exist is refused', (t) => {
  const book = bookOf(1);
  t.is(applyCommand(book, { kind: 'touch', partition: 5, version: 1 }).refused, 'there is no partition 5');
});

test('R17: a touch ends whatever was proposed on the version', (t) => {
  const book = bookWith(3, {});
  const { book: touched, refused } = applyCommand(book, { kind: 'touch', partition: 0, version: 1 });
  t.is(refused, null);
  t.deepEqual(partitionOf(touched), { ...partitionOf(book), version: 2 });
  t.is(applyCommand(touched, shrink(2)(book)).book, touched);
});

test('R18: a primary goes on without another', (t) => {
  t.like(partitionOf(after(bookWith(3, {}), shrink(2))), { isr: [0, 1], eligible: [], epoch: FOUNDED_AT_SECONDS });
});

test('R18: a primary never falls below min, nor leaves itself', (t) => {
  refuses(t, bookWith(3, {}), shrink(1, 2), /fewer than 2/);
  refuses(t, bookWith(3, {}), shrink(0), /itself/);
  refuses(t, bookWith(3, { isr: [0, 1] }), shrink(2), /not in sync/);
});

test('R1: only the present primary changes the in-sync set, in its own epoch', (t) => {
  const book = bookWith(3, { isr: [0, 1] });
  for (const make of [shrink(1), expand(2), handOver(1)]) {
    refuses(t, book, { ...(make(book) as InSyncCommand), by: 1 }, /only the present primary/);
    refuses(t, book, { ...(make(book) as InSyncCommand), epoch: FOUNDED_AT_SECONDS - 1 }, /the epoch is/);
  }
});

test('R1: where there is no primary nobody can speak as one', (t) => {
  const book = after(bookWith(3, { isr: [0] }), down(0));
  t.is(partitionOf(book).primary, NO_MEMBER);
  refuses(t, book, { ...inSync('expand', book, [1]), by: NO_MEMBER }, /only the present primary/);
});

test('R19: who has caught up is let in', (t) => {
  t.like(partitionOf(after(bookWith(3, { isr: [0, 1] }), expand(2))), { isr: [0, 1, 2], epoch: FOUNDED_AT_SECONDS });
  t.deepEqual(partitionOf(after(bookWith(3, { isr: [0, 1] }), expand(1, 2, 2))).isr, [0, 1, 2]);
});

test('R3, R19: only in the life that was measured', (t) => {
  const book = bookWith(3, { isr: [0, 1] });
  const measured = inSync('expand', book, [2]);
  refuses(t, after(book, restart(3)), measured, /another life/);
});

test('R19: only who is up, keeps keys, and is to keep this partition', (t) => {
  refuses(t, after(bookWith(3, { isr: [0, 1] }), down(2)), expand(2), /is down/);
  refuses(t, after(bookWith(3, { isr: [0, 1] }), leaving(2)), expand(2), /is leaving/);
  refuses(t, after(bookWith(3, {}), join(4, { role: 'witness' })), expand(3), /is a witness/);
  refuses(t, bookWith(4, { isr: [0, 1] }), expand(3), /not to keep/);
  const nobody = { ...inSync('expand', bookWith(3, {}), []), members: [{ slot: 9, incarnation: incarnationOf(9) }] };
  refuses(t, bookWith(3, {}), nobody, /nobody has slot 9/);
});

test('R19: who is eligible may come back though it is no target', (t) => {
  const book = bookWith(4, { isr: [0], eligible: [3], target: [0, 1, 2] });
  t.deepEqual(partitionOf(after(book, expand(3))).isr, [0, 3]);
});

test('R17: hand-over to a member in sync opens an epoch; nobody leaves', (t) => {
  t.like(partitionOf(after(bookWith(3, {}), handOver(2))), {
    primary: 2,
    isr: [2, 0, 1],
    eligible: [],
    epoch: FOUNDED_AT_SECONDS + 1,
  });
});

test('R17: never to one that is not in sync, or not there to stay', (t) => {
  refuses(t, bookWith(3, { isr: [0, 1] }), handOver(2), /in sync/);
  refuses(t, bookWith(3, { isr: [0], eligible: [1] }), handOver(1), /in sync/);
  refuses(t, after(bookWith(3, { isr: [0, 1] }), leaving(1)), handOver(1), /be up/);
});

test('a primary may open a new epoch for itself, even when it leaves', (t) => {
  t.like(partitionOf(after(bookWith(3, {}), handOver(0))), {
    primary: 0,
    isr: [0, 1, 2],
    epoch: FOUNDED_AT_SECONDS + 1,
  });
  t.is(partitionOf(after(bookWith(3, {}), leaving(0), handOver(0))).epoch, FOUNDED_AT_SECONDS + 1);
});

test('R18: the commander passes a partition on to any of the electorate; the cut-off primary stays eligible', (t) => {
  const entry = partitionOf(after(bookWith(3, { isr: [0, 1] }), handOver(1, NO_MEMBER)));
  t.like(entry, { primary: 1, isr: [1], eligible: [0], epoch: FOUNDED_AT_SECONDS + 1 });
  const eligible = partitionOf(after(bookWith(3, { isr: [0], eligible: [2] }), handOver(2, NO_MEMBER)));
  t.like(eligible, { primary: 2, isr: [2], eligible: [0] });
});

test('R18: and where min remain without it, it is out', (t) => {
  t.like(partitionOf(after(bookWith(3, {}), handOver(1, NO_MEMBER))), { primary: 1, isr: [1, 2], eligible: [] });
});

test('R18: the commander cannot choose who lacks something, or is not up', (t) => {
  refuses(t, bookWith(3, { isr: [0, 1] }), handOver(2, NO_MEMBER), /all that is committed/);
  refuses(t, after(bookWith(3, { isr: [0, 1] }), leaving(1)), handOver(1, NO_MEMBER), /be up/);
  refuses(t, bookWith(3, {}), (book) => ({ ...handOver(1, NO_MEMBER)(book), epoch: 1 }) as Command, /the epoch is/);
});

test('R20: targets are distinct members that keep keys, min at least', (t) => {
  t.deepEqual(partitionOf(after(bookWith(4, {}), retarget(3, 0))).target, [3, 0]);
  refuses(t, bookWith(4, {}), retarget(0, 0, 1), /twice/);
  refuses(t, bookWith(4, {}), retarget(0, 9), /no keys/);
  refuses(t, after(bookWith(3, {}), join(4, { role: 'witness' })), retarget(0, 3), /no keys/);
  refuses(t, bookWith(4, {}), retarget(1), /at least 2/);
});

test('R9: a lost partition begins anew in a new epoch, empty, and grants no locks for as long as one could last', (t) => {
  const lost = after(bookWith(3, { isr: [0] }), restart(1));
  t.not(partitionOf(lost).lost, null);
  const entry = partitionOf(after(lost, revive));
  const epoch = FOUNDED_AT_SECONDS + 1;
  t.like(entry, { epoch, firstEpoch: epoch, primary: 0, isr: [0], eligible: [], lost: null });
  t.is(entry.locksFromMs, NOW_MS + 60_000);
});

test('R9: on the first target that is up, or else on anybody who keeps keys', (t) => {
  const lost = after(bookWith(3, { isr: [0] }), restart(1));
  t.is(partitionOf(after(lost, down(0), revive)).primary, 1);
  const alone = after(bookWith(5, { isr: [0] }), restart(1), down(0), down(1), down(2));
  t.is(partitionOf(after(alone, revive)).primary, 3);
});

test('R9: what is not lost never begins anew, nor on nobody', (t) => {
  refuses(t, bookWith(3, {}), revive, /not lost/);
  refuses(t, after(bookWith(3, { isr: [0] }), down(0)), revive, /not lost/);
  const nobody = after(bookWith(2, { isr: [0], target: [0, 1] }), down(0), down(1), remove(0));
  refuses(t, nobody, revive, /no member/);
});

test('partitions that a command does not name are shared', (t) => {
  const before = bookOf(3, { partitions: 8 });
  const book = after(before, { kind: 'touch', partition: 3, version: 1 });
  t.deepEqual(
    book.partitions.map((partition, i) => partition === before.partitions[i]),
    [true, true, true, false, true, true, true, true],
  );
  t.is(book.members, before.members);
});
