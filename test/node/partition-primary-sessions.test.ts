/** Sessions at a partition's primary: leases (L3), and what a session's end does (L5). */
import test from 'ava';
import { CLOCK_DRIFT, CLOCK_SLACK_MS } from '../../src/node/session-clock.ts';
import { keepAlive } from '../../src/node/session-requests.ts';
import { keep } from '../helpers/bodies.ts';
import { Caller } from './support/caller.ts';
import { PARTITION, PartitionWorld } from './support/partition.ts';
import { sessions, TestSession } from './support/session.ts';

const LEASE_MS = 10_000;
/** The primary waits this long after the last renewal. */
const END_MS: number = LEASE_MS * (1 + CLOCK_DRIFT) + CLOCK_SLACK_MS;

test('L3: a session ends when ttl·(1+ρ)+δ have passed without a renewal, not before', (t) => {
  const world = new PartitionWorld();
  new TestSession(world);
  const { attachments } = world.primary.state;
  for (let passed = 100; passed < END_MS; passed += 100) {
    world.pass(100);
    t.is(attachments.size, 1);
  }
  world.nowMs = 5000 + END_MS;
  world.pass(0);
  t.is(attachments.size, 1);
  world.pass(1);
  t.is(attachments.size, 0);
});

test('L3: a renewal counts from when it was heard', (t) => {
  const world = new PartitionWorld();
  const session = new TestSession(world);
  world.pass(LEASE_MS);
  t.true(world.primary.renew(session.hex));
  world.pass(END_MS);
  t.is(world.primary.state.attachments.size, 1);
  world.pass(1);
  t.is(world.primary.state.attachments.size, 0);
  t.false(world.primary.renew(session.hex));
});

test('L3: a short lease ends in time, whenever the others were looked at', (t) => {
  const world = new PartitionWorld();
  new TestSession(world, 'a');
  world.pass(10);
  new TestSession(world, 'b', 100);
  for (let passed = 0; passed <= 151; passed += 50) world.pass(50);
  t.deepEqual(
    [...world.primary.state.attachments].map(({ leaseMs }) => leaseMs),
    [LEASE_MS],
  );
});

test('L3: who attaches again counts as renewed', (t) => {
  const world = new PartitionWorld();
  const session = new TestSession(world);
  world.pass(LEASE_MS);
  session.attach();
  world.pass(END_MS);
  t.is(world.primary.state.attachments.size, 1);
});

test('L3: a session that attaches again before its lease has run out is not ended while that is on its way', (t) => {
  const world = new PartitionWorld({ backups: 1 });
  const session = new TestSession(world);
  session.lock('l', 0);
  world.settle();
  world.silent.add(0);
  world.pass(LEASE_MS);
  session.attach();
  world.pass(END_MS - LEASE_MS + 1);
  world.silent.clear();
  world.settle();
  t.regex(session.read().join(), /DONE applied 9.2/);
  t.is(world.primary.state.locks.size, 1, 'its lease counts from when it has sent this');
  world.pass(LEASE_MS);
  world.settle();
  t.is(world.primary.state.locks.size, 1);
  world.pass(END_MS - LEASE_MS + 1);
  world.settle();
  t.is(world.primary.state.locks.size, 0);
});

test('L3: a session that attaches again for longer is attached for longer, never for less', (t) => {
  const world = new PartitionWorld();
  for (const leaseMs of [200, LEASE_MS, 300]) new TestSession(world, 'a', leaseMs);
  t.deepEqual(
    [...world.primary.state.attachments].map(({ leaseMs }) => leaseMs),
    [LEASE_MS],
  );
  world.pass(LEASE_MS);
  t.is(world.primary.state.attachments.size, 1);
  world.pass(END_MS - LEASE_MS + 1);
  t.is(world.primary.state.attachments.size, 0);
});

test('L3: expiry is decided when it is appended; from then on nothing is renewed or written', (t) => {
  const world = new PartitionWorld({ backups: 1 });
  const session = new TestSession(world);
  world.pass(END_MS + 1);
  t.is(world.primary.state.attachments.size, 1);
  t.false(world.primary.renew(session.hex));
  t.deepEqual(session.put('k', 'v'), ['2 FAIL KV_NO_SESSION']);
  const { next } = world.primary.log;
  world.pass(1000);
  t.is(world.primary.log.next, next);
  world.settle();
  t.is(world.primary.state.attachments.size, 0);
});

test('L3: while nothing can be written no session ends, and afterwards each has its whole lease', (t) => {
  const world = new PartitionWorld({ backups: 1 });
  const [anna, bert] = sessions(world, 'a', 'b') as [TestSession, TestSession];
  world.freeze();
  world.pass(END_MS + 1);
  world.thaw();
  world.pass(1);
  world.pass(END_MS);
  t.true(world.primary.renew(anna.hex));
  world.pass(1);
  world.settle();
  const left = [...world.primary.state.attachments].map(({ session }) => session);
  t.deepEqual(left, [anna.hex]);
  t.false(world.primary.renew(bert.hex));
});

test('L3, R12: a primary that may not be the only one counts nobody as silent', (t) => {
  const world = new PartitionWorld({ backups: 1 });
  const session = new TestSession(world);
  world.lease(1, 0);
  world.pass(END_MS + 1);
  t.true(world.primary.renew(session.hex));
  world.leases.delete(1);
  world.pass(1);
  world.pass(END_MS);
  world.settle();
  t.is(world.primary.state.attachments.size, 1);
});

test('L3, R12: a primary whose own lease has run out renews nobody, and says that it does not serve', (t) => {
  const world = new PartitionWorld({ backups: 1 });
  const session = new TestSession(world);
  const primaries = Array.from({ length: PARTITION + 1 }, (_, id) => (id === PARTITION ? world.primary : null));
  const body = keep(session.id, [PARTITION]);
  const answer = (): string => {
    const caller = new Caller();
    keepAlive(primaries, caller, 1, body, 0, body.length);
    return caller
      .takeFrames()
      .map((frame) => `${frame.opcode} ${Buffer.from(frame.body).toString('hex')}`)
      .join();
  };
  const id = PARTITION.toString(16).padStart(4, '0');
  t.is(answer(), `KEPT 0001${id}0000`);
  world.lease(1, 0);
  t.is(answer(), `KEPT 00000001${id}`);
});

test('L3: nobody is renewed who is not attached', (t) => {
  const world = new PartitionWorld();
  t.false(world.primary.renew('00'.repeat(16)));
});

test('L3: after a pause of the node itself every lease starts again', (t) => {
  const world = new PartitionWorld();
  new TestSession(world);
  world.nowMs += 60_000;
  world.primary.restartSessionClocks();
  world.pass(0);
  world.pass(END_MS);
  t.is(world.primary.state.attachments.size, 1);
  world.pass(1);
  t.is(world.primary.state.attachments.size, 0);
});

test('L5: the end of a session passes on its locks and ends its waits', (t) => {
  const world = new PartitionWorld();
  const [anna, bert, carl] = sessions(world, 'a', 'b', 'c') as [TestSession, TestSession, TestSession];
  anna.lock('one', 0);
  anna.lock('two', 0);
  anna.lock('three', 0);
  bert.lock('held', 0);
  anna.lock('held', 5000);
  bert.lock('one', 5000);
  carl.lock('one', 5000);
  carl.lock('two', 5000);
  for (const session of [anna, bert, carl]) session.read();
  t.true(world.primary.leave(anna.hex));
  t.deepEqual(anna.read(), ['5 FAIL KV_NO_SESSION']);
  t.deepEqual(bert.read(), ['3 LKDK 9.13']);
  t.deepEqual(carl.read(), ['3 LKDK 9.13']);
  const { locks } = world.primary.state;
  t.deepEqual([locks.size, locks.waiting], [3, 1]);
});

test('L5: a session that waits for its own lock does not get it when it ends', (t) => {
  const world = new PartitionWorld();
  const [anna, bert] = sessions(world, 'a', 'b') as [TestSession, TestSession];
  anna.lock('l', 0);
  anna.lock('l', 5000);
  bert.lock('l', 5000);
  world.primary.leave(anna.hex);
  t.deepEqual(anna.read(), ['3 FAIL KV_NO_SESSION']);
  t.deepEqual(bert.read(), ['2 LKDK 9.7']);
});

test('L5: what a session wrote before its end was appended still counts', (t) => {
  const world = new PartitionWorld({ backups: 1 });
  const [anna, bert] = sessions(world, 'a', 'b') as [TestSession, TestSession];
  anna.put('k', 'one');
  anna.lock('l', 0);
  world.primary.leave(anna.hex);
  world.settle();
  t.deepEqual(anna.read(), ['2 DONE applied 9.4', '3 LKDK 9.5']);
  t.deepEqual(bert.get('k'), ["2 GOTK 'one' 9.4"]);
  t.is(world.primary.state.locks.size, 0);
});

test('leaving is said once and heard at once', (t) => {
  const world = new PartitionWorld({ backups: 1 });
  const session = new TestSession(world);
  t.true(world.primary.leave(session.hex));
  const { next } = world.primary.log;
  t.true(world.primary.leave(session.hex));
  t.is(world.primary.log.next, next);
  world.settle();
  t.true(world.primary.leave(session.hex));
});

test('R7: below min a session cannot leave', (t) => {
  const world = new PartitionWorld({ backups: 1 });
  const session = new TestSession(world);
  world.freeze();
  t.false(world.primary.leave(session.hex));
  t.true(world.primary.renew(session.hex));
});

test('who leaves and attaches again before that has committed is attached anew', (t) => {
  const world = new PartitionWorld({ backups: 1 });
  const session = new TestSession(world);
  world.primary.leave(session.hex);
  session.attach();
  t.is(world.primary.state.attachments.size, 1);
  t.deepEqual(session.put('k', 'v'), []);
});

test('a session is shown with its name and lease', (t) => {
  const world = new PartitionWorld();
  const session = new TestSession(world);
  const [shown] = world.primary.state.attachments;
  t.is(shown?.name, `host:${session.hex}`);
  t.is(shown?.leaseMs, LEASE_MS);
});
