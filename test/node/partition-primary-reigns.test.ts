/** One primary after the other: what a new one takes over, and what is said to those who waited for the former one. */
import test from 'ava';
import { ReadsFlag } from '../../src/protocol/client-codec.ts';
import { PartitionWorld, UNIX_MS } from './support/partition.ts';
import { sessions, TestSession } from './support/session.ts';

function withSession(backups: number): { world: PartitionWorld; session: TestSession } {
  const world = new PartitionWorld({ backups });
  return { world, session: new TestSession(world) };
}

// ---- R16

test('R16: at the end of a reign pending requests are answered: moved, and the outcome is not known', (t) => {
  const { world, session } = withSession(1);
  session.put('k', 'one');
  session.cancel('l', 9);
  t.deepEqual(session.read(), []);
  world.elect(1, 12);
  t.deepEqual(session.read(), ['2 MOVD to 1 unknown', '3 MOVD to 1 unknown']);
});

test('R16: so are those who wait for a lock, each once', (t) => {
  const world = new PartitionWorld({ backups: 1 });
  const [anna, bert] = sessions(world, 'a', 'b') as [TestSession, TestSession];
  anna.lock('l', 0);
  bert.lock('l', 5000);
  world.settle();
  t.deepEqual([anna.read(), bert.read()], [['2 LKDK 9.4'], ['2 WAIT']]);
  world.elect(1, 12);
  t.deepEqual([anna.read(), bert.read()], [[], ['2 MOVD to 1 unknown']]);
});

test('R16: whoever asks a primary whose reign is over is sent on, and certainly nothing was done', (t) => {
  const { world, session } = withSession(1);
  const former = world.primary;
  world.elect(1, 12);
  const { next } = former.log;
  world.primary = former;
  t.deepEqual([...session.put('k', 'v'), ...session.get('k')], ['2 MOVD to 1', '3 MOVD to 1']);
  t.is(former.log.next, next);
  t.false(former.starting);
});

test('R16: what the former primary alone had appended never takes effect', (t) => {
  const { world, session } = withSession(1);
  session.put('k', 'one');
  world.settle();
  session.put('k', 'two');
  world.elect(1, 12);
  world.settle();
  session.read();
  t.deepEqual(session.get('k'), ["4 GOTK 'one' 9.3"]);
  t.deepEqual(
    world.kept.map(({ log, state }) => [log.next, state.keys.size]),
    [
      [4, 1],
      [4, 1],
    ],
  );
});

test('R15: what the new primary holds commits with its barrier, though nobody knew it was committed', (t) => {
  const { world, session } = withSession(2);
  session.put('k', 'one');
  world.send(0);
  world.send(1);
  world.elect(1, 12);
  t.is(world.primary.state.keys.size, 0);
  world.settle();
  session.read();
  t.deepEqual(session.get('k'), ["3 GOTK 'one' 9.3"]);
});

test('R11: a new primary serves nothing before its barrier is committed', (t) => {
  const { world, session } = withSession(2);
  world.elect(1, 12);
  world.send(0);
  world.acknowledge(0);
  for (const refused of [session.put('k', 'v'), session.get('k'), session.get('k', ReadsFlag.strict), session.scan()]) {
    t.regex(refused.join(), /FAIL KV_NO_QUORUM$/);
  }
  t.true(world.primary.starting);
  world.settle();
  t.true(world.primary.writable);
});

// ---- R22

test('R22: a retry after the change gets the outcome that was recorded', (t) => {
  const { world, session } = withSession(1);
  session.incr('n', 5n);
  world.settle();
  t.deepEqual(session.read(), ['2 DONE applied 9.3 = 5']);
  world.elect(1, 12);
  world.settle();
  t.deepEqual(session.incr('n', 5n, { sequence: 1 }), ['3 DONE applied 9.3 = 5']);
  t.deepEqual(session.get('n'), ["4 GOTK '5' 9.3"]);
});

test('R22: what was pending is forgotten by a primary that reigns again, and done once by its retry', (t) => {
  const { world, session } = withSession(1);
  session.incr('n', 5n);
  world.elect(1, 12);
  world.settle();
  t.deepEqual(session.read(), ['2 MOVD to 1 unknown']);
  world.elect(0, 15);
  world.settle();
  t.deepEqual(session.incr('n', 5n, { sequence: 1 }), []);
  world.settle();
  t.deepEqual(session.read(), ['3 DONE applied 15.2 = 5']);
});

test('R22: of an entry that the next reign commits a retry has no second effect', (t) => {
  const { world, session } = withSession(1);
  session.incr('n', 5n);
  world.send(0);
  world.elect(1, 12);
  t.deepEqual(session.read(), ['2 MOVD to 1 unknown']);
  world.settle();
  t.deepEqual(session.incr('n', 5n, { sequence: 1 }), ['3 DONE applied 9.3 = 5']);
  t.deepEqual(session.get('n'), ["4 GOTK '5' 9.3"]);
});

test('R22: a session goes on under the next primary, and its lease starts again', (t) => {
  const { world, session } = withSession(1);
  world.pass(9000);
  world.elect(1, 12);
  world.settle();
  world.pass(9000);
  world.settle();
  t.is(world.primary.state.attachments.size, 1);
  t.true(world.primary.renew(session.hex));
});

test('R22: a session whose end was appended and came to nothing is one like any other', (t) => {
  const { world, session } = withSession(1);
  t.true(world.primary.leave(session.hex));
  world.elect(1, 12);
  world.settle();
  world.elect(0, 15);
  world.settle();
  t.deepEqual(session.put('k', 'v'), []);
  world.settle();
  t.deepEqual(session.read(), ['2 DONE applied 15.2']);
});

test('R22: a queued wait is joined under the next primary, which takes over how long it is to be', (t) => {
  const world = new PartitionWorld({ backups: 1 });
  const [anna, bert] = sessions(world, 'a', 'b') as [TestSession, TestSession];
  anna.lock('l', 0);
  bert.lock('l', 1000);
  world.settle();
  world.elect(1, 12);
  world.settle();
  anna.read();
  bert.read();
  t.deepEqual(bert.lock('l', 1000, { sequence: 1 }), ['3 WAIT']);
  world.pass(999);
  world.settle();
  t.deepEqual(bert.read(), []);
  world.pass(1);
  world.settle();
  t.deepEqual(bert.read(), ['3 FAIL KV_LOCK_BUSY']);
});

test('R22: a wait that is joined under the next primary is granted there', (t) => {
  const world = new PartitionWorld({ backups: 1 });
  const [anna, bert] = sessions(world, 'a', 'b') as [TestSession, TestSession];
  anna.lock('l', 0);
  bert.lock('l', 1000);
  world.settle();
  world.elect(1, 12);
  world.settle();
  bert.read();
  t.deepEqual(bert.lock('l', 1000, { sequence: 1 }), ['3 WAIT']);
  anna.unlock('l', '9.4');
  world.settle();
  t.deepEqual(bert.read(), ['3 LKDK 12.2']);
});

test('R22: a wait that nobody joins is granted all the same, and a retry learns of it', (t) => {
  const world = new PartitionWorld({ backups: 1 });
  const [anna, bert] = sessions(world, 'a', 'b') as [TestSession, TestSession];
  anna.lock('l', 0);
  bert.lock('l', 1000);
  world.settle();
  world.elect(1, 12);
  world.settle();
  bert.read();
  anna.unlock('l', '9.4');
  world.settle();
  t.deepEqual(bert.read(), []);
  t.deepEqual(bert.lock('l', 1000, { sequence: 1 }), ['3 LKDK 12.2']);
});

// ---- R23

test('R23: log time goes on from the last entry with monotonic time, whatever the wall clock shows', (t) => {
  const { world, session } = withSession(1);
  world.nowMs += 100;
  session.put('k', 'one', { span: 1000 });
  world.settle();
  world.nowMs += 300;
  world.unixMs = UNIX_MS + 86_400_000;
  world.elect(1, 12);
  t.is(world.primary.logTimeMs(), UNIX_MS + 400);
  world.settle();
  session.read();
  t.deepEqual(session.get('k'), ["3 GOTK 'one' 9.3 for 700"]);
});

test('R23: a primary that reigns again goes on from its own clock, though it took its entries in from nobody', (t) => {
  const { world, session } = withSession(0);
  world.nowMs += 100;
  session.put('k', 'one', { span: 1000 });
  world.nowMs += 300;
  world.elect(0, 12);
  t.is(world.primary.logTimeMs(), UNIX_MS + 400);
  world.nowMs += 50;
  t.is(world.primary.logTimeMs(), UNIX_MS + 450);
  t.deepEqual(session.get('k'), ["3 GOTK 'one' 9.3 for 650"]);
});

test('R23: a key that came due between two reigns expires in the second', (t) => {
  const { world, session } = withSession(1);
  session.put('k', 'one', { span: 1000 });
  world.settle();
  session.read();
  world.nowMs += 1000;
  world.elect(1, 12);
  world.settle();
  t.deepEqual(session.get('k'), []);
  world.settle();
  world.retryParked();
  t.deepEqual(session.read(), ['3 GOTK nothing']);
});

// ---- R12, R10

test('R12: a read waits until all who must have granted their lease', (t) => {
  const { world, session } = withSession(2);
  world.lease(1, 0);
  world.lease(2, 6000);
  t.deepEqual([...session.get('k'), ...session.scan()], []);
  world.retryParked();
  t.deepEqual(session.read(), []);
  world.leases.set(1, 6000);
  world.retryParked();
  t.deepEqual(session.read(), ['2 GOTK nothing', '3 SCND 7 at 9.2 done:']);
});

test('R12: a process that has slept past its lease answers nothing from the state', (t) => {
  const { world, session } = withSession(1);
  world.lease(1, 6000);
  t.deepEqual(session.get('k'), ['2 GOTK nothing']);
  world.sleptMs = 1000;
  t.deepEqual(session.get('k'), []);
  world.leases.set(1, 6001);
  world.retryParked();
  t.deepEqual(session.read(), ['3 GOTK nothing']);
});

test('R12: a lease that was declared void has to be granted anew', (t) => {
  const { world, session } = withSession(1);
  world.lease(1, 6000);
  session.get('k');
  world.leases.set(1, 0);
  t.deepEqual(session.get('k'), ['3 GOTK nothing']);
  world.primary.lease.void();
  t.deepEqual(session.get('k'), []);
});

test('R12: who is to join has to grant its lease before anything is read', (t) => {
  const { world, session } = withSession(1);
  world.lease(1, 6000);
  world.lease(5, 0);
  session.get('k');
  world.primary.lease.needs([1, 5]);
  t.deepEqual(session.get('k'), []);
});

test('R10: a strict read is answered once a round has confirmed it, whatever is leased', (t) => {
  const { world, session } = withSession(1);
  t.deepEqual(session.get('k', ReadsFlag.strict), []);
  t.is(world.parked.length, 0);
  world.confirmed();
  t.deepEqual(session.read(), ['2 GOTK nothing']);
  world.readsStrictly = true;
  world.lease(1, 0);
  t.deepEqual([...session.get('k'), ...session.scan()], []);
  world.confirmed();
  t.deepEqual(session.read(), ['3 GOTK nothing', '4 SCND 7 at 9.2 done:']);
  t.deepEqual(session.get('k', ReadsFlag.lease), []);
  t.is(world.parked.length, 1);
});

// ---- the rest of what may stand in the way

test('R9: a node that hears no commander serves nothing, and says why', (t) => {
  const { world, session } = withSession(1);
  world.primary.orphan = true;
  t.deepEqual([...session.put('k', 'v'), ...session.get('k')], ['2 FAIL KV_NO_QUORUM', '3 FAIL KV_NO_QUORUM']);
  t.regex(session.caller.failure, /commander/);
  t.false(world.primary.starting);
});

test('R9: after a partition began anew no lock is granted for a while, and everything else is done', (t) => {
  const { world, session } = withSession(0);
  world.primary.locksFromMs = world.nowMs + 1000;
  t.deepEqual(session.lock('l', 5000), ['2 FAIL KV_NO_QUORUM']);
  t.regex(session.caller.failure, /for another \d+ s.*former life/);
  t.deepEqual(session.put('k', 'v'), ['3 DONE applied 9.3']);
  world.nowMs += 1000;
  t.deepEqual(session.lock('l', 5000), ['4 LKDK 9.4']);
});

test('R17: while it is handed over writes are refused before anything is appended, and reads go on', (t) => {
  const { world, session } = withSession(1);
  world.primary.closedFor = 'it is being handed over';
  const { next } = world.primary.log;
  t.deepEqual([...session.put('k', 'v'), ...session.get('k')], ['2 FAIL KV_NO_QUORUM', '3 GOTK nothing']);
  t.is(world.primary.log.next, next);
  t.true(world.primary.starting);
});

test('the last operation of an epoch is followed by a new epoch, and nothing is lost', (t) => {
  const world = new PartitionWorld({ operationsMax: 4 });
  const session = new TestSession(world);
  t.deepEqual(
    [...session.incr('n'), ...session.incr('n'), ...session.incr('n')],
    ['2 DONE applied 9.3 = 1', '3 DONE applied 9.4 = 2', '4 FAIL KV_NO_QUORUM'],
  );
  world.elect(0, 10);
  t.deepEqual(session.incr('n', 1n, { sequence: 3 }), ['5 DONE applied 10.2 = 3']);
});
