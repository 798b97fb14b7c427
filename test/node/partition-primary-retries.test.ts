/** R22: a request sent again takes effect once. */
import test from 'ava';
import { RECORDS_MAX } from '../../src/replication/attachment.ts';
import { STAGED } from '../helpers/bodies.ts';
import { PartitionWorld } from './support/partition.ts';
import { sessions, TestSession } from './support/session.ts';

test('R22: a retry gets the outcome that was kept', (t) => {
  const session = new TestSession(new PartitionWorld());
  session.incr('n', 5n);
  t.deepEqual(session.incr('n', 5n, { sequence: 1 }), ['3 DONE applied 9.3 = 5']);
  session.put('k', 'seven');
  session.incr('k');
  t.deepEqual(session.incr('k', 1n, { sequence: 3 }), ['6 FAIL KV_NOT_INTEGER']);
  session.lock('l', 0);
  t.deepEqual(session.lock('l', 0, { sequence: 4 }), ['8 LKDK 9.6']);
  session.unlock('l', '9.6');
  t.deepEqual(session.unlock('l', '9.6', { sequence: 5 }), ['10 DONE applied 9.7']);
  session.unlock('l', '9.6');
  t.deepEqual(session.unlock('l', '9.6', { sequence: 6 }), ['12 FAIL KV_NOT_HELD']);
  t.deepEqual(session.get('n'), ["13 GOTK '5' 9.3"]);
});

test('R22: the outcome of a condition is kept when it was judged by an entry', (t) => {
  const world = new PartitionWorld({ backups: 1 });
  const session = new TestSession(world);
  session.put('k', 'one');
  session.cas('k', '9.9', 'two');
  world.settle();
  t.deepEqual(session.read(), ['2 DONE applied 9.3', '3 DONE refused 9.3']);
  session.put('k', 'three');
  world.settle();
  session.read();
  t.deepEqual(session.cas('k', '9.9', 'two', { sequence: 2 }), ['5 DONE refused 9.3']);
});

test('R22: a retry joins the entry under way, and only the last attempt is answered', (t) => {
  const world = new PartitionWorld({ backups: 1 });
  const session = new TestSession(world);
  session.incr('n', 5n);
  const { next } = world.primary.log;
  t.deepEqual(session.incr('n', 5n, { sequence: 1 }), []);
  t.is(world.primary.log.next, next);
  world.settle();
  t.deepEqual(session.read(), ['3 DONE applied 9.3 = 5']);
  t.deepEqual(session.get('n'), ["4 GOTK '5' 9.3"]);
});

test('R22: a retry over another connection is answered there', (t) => {
  const world = new PartitionWorld({ backups: 1 });
  const session = new TestSession(world);
  session.incr('n', 5n);
  const broken = session.reconnect();
  t.deepEqual(session.incr('n', 5n, { sequence: 1 }), []);
  world.settle();
  t.deepEqual(session.read(), ['3 DONE applied 9.3 = 5']);
  t.deepEqual(broken.read(), []);
});

test('R22: what was answered and forgotten cannot be asked for again', (t) => {
  const session = new TestSession(new PartitionWorld());
  session.incr('n');
  session.incr('n', 1n, { mark: 2 });
  t.deepEqual(session.incr('n', 1n, { sequence: 1 }), ['4 FAIL KV_AMBIGUOUS']);
  t.deepEqual(session.get('n'), ["5 GOTK '2' 9.4"]);
});

test('R22: so it is when its answer is forgotten while it is on its way', (t) => {
  const world = new PartitionWorld({ backups: 1 });
  const session = new TestSession(world);
  session.put('k', 'v', { sequence: 2, mark: 2 });
  session.incr('n', 1n, { sequence: 1 });
  world.settle();
  t.deepEqual(session.read(), ['2 DONE applied 9.3', '3 FAIL KV_AMBIGUOUS']);
  t.deepEqual(session.get('n'), ['4 GOTK nothing']);
});

test('R22, L5: a request for a lock that was given up and comes late is not granted, though nobody remembers it', (t) => {
  const world = new PartitionWorld({ backups: 1 });
  const session = new TestSession(world);
  session.cancel('l', 1);
  session.put('k', 'v', { sequence: 2, mark: 2 });
  session.lock('l', 1000, { sequence: 1 });
  world.settle();
  t.regex(session.read().join(), /4 FAIL KV_LOCK_BUSY$/);
  t.is(world.primary.state.locks.size, 0);
});

test('R22, L5: so it is behind more requests that were refused at once than a session has records', (t) => {
  const world = new PartitionWorld();
  const [holder, session] = [new TestSession(world, 'a'), new TestSession(world, 'b')];
  holder.lock('l', 0);
  for (let tries = 0; tries < RECORDS_MAX; tries += 1) session.lock('l', 0, { mark: session.sequence + 1 });
  const given = { sequence: session.sequence + 1, mark: session.sequence + 1 };
  session.cancel('l', given.sequence);
  holder.unlock('l', '9.4');
  t.regex(session.lock('l', 1000, given).join(), /FAIL KV_LOCK_BUSY$/);
  t.is(world.primary.state.locks.size, 0);
  const next = { sequence: given.sequence + 1, mark: given.mark };
  t.regex(session.lock('l', 1000, next).join(), /LKDK/, 'the next one is');
});

test('R22: only an attachment of this partition, present and whole, takes effect', (t) => {
  const world = new PartitionWorld();
  const session = new TestSession(world);
  const { attachment } = session;
  for (const wrong of [0n, attachment + 1n, attachment - (1n << 32n)]) {
    session.attachment = wrong;
    t.regex(session.put('k', 'v').join(), /^\d+ FAIL KV_NO_SESSION$/);
    t.regex(session.cancel('k', 1).join(), /^\d+ FAIL KV_NO_SESSION$/);
  }
  session.attachment = attachment;
  world.primary.leave(session.hex);
  t.deepEqual(session.put('k', 'v'), ['8 FAIL KV_NO_SESSION']);
});

test('R22: who attaches twice is attached once', (t) => {
  const world = new PartitionWorld();
  const session = new TestSession(world);
  session.incr('n');
  t.deepEqual(session.attach(), ['3 DONE applied 9.2']);
  t.is(world.primary.state.attachments.size, 1);
  t.deepEqual(session.incr('n', 1n, { sequence: 1 }), ['4 DONE applied 9.3 = 1']);
});

test('R22: a new attachment knows nothing of the former one', (t) => {
  const world = new PartitionWorld();
  const session = new TestSession(world);
  session.incr('n');
  world.primary.leave(session.hex);
  t.deepEqual(session.attach(), ['3 DONE applied 9.5']);
  t.deepEqual(session.incr('n', 1n, { sequence: 1 }), ['4 DONE applied 9.6 = 2']);
});

test('R22: sequences go over 2³¹ and round through 0', (t) => {
  const world = new PartitionWorld();
  const session = new TestSession(world);
  // The mark moves by less than half the circle at a time.
  for (const start of [2 ** 30, 2 ** 31 - 3, 2 ** 31 + 2 ** 30, 2 ** 32 - 3]) {
    for (let step = 0; step < 6; step += 1) {
      const [sequence, mark] = [start + step, start + Math.max(0, step - 1)];
      const first = session.incr('n', 1n, { sequence, mark });
      const second = session.incr('n', 1n, { sequence, mark });
      t.is(first[0]?.replace(/^\d+/, ''), second[0]?.replace(/^\d+/, ''));
    }
    t.regex(session.incr('n', 1n, { sequence: start }).join(), /KV_AMBIGUOUS/);
  }
  t.regex(session.get('n').join(), /'24'/);
});

test('R22: a retry of a queued wait joins it', (t) => {
  const [anna, bert] = sessions(new PartitionWorld(), 'a', 'b') as [TestSession, TestSession];
  anna.lock('l', 0);
  t.deepEqual(bert.lock('l', 1000), ['2 WAIT']);
  t.deepEqual(bert.lock('l', 1000, { sequence: 1 }), ['3 WAIT']);
  anna.unlock('l', '9.4');
  t.deepEqual(bert.read(), ['3 LKDK 9.6']);
});

test('R22: a queued wait outlives the mark, and so does what it was granted', (t) => {
  const [anna, bert] = sessions(new PartitionWorld(), 'a', 'b') as [TestSession, TestSession];
  anna.lock('l', 0);
  bert.lock('l', 1000);
  bert.mark = 2;
  bert.put('k', 'v');
  t.deepEqual(bert.lock('l', 1000, { sequence: 1 }), ['4 WAIT']);
  anna.unlock('l', '9.4');
  t.deepEqual(bert.read(), ['4 LKDK 9.7']);
  t.deepEqual(bert.lock('l', 1000, { sequence: 1 }), ['5 LKDK 9.7']);
  bert.unlock('l', '9.7');
  t.deepEqual(bert.lock('l', 1000, { sequence: 1 }), ['7 FAIL KV_LOCK_BUSY']);
});

test('R22: a wait joined over another connection is granted there', (t) => {
  const [anna, bert] = sessions(new PartitionWorld(), 'a', 'b') as [TestSession, TestSession];
  anna.lock('l', 0);
  bert.lock('l', 1000);
  const broken = bert.reconnect();
  t.deepEqual(bert.lock('l', 1000, { sequence: 1 }), ['3 WAIT']);
  anna.unlock('l', '9.4');
  t.deepEqual(bert.read(), ['3 LKDK 9.6']);
  t.deepEqual(broken.read(), []);
});

test('R22: a staged value whose write is a retry is not needed', (t) => {
  const world = new PartitionWorld();
  const session = new TestSession(world);
  world.stages.set(5, Buffer.from('staged'));
  session.putStaged('k', 5);
  t.deepEqual(session.putStaged('k', 6, { sequence: 1 }), ['3 DONE applied 9.3']);
});

test('a mark that makes no sense harms nobody', (t) => {
  const world = new PartitionWorld({ backups: 1 });
  const session = new TestSession(world);
  const far = RECORDS_MAX + 904;
  session.put('k', 'one', { sequence: far, mark: far + 1000 });
  // Marks that jump nearly round the circle, with entries under way.
  for (const mark of [2 ** 31 - 1, 2 ** 32 - 10_000, 0]) session.put('k', 'two', { mark });
  t.notThrows(() => world.settle());
  session.read();
  const [other] = sessions(world, 'b') as [TestSession];
  other.put('k', 'three');
  world.settle();
  t.regex(other.read().join(), /^2 DONE applied/);
});

test('a request that cannot be staged and says so harms nobody', (t) => {
  const world = new PartitionWorld({ backups: 1 });
  const session = new TestSession(world);
  const staged = { flags: STAGED, sequence: 5000, mark: 5000 };
  for (let count = 0; count < 2; count += 1) session.del('k', staged);
  for (let count = 0; count < 2; count += 1) session.lock('l', 0, { ...staged, sequence: 5001 });
  t.notThrows(() => world.settle());
});
