/** Keys at a partition's primary without backups: everything is committed and answered at once. */
import test from 'ava';
import { PartitionWorld } from './support/partition.ts';
import { sessions, TestSession } from './support/session.ts';

test('a value is put, got, replaced and deleted', (t) => {
  const session = new TestSession(new PartitionWorld());
  t.deepEqual(session.get('k'), ['2 GOTK nothing']);
  t.deepEqual(session.put('k', 'one'), ['3 DONE applied 9.3']);
  t.deepEqual(session.get('k'), ["4 GOTK 'one' 9.3"]);
  t.deepEqual(session.put('k', 'two'), ['5 DONE applied 9.4']);
  t.deepEqual(session.get('k'), ["6 GOTK 'two' 9.4"]);
  t.deepEqual(session.del('k'), ['7 DONE applied 9.5']);
  t.deepEqual(session.get('k'), ['8 GOTK nothing']);
});

test('deleting what is not there is done, and has no revision', (t) => {
  const session = new TestSession(new PartitionWorld());
  t.deepEqual(session.del('k'), ['2 DONE applied 0.0']);
});

test('any bytes are a key and a value, none and many too', (t) => {
  const session = new TestSession(new PartitionWorld());
  const key = '\0'.repeat(65_535);
  t.deepEqual(session.put(key, ''), ['2 DONE applied 9.3']);
  t.deepEqual(session.get(key), ["3 GOTK '' 9.3"]);
  t.deepEqual(session.get('\0'), ['4 GOTK nothing']);
});

test('a value that does not fit one frame is sent in pieces', (t) => {
  const world = new PartitionWorld();
  const session = new TestSession(world);
  const large = new Uint8Array(64 * 1024 + 1);
  world.stages.set(5, large);
  t.deepEqual(session.putStaged('k', 5), ['2 DONE applied 9.3']);
  t.deepEqual(session.get('k'), []);
  t.deepEqual(world.sentLarge, [[3, large.length]]);
  world.stages.set(6, large.subarray(1));
  session.putStaged('k', 6);
  t.is(session.get('k')[0]?.length, "5 GOTK '' 9.4".length + 64 * 1024);
});

test('compare and set: only if the key has the revision', (t) => {
  const session = new TestSession(new PartitionWorld());
  session.put('k', 'one');
  t.deepEqual(session.cas('k', '9.2', 'two'), ['3 DONE refused 9.3']);
  t.deepEqual(session.cas('k', '8.3', 'two'), ['4 DONE refused 9.3']);
  t.deepEqual(session.cas('k', '9.3', 'two'), ['5 DONE applied 9.4']);
  t.deepEqual(session.get('k'), ["6 GOTK 'two' 9.4"]);
});

test('compare and set: only if the key is absent', (t) => {
  const session = new TestSession(new PartitionWorld());
  t.deepEqual(session.cas('k', '9.3', 'one'), ['2 DONE refused 0.0']);
  t.deepEqual(session.cas('k', '0.0', 'one'), ['3 DONE applied 9.3']);
  t.deepEqual(session.cas('k', '0.0', 'two'), ['4 DONE refused 9.3']);
});

test('delete on a condition', (t) => {
  const session = new TestSession(new PartitionWorld());
  session.put('k', 'one');
  t.deepEqual(session.del('k', { flags: 1, revision: '9.9' }), ['3 DONE refused 9.3']);
  t.deepEqual(session.del('k', { flags: 1, revision: '9.3' }), ['4 DONE applied 9.4']);
  t.deepEqual(session.del('k', { flags: 1, revision: '9.3' }), ['5 DONE refused 0.0']);
});

test('R7: what is surely refused while nothing is uncommitted takes no entry', (t) => {
  const world = new PartitionWorld();
  const [anna, bert] = sessions(world, 'a', 'b') as [TestSession, TestSession];
  anna.put('k', 'one');
  anna.lock('l', 0);
  const { next } = world.primary.log;
  anna.cas('k', '9.1', 'two');
  anna.cas('absent', '9.1', 'two');
  anna.del('k', { flags: 1, revision: '9.1' });
  t.deepEqual(bert.lock('l', 0), ['2 FAIL KV_LOCK_BUSY']);
  t.is(world.primary.log.next, next);
});

test('increment makes a number, keeps it a number, and refuses what is none', (t) => {
  const session = new TestSession(new PartitionWorld());
  t.deepEqual(session.incr('n', 5n), ['2 DONE applied 9.3 = 5']);
  t.deepEqual(session.incr('n', -7n), ['3 DONE applied 9.4 = -2']);
  t.deepEqual(session.get('n'), ["4 GOTK '-2' 9.4"]);
  session.put('k', 'seven');
  t.deepEqual(session.incr('k'), ['6 FAIL KV_NOT_INTEGER']);
  session.put('k', '007');
  t.deepEqual(session.incr('k'), ['8 FAIL KV_NOT_INTEGER']);
  t.deepEqual(session.get('k'), ["9 GOTK '007' 9.7"]);
});

test('increment stops at 64 bits', (t) => {
  const session = new TestSession(new PartitionWorld());
  const max = 2n ** 63n - 1n;
  t.deepEqual(session.incr('n', max), [`2 DONE applied 9.3 = ${max}`]);
  t.deepEqual(session.incr('n', 1n), ['3 FAIL KV_NOT_INTEGER']);
  t.deepEqual(session.incr('n', -1n), [`4 DONE applied 9.5 = ${max - 1n}`]);
  t.deepEqual(session.incr('m', -max - 1n), [`5 DONE applied 9.6 = ${-max - 1n}`]);
  t.deepEqual(session.incr('m', -1n), ['6 FAIL KV_NOT_INTEGER']);
});

test('a reply to who has gone is dropped', (t) => {
  const world = new PartitionWorld();
  const session = new TestSession(world);
  session.caller.closed = true;
  t.deepEqual(session.put('k', 'one'), []);
  t.deepEqual(session.get('k'), []);
  session.caller.closed = false;
  t.deepEqual(session.get('k'), ["4 GOTK 'one' 9.3"]);
});

test('a page of a scan names partition, commit point and where to go on', (t) => {
  const session = new TestSession(new PartitionWorld());
  t.deepEqual(session.scan(), ['2 SCND 7 at 9.2 done:']);
  for (const key of ['ab', 'b', 'ac', 'ad']) session.put(key, key.toUpperCase());
  t.deepEqual(session.scan(), ["7 SCND 7 at 9.6 done: ab='AB' b='B' ac='AC' ad='AD'"]);
  t.deepEqual(session.scan({ prefix: 'a' }), ["8 SCND 7 at 9.6 done: ab='AB' ac='AC' ad='AD'"]);
  t.deepEqual(session.scan({ values: false, prefix: 'b' }), ['9 SCND 7 at 9.6 done: b=…']);
  t.deepEqual(session.scan({ entriesMax: 2 }), ["10 SCND 7 at 9.6 next 2: ab='AB' b='B'"]);
  t.deepEqual(session.scan({ entriesMax: 2, cursor: 2 }), ["11 SCND 7 at 9.6 done: ac='AC' ad='AD'"]);
  t.deepEqual(session.scan({ cursor: 4 }), ['12 SCND 7 at 9.6 done:']);
});

test('a value too large for a page is left to a get of its own, and costs the page nothing', (t) => {
  const world = new PartitionWorld();
  const session = new TestSession(world);
  world.stages.set(5, new Uint8Array(8 * 1024 * 1024));
  session.putStaged('large', 5);
  t.deepEqual(session.scan(), ['3 SCND 7 at 9.3 done: large=…']);
  t.true(session.caller.frames.buffer.length < 1024 * 1024);
});
