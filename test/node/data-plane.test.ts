/** Partitions over real links in memory: roles by the book, leases, catching up (R12, R19, R21). */
import test from 'ava';
import { hexOf } from '../../src/base/bytes.ts';
import { withMember } from '../helpers/books.ts';
import { PARTITION } from './support/partition.ts';
import { Planes } from './support/planes.ts';
import { TestSession } from './support/session.ts';

function cluster(count = 3, min = 2): { planes: Planes; session: TestSession } {
  const planes = new Planes(count, min);
  return { planes, session: new TestSession(planes) };
}

function sizes(planes: Planes): (number | undefined)[] {
  return planes.nodes.map(({ kept }) => kept?.state.keys.size);
}

test('a write is committed over the links, and everybody applies it', (t) => {
  const { planes, session } = cluster();
  session.put('k', 'one');
  planes.settle();
  t.regex(session.read().join(), /DONE applied/);
  planes.beat();
  t.deepEqual(sizes(planes), [1, 1, 1]);
  t.regex(session.get('k').join(), /'one'/);
});

test('R16, R15: with the book the primary is another, the former one follows, and nothing is lost', (t) => {
  const { planes, session } = cluster();
  session.put('k', 'one');
  planes.settle();
  session.read();
  const former = planes.primary;
  planes.change({ primary: 1, epoch: planes.entry.epoch + 1 });
  planes.beat();
  t.true(former.ended);
  t.is(planes.node(0).primary, null);
  t.true(planes.primary.serving);
  t.regex(session.put('k', 'two').join(), /^$/);
  planes.settle();
  t.regex(session.read().join(), /DONE applied/);
  planes.beat();
  t.deepEqual(sizes(planes), [1, 1, 1]);
});

test('R12: a new primary waits out the lease that it has granted, unless the former one gives up', (t) => {
  const { planes } = cluster();
  const change = { primary: 1, epoch: planes.entry.epoch + 1 };
  planes.change(change, [1, 2]);
  t.is(planes.node(1).primary, null);
  t.true(planes.node(1).dataPlane.isElected(PARTITION));
  // The former one does not know yet, and may answer; when it learns of it, it says that it has stopped.
  t.true(planes.node(0).primary?.lease.holds);
  planes.decide(planes.book, [0]);
  t.not(planes.node(1).primary, null);
  t.is(planes.node(0).primary, null);
});

test('R12: who is not heard is waited for as long as its lease may last, and it has ended before', (t) => {
  const { planes } = cluster();
  planes.node(0).stopped = true;
  planes.change({ primary: 1, epoch: planes.entry.epoch + 1, isr: [1, 2] }, [1, 2]);
  let beats = 0;
  while (planes.node(1).primary === null && beats < 20) {
    planes.beat();
    beats += 1;
  }
  t.true(beats >= 5 && beats <= 7, `${beats}`);
  t.false(planes.node(0).primary?.lease.holds);
});

test('R12: a primary without the grants of all others in sync answers no lease read', (t) => {
  const { planes, session } = cluster();
  t.regex(session.get('k').join(), /GOTK/);
  planes.node(2).stopped = true;
  planes.beat(6);
  t.deepEqual(session.get('k'), []);
  planes.node(2).stopped = false;
  planes.beat(3);
  t.regex(session.read().join(), /GOTK nothing/);
});

test('R12: a grant of one who has applied a later book counts once it is applied here, too', (t) => {
  const { planes } = cluster();
  planes.decide(withMember(planes.book, 2, { zone: 'east' }), [1, 2]);
  planes.beat(6);
  t.false(planes.node(0).primary?.lease.holds);
  planes.decide(planes.book, [0]);
  t.true(planes.node(0).primary?.lease.holds);
});

test('R18, R19: a member that is cut off is taken out, and comes back when it has caught up', (t) => {
  const { planes, session } = cluster();
  planes.cut(2);
  planes.beat(8);
  t.deepEqual(planes.decideProposed(), [null]);
  t.deepEqual(planes.entry.isr, [0, 1]);
  session.put('k', 'one');
  planes.settle();
  t.regex(session.read().join(), /DONE applied/);
  planes.link(0, 2);
  planes.link(1, 2);
  planes.beat(8);
  t.true(planes.decideProposed().includes(null));
  t.deepEqual([...planes.entry.isr].sort(), [0, 1, 2]);
  planes.beat();
  t.deepEqual(sizes(planes), [1, 1, 1]);
});

/** Slot 2 has lost everything, and the book knows its new life. */
function emptied(keys: number): { planes: Planes; session: TestSession } {
  const { planes, session } = cluster();
  planes.restart(2);
  const book = withMember(planes.book, 2, { incarnation: hexOf(planes.node(2).incarnation) });
  planes.book = book;
  planes.change({ isr: [0, 1] });
  for (let key = 0; key < keys; key += 1) session.put(`key ${key}`, 'x'.repeat(1000), { mark: session.sequence });
  planes.beat(2);
  session.read();
  return { planes, session };
}

test('R4, R21: a member that has lost everything gets a snapshot, and what came after it from the log', (t) => {
  const { planes, session } = emptied(300);
  planes.link(0, 2);
  planes.link(1, 2);
  planes.settle();
  session.put('late', 'y');
  planes.beat(3);
  t.is(planes.node(2).dataPlane.catchUp.installed, 1);
  t.is(planes.node(0).dataPlane.catchUp.sent, 1);
  t.deepEqual(planes.decideProposed(), [null]);
  planes.beat();
  t.deepEqual(sizes(planes), [301, 301, 301]);
  t.deepEqual([...planes.entry.isr].sort(), [0, 1, 2]);
  t.is(planes.node(0).dataPlane.catchUp.bytes, 0);
});

test('R21: a snapshot whose sender is lost is given up, and another one is sent', (t) => {
  const { planes } = emptied(300);
  planes.holdsBulk = true;
  planes.link(0, 2);
  planes.beat(2);
  t.is(planes.node(2).dataPlane.catchUp.installed, 0);
  planes.cut(2);
  planes.beat(2);
  t.is(planes.node(0).dataPlane.catchUp.bytes, 0);
  planes.holdsBulk = false;
  planes.link(0, 2);
  planes.beat(8);
  t.is(planes.node(2).dataPlane.catchUp.installed, 1);
  t.is(planes.node(2).kept?.state.keys.size, 300);
});

test('R6, R21: a snapshot that comes after the log has passed it takes back nothing that was acknowledged', (t) => {
  const { planes, session } = cluster();
  const follower = planes.primary.primary.followers.find(({ member }) => member === 2);
  if (follower === undefined) return t.fail('nobody follows');
  // A snapshot is on its way to one that does not need it, as when its log was not known at first.
  planes.holdsBulk = true;
  follower.state = 2;
  planes.beat();
  planes.primary.primary.resend(follower);
  planes.node(2).dataPlane.backups[PARTITION]?.announce(planes.nowMs);
  for (let key = 0; key < 5; key += 1) session.put(`key ${key}`, 'v');
  planes.settle();
  const next = planes.node(2).kept?.log.next;
  planes.holdsBulk = false;
  planes.settle();
  t.is(planes.node(2).kept?.log.next, next);
  planes.beat(2);
  t.deepEqual(sizes(planes), [5, 5, 5]);
});

test('R9: a partition that begins anew is empty, and grants no lock for a while', (t) => {
  const { planes, session } = cluster();
  session.put('k', 'one');
  planes.beat();
  const epoch = planes.entry.epoch + 5;
  planes.change({ epoch, firstEpoch: epoch, locksFromMs: 2_000_000_000_000 });
  planes.beat(8);
  t.deepEqual(sizes(planes), [0, 0, 0]);
  session.read();
  session.attach();
  t.regex(session.lock('l', 1000).join(), /KV_NO_QUORUM/);
  planes.nowMs += 60_000;
  planes.beat(10);
  session.attach();
  session.lock('l', 1000);
  planes.settle();
  t.regex(session.read().join(), /LKDK/);
});

test('R1: who keeps the partition no longer forgets it', (t) => {
  const { planes, session } = cluster();
  session.put('k', 'one');
  planes.beat(2);
  planes.change({ isr: [0, 1], target: [0, 1] });
  t.is(planes.node(2).kept, null);
  t.deepEqual(sizes(planes), [1, 1, undefined]);
  t.is(planes.primary.primary.follower(2), null);
});
