/** R23: time enters as log data, and a key that is due is gone only once its expiry has committed. */
import test from 'ava';
import { PartitionWorld, UNIX_MS } from './support/partition.ts';
import { sessions, TestSession } from './support/session.ts';

test('R23: a key lives until its time, and a read tells how long', (t) => {
  const world = new PartitionWorld();
  const session = new TestSession(world);
  session.put('k', 'one', { span: 1000 });
  t.deepEqual(session.get('k'), ["3 GOTK 'one' 9.3 for 1000"]);
  world.nowMs += 999;
  t.deepEqual(session.get('k'), ["4 GOTK 'one' 9.3 for 1"]);
  world.pass(1);
  t.deepEqual(session.get('k'), ['5 GOTK nothing']);
});

test('R23: a read that finds a key due waits until its expiry has committed', (t) => {
  const world = new PartitionWorld({ backups: 1 });
  const session = new TestSession(world);
  session.put('k', 'one', { span: 1000 });
  world.settle();
  session.read();
  world.nowMs += 1000;
  t.deepEqual(session.get('k'), []);
  t.deepEqual(session.get('k'), []);
  world.retryParked();
  t.deepEqual(session.read(), []);
  t.is(world.primary.state.keys.size, 1);
  world.settle();
  t.is(world.primary.state.keys.size, 0);
  world.retryParked();
  t.deepEqual(session.read(), ['3 GOTK nothing', '4 GOTK nothing']);
});

test('R23: one expiry serves all reads that wait for it', (t) => {
  const world = new PartitionWorld({ backups: 1 });
  const session = new TestSession(world);
  session.put('k', 'one', { span: 10 });
  world.settle();
  world.nowMs += 10;
  const { next } = world.primary.log;
  for (let count = 0; count < 5; count += 1) session.get('k');
  world.pass(0);
  t.is(world.primary.log.next, next + 1);
});

test('R23: a scan waits for what is due like a read', (t) => {
  const world = new PartitionWorld({ backups: 1 });
  const session = new TestSession(world);
  session.put('gone', '1', { span: 10 });
  session.put('gone too', '2', { span: 10 });
  session.put('kept', '3');
  world.settle();
  session.read();
  world.nowMs += 10;
  t.deepEqual(session.scan({ values: false }), []);
  for (let round = 0; round < 3; round += 1) {
    world.settle();
    world.retryParked();
  }
  t.deepEqual(session.read(), ['5 SCND 7 at 9.7 done: kept=…']);
});

test('R23: below min a key that is due can be neither read nor removed', (t) => {
  const world = new PartitionWorld({ backups: 1 });
  const session = new TestSession(world);
  session.put('k', 'one', { span: 10 });
  world.settle();
  session.read();
  world.freeze();
  world.pass(10);
  t.deepEqual(session.get('k'), ['3 FAIL KV_NO_QUORUM']);
  t.deepEqual(session.scan(), ['4 FAIL KV_NO_QUORUM']);
  t.is(world.primary.state.keys.size, 1);
});

test('R23: a write to a key that is due comes after its expiry', (t) => {
  for (const backups of [0, 1]) {
    const world = new PartitionWorld({ backups });
    const [session] = sessions(world, 'a') as [TestSession];
    session.put('k', '5', { span: 10 });
    session.put('c', 'one', { span: 10 });
    session.put('d', 'one', { span: 10 });
    world.settle();
    session.read();
    world.nowMs += 10;
    const replies = [...session.incr('k'), ...session.cas('c', '0.0', 'two'), ...session.del('d')];
    world.settle();
    replies.push(...session.read());
    const outcomes = replies.map((line) => line.replace(/9\.\d+/, '9.n'));
    t.deepEqual(outcomes, ['5 DONE applied 9.n = 1', '6 DONE applied 9.n', '7 DONE applied 0.0']);
    t.regex(session.get('c').join(), /'two'/);
  }
});

test('R23: a condition on the revision of a key that is due does not hold any more', (t) => {
  const world = new PartitionWorld();
  const session = new TestSession(world);
  session.put('k', 'one', { span: 10 });
  world.nowMs += 10;
  t.deepEqual(session.cas('k', '9.3', 'two'), ['3 DONE refused 0.0']);
});

test('R23: a key that is written again in time stays', (t) => {
  const world = new PartitionWorld({ backups: 1 });
  const session = new TestSession(world);
  session.put('k', 'one', { span: 10 });
  world.settle();
  world.nowMs += 9;
  session.put('k', 'two', { span: 10 });
  world.pass(1);
  world.settle();
  world.pass(0);
  world.settle();
  session.read();
  t.deepEqual(session.get('k'), ["4 GOTK 'two' 9.4 for 9"]);
});

test('R23: an expiry on its way does not remove what was written before it', (t) => {
  const world = new PartitionWorld({ backups: 1 });
  const session = new TestSession(world);
  session.put('k', 'one', { span: 10 });
  world.settle();
  session.put('k', 'two');
  world.pass(10);
  world.settle();
  session.read();
  t.deepEqual(session.get('k'), ["4 GOTK 'two' 9.4"]);
});

test('R23: a slot that another key has taken over does not lose it', (t) => {
  const world = new PartitionWorld({ backups: 1 });
  const session = new TestSession(world);
  session.put('k', 'one', { span: 10 });
  world.settle();
  session.del('k');
  world.pass(10);
  world.send(0, 1);
  world.acknowledge(0);
  session.put('other', 'two', { span: 5 });
  world.settle();
  session.read();
  t.deepEqual(session.get('other'), ["5 GOTK 'two' 9.6 for 5"]);
  world.pass(5);
  world.settle();
  t.deepEqual(session.get('other'), ['6 GOTK nothing']);
});

test('R23: many keys that are due at once all go', (t) => {
  const world = new PartitionWorld({ backups: 1 });
  const session = new TestSession(world);
  for (let count = 0; count < 500; count += 1) session.put(`key ${count}`, 'v', { span: 1 + (count % 10) });
  world.settle();
  world.pass(10);
  world.settle();
  t.is(world.primary.state.keys.size, 0);
  t.is(world.backups[0]?.kept.state.keys.size, 0);
});

test('R23: very many keys that are due at once all go, with no backup to wait for', (t) => {
  const world = new PartitionWorld();
  const session = new TestSession(world);
  for (let count = 0; count < 20_000; count += 1) {
    session.mark = session.sequence + 1;
    session.put(`key ${count}`, 'v', { span: 1 });
  }
  world.pass(1);
  t.is(world.primary.state.keys.size, 0);
});

test('R23: adding to a number leaves its time as it is', (t) => {
  const world = new PartitionWorld();
  const session = new TestSession(world);
  session.put('n', '1', { span: 100 });
  world.nowMs += 40;
  session.incr('n');
  t.deepEqual(session.get('n'), ["4 GOTK '2' 9.4 for 60"]);
});

test('R23: a put without a time takes the former one away', (t) => {
  const world = new PartitionWorld();
  const session = new TestSession(world);
  session.put('k', 'one', { span: 100 });
  session.put('k', 'two');
  world.pass(100);
  t.deepEqual(session.get('k'), ["4 GOTK 'two' 9.4"]);
});

test('R23: log time is the wall time of the beginning plus monotonic time since', (t) => {
  const world = new PartitionWorld();
  world.nowMs += 123.9;
  t.is(world.primary.logTimeMs(), UNIX_MS + 123);
});

test('R23: log time never goes back, and replicas have it from the log', (t) => {
  const world = new PartitionWorld({ backups: 1 });
  const session = new TestSession(world);
  world.nowMs += 500;
  session.put('k', 'one', { span: 1000 });
  world.nowMs -= 400;
  session.put('l', 'two', { span: 1000 });
  world.settle();
  const deadlines = [world.primary.kept, world.backups[0]?.kept].map((replica) =>
    replica?.state.keys.earliestDeadlineMs(),
  );
  t.deepEqual(deadlines, [UNIX_MS + 1500, UNIX_MS + 1500]);
  t.is(world.primary.logTimeMs(), UNIX_MS + 500);
});
