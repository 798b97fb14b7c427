import test from 'ava';
import { NO_MEMBER } from '../../src/cluster/book.ts';
import { applyCommand } from '../../src/cluster/reducer.ts';
import {
  addressOf,
  after,
  bookOf,
  bookWith,
  down,
  expand,
  FOUNDED_AT_SECONDS,
  handOver,
  health,
  incarnationOf,
  join,
  leave,
  leaving,
  memberOfSlot,
  NOW_MS,
  partitionOf,
  remove,
  restart,
  retarget,
  up,
} from './support/books.ts';

test('a new member takes the lowest free slot and is up', (t) => {
  const book = after(bookOf(3), join(4));
  const { joinedAt, ...member } = memberOfSlot(book, 3);
  t.like(member, { id: 4, incarnation: incarnationOf(4), former: '', address: addressOf(4), health: 'up' });
  t.is(joinedAt, book.version);
});

test('a slot that became free is given again, once no partition names it', (t) => {
  const without = after(bookOf(3), down(1), remove(1));
  t.is(without.members[1], null);
  const book = after(without, join(4));
  t.is(memberOfSlot(book, 1).id, 4);
  t.is(book.members.length, 3);
});

test('R20: a new member becomes a target, and nobody leaves an in-sync set for it', (t) => {
  const before = bookOf(3, { partitions: 64 });
  const book = after(before, join(4));
  t.true(book.partitions.some((partition) => partition.target.includes(3)));
  t.deepEqual(
    book.partitions.map((partition) => [partition.primary, partition.isr]),
    before.partitions.map((partition) => [partition.primary, partition.isr]),
  );
  const isChanged = book.partitions.map((partition, i) => partition !== before.partitions[i]);
  t.true(isChanged.includes(false), 'partitions with the same target are shared');
  t.true(book.partitions.every((partition, i) => (partition.version === book.version) === isChanged[i]));
});

test('placement follows members that come and go, not those that are down', (t) => {
  const before = bookOf(4, { partitions: 64 });
  const targets = (book: typeof before): unknown => book.partitions.map((partition) => partition.target);
  const silent = after(before, down(2));
  t.deepEqual(targets(silent), targets(before));
  t.deepEqual(targets(after(silent, up(2))), targets(before));
  t.deepEqual(targets(after(before, restart(2))), targets(before));
  t.deepEqual(targets(after(before, join(9, { role: 'witness' }))), targets(before));
  const gone = after(silent, remove(2));
  t.false(gone.partitions.some((partition) => partition.target.includes(2)));
});

test('R3, R4: a restart removes the former life from every set, and opens an epoch where it was primary', (t) => {
  const before = bookOf(3, { partitions: 16 });
  const book = after(before, restart(1));
  const member = memberOfSlot(book, 0);
  t.like(member, { incarnation: incarnationOf(1, 1), former: incarnationOf(1), joinedAt: book.version, health: 'up' });
  for (const [i, partition] of book.partitions.entries()) {
    const former = partitionOf(before, i);
    t.deepEqual(partition.isr.toSorted(), [1, 2]);
    t.deepEqual(partition.eligible, []);
    t.is(partition.epoch, former.epoch + (former.primary === 0 ? 1 : 0));
    t.not(partition.primary, 0);
    t.deepEqual(partition.target, former.target);
  }
});

test('R4, R8: a new life loses eligibility', (t) => {
  const book = after(bookWith(3, { isr: [0], eligible: [1, 2] }), restart(2));
  t.like(partitionOf(book), { primary: 0, isr: [0], eligible: [2] });
});

test('R3: a former life cannot come back', (t) => {
  const book = after(bookOf(3), restart(1));
  const { book: same, refused } = applyCommand(book, join(1));
  t.is(same, book);
  t.regex(refused ?? '', /copies of one state directory/);
});

test('the same life joins again: only its address changes', (t) => {
  const before = bookOf(3);
  t.is(applyCommand(before, join(1)).book, before);
  const book = after(before, join(1, { address: '10.0.0.77:6234', nowMs: NOW_MS + 1 }));
  t.deepEqual(memberOfSlot(book, 0), { ...memberOfSlot(before, 0), address: '10.0.0.77:6234' });
  t.is(book.partitions[0], before.partitions[0]);
});

test('an address belongs to one member: refused while that is up, else it is removed first', (t) => {
  const before = bookOf(3);
  const taker = join(7, { address: addressOf(1) });
  t.regex(applyCommand(before, taker).refused ?? '', /address of a member that is up/);
  const keeps = after(before, leaving(0));
  t.is(partitionOf(keeps).isr.includes(0), partitionOf(keeps).primary === 0);
  const silent = after(before, down(0));
  const book = after(silent, taker);
  t.is(book.members[0], null);
  t.is(memberOfSlot(book, 3).id, 7);
  t.deepEqual(partitionOf(book).target.toSorted(), [1, 2, 3]);
  t.is(book.version, silent.version + 1);
});

test('an address of a member that leaves and still keeps a partition stays its own', (t) => {
  const book = after(bookWith(3, { isr: [0] }), leaving(0));
  t.regex(applyCommand(book, join(7, { address: addressOf(1) })).refused ?? '', /still keeps/);
});

test('R14: when the primary is silent, another in-sync member follows in a new epoch, and the silent one is out', (t) => {
  const book = after(bookWith(3, {}), down(0));
  t.like(partitionOf(book), { primary: 1, isr: [1, 2], eligible: [], epoch: FOUNDED_AT_SECONDS + 1 });
  t.like(memberOfSlot(book, 0), { health: 'down', failuresMs: [NOW_MS] });
});

test('R8: with min left, who is taken out is not eligible', (t) => {
  t.like(partitionOf(after(bookWith(3, {}), down(2))), {
    primary: 0,
    isr: [0, 1],
    eligible: [],
    epoch: FOUNDED_AT_SECONDS,
  });
});

test('R8: below min, who is taken out stays eligible, and no other', (t) => {
  t.like(partitionOf(after(bookWith(3, {}), down(2), down(1))), { primary: 0, isr: [0], eligible: [1] });
});

test('R8: the primary taken out below min is eligible', (t) => {
  t.like(partitionOf(after(bookWith(3, {}), down(2), down(0))), { primary: 1, isr: [1], eligible: [0] });
});

test('R8: once there are min again nobody is eligible', (t) => {
  const frozen = after(bookWith(3, {}), down(2), down(1));
  t.like(partitionOf(after(frozen, up(2), expand(2))), { isr: [0, 2], eligible: [] });
});

test('R8: below min, who was let in is not eligible any more, others are', (t) => {
  const frozen = bookWith(3, { isr: [0], eligible: [1, 2] }, { min: 3 });
  t.like(partitionOf(after(frozen, expand(1))), { isr: [0, 1], eligible: [2] });
});

test('R8: min is capped by the members that keep keys: when one goes for good, the others commit without it', (t) => {
  const frozen = after(bookOf(2), down(1));
  t.like(partitionOf(frozen), { isr: [0], eligible: [1] });
  t.like(partitionOf(after(frozen, remove(1))), { isr: [0], eligible: [], lost: null });
});

test('the last of an electorate is never taken out for its silence', (t) => {
  const book = after(bookWith(3, {}), down(0), down(1), down(2));
  t.like(partitionOf(book), { primary: NO_MEMBER, isr: [2], eligible: [1], lost: null, epoch: FOUNDED_AT_SECONDS + 2 });
});

test('R14: who comes back with everything is primary of what had none', (t) => {
  const dark = after(bookWith(3, {}), down(0), down(1), down(2));
  const book = after(dark, up(1));
  t.like(partitionOf(book), { primary: 1, isr: [1], eligible: [2], epoch: FOUNDED_AT_SECONDS + 3 });
  t.is(partitionOf(after(dark, up(0))), partitionOf(dark), 'who is not in the electorate changes nothing');
});

test('silence of another life counts for nothing', (t) => {
  const book = bookOf(3);
  const stale = { ...health('down', book, 0), incarnation: incarnationOf(1, 1) };
  t.deepEqual(applyCommand(book, stale), { book, refused: `${addressOf(1)} has another life by now` });
});

test('what is so already changes nothing', (t) => {
  const silent = after(bookOf(3), down(0));
  t.deepEqual(applyCommand(silent, health('down', silent, 0)), { book: silent, refused: null });
  t.is(applyCommand(silent, health('down', silent, 0)).book, silent);
  t.is(applyCommand(silent, health('up', silent, 1)).book, silent);
  const goes = after(silent, leaving(1));
  t.is(applyCommand(goes, leave('leaving', goes, 1)).book, goes);
});

test('nobody is in a slot that does not exist', (t) => {
  const book = bookOf(1);
  t.deepEqual(applyCommand(book, { ...health('down', book, 0), slot: 9 }), { book, refused: 'nobody has slot 9' });
});

test('failures are remembered for as long as they count, ten at most', (t) => {
  let book = bookOf(3);
  for (let i = 0; i < 12; i++) book = after(book, down(0, NOW_MS + i * 1_000), up(0));
  t.is(memberOfSlot(book, 0).failuresMs.length, 10);
  t.deepEqual(memberOfSlot(after(book, down(0, NOW_MS + 700_000)), 0).failuresMs, [NOW_MS + 700_000]);
});

test('a crash counts as a failure though nobody noticed the silence; a planned stop does not', (t) => {
  t.deepEqual(memberOfSlot(after(bookOf(3), restart(1)), 0).failuresMs, [NOW_MS]);
  t.deepEqual(memberOfSlot(after(bookOf(3), leaving(0), down(0), restart(1)), 0).failuresMs, []);
  t.deepEqual(memberOfSlot(after(bookOf(3), down(0), restart(1)), 0).failuresMs, [NOW_MS]);
});

test('R17: who leaves goes out of in-sync sets, not below min, and not where it is primary', (t) => {
  t.deepEqual(partitionOf(after(bookWith(3, {}), leaving(1))).isr, [0, 2]);
  t.deepEqual(partitionOf(after(bookWith(3, { isr: [0, 1] }), leaving(1))).isr, [0, 1]);
  t.like(partitionOf(after(bookWith(3, {}), leaving(0))), { primary: 0, isr: [0, 1, 2] });
});

test('R17: a leaving primary is out as soon as it has handed over', (t) => {
  t.like(partitionOf(after(bookWith(3, {}), leaving(0), handOver(1))), { primary: 1, isr: [1, 2] });
  t.like(partitionOf(after(bookWith(3, { isr: [0, 1] }), leaving(0), handOver(1))), { primary: 1, isr: [1, 0] });
  const waited = after(bookWith(3, { isr: [0, 1] }), leaving(0), handOver(1), expand(2));
  t.deepEqual(partitionOf(waited).isr, [1, 2]);
});

test('who is down cannot be said to leave: it would count as alive', (t) => {
  const book = after(bookOf(3), down(0));
  t.regex(applyCommand(book, leave('leaving', book, 0)).refused ?? '', /is down/);
});

test('R9: a member is removed when it keeps nothing, or is down', (t) => {
  const book = bookWith(3, {});
  t.regex(applyCommand(book, leave('remove', book, 1)).refused ?? '', /still keeps partitions/);
  const idle = after(book, leaving(1));
  t.is(after(idle, remove(1)).members[1], null);
  t.is(after(book, down(1), remove(1)).members[1], null);
});

test('R9: a partition is lost when the last of its electorate is removed', (t) => {
  const dark = after(bookWith(3, {}), down(2), down(0), down(1), remove(0));
  t.is(partitionOf(dark).lost, null);
  t.like(partitionOf(after(dark, remove(1))), {
    primary: NO_MEMBER,
    isr: [],
    eligible: [],
    lost: { sinceMs: NOW_MS, keepers: [addressOf(2)], waitMs: 32_000 },
  });
});

test('R9: a partition is lost when the last of its electorate comes back in another life', (t) => {
  const book = after(bookWith(3, { isr: [0], eligible: [1] }), restart(1));
  t.like(partitionOf(book), { primary: 1, isr: [1], eligible: [], lost: null });
  const lost = after(book, restart(2));
  t.like(partitionOf(lost), { primary: NO_MEMBER, isr: [], lost: { keepers: [addressOf(2)], waitMs: 1_000 } });
});

test('the last member can be removed: nothing is left to keep keys', (t) => {
  const book = after(bookOf(1), down(0), remove(0));
  t.like(partitionOf(book), { target: [], primary: NO_MEMBER });
  const again = after(book, join(5));
  t.deepEqual(partitionOf(again).target, [0]);
});

test('R20: who is not to keep a partition goes once the others have caught up', (t) => {
  const moved = after(bookWith(4, {}), retarget(0, 1, 3));
  t.deepEqual(partitionOf(moved).isr, [0, 1, 2]);
  t.deepEqual(partitionOf(after(moved, expand(3))).isr, [0, 1, 3]);
});

test('R20: never below min: who has moved away stays while too few of the others are in sync', (t) => {
  const before = bookWith(4, { isr: [0, 2], target: [0, 1, 2] });
  const silent = after(before, down(1), down(3), retarget(0, 1, 3));
  t.deepEqual(partitionOf(silent).isr, [0, 2]);
});

test('R20: the primary that is not to keep the partition goes when another is primary', (t) => {
  const moved = after(bookWith(4, {}), retarget(1, 2, 3), expand(3));
  t.like(partitionOf(moved), { primary: 0, isr: [0, 1, 2, 3] });
  t.like(partitionOf(after(moved, handOver(1))), { primary: 1, isr: [1, 2, 3] });
});
