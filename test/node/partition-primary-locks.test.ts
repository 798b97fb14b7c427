/** Locks at a partition's primary (locks.md). */
import test from 'ava';
import { WAIT_FOREVER } from '../../src/protocol/client-codec.ts';
import { PartitionWorld } from './support/partition.ts';
import { sessions, type TestSession } from './support/session.ts';

/** Anna holds the lock `l` with token 9.5, Bert and Carl have asked for nothing yet. */
function three(): { world: PartitionWorld; anna: TestSession; bert: TestSession; carl: TestSession } {
  const world = new PartitionWorld();
  const [anna, bert, carl] = sessions(world, 'a', 'b', 'c') as [TestSession, TestSession, TestSession];
  anna.lock('l', 0);
  return { world, anna, bert, carl };
}

test('L1: LKDK returns when every replica has the lock', (t) => {
  const world = new PartitionWorld({ backups: 2 });
  const [anna] = sessions(world, 'a') as [TestSession];
  t.deepEqual(anna.lock('l', 0), []);
  world.send(0);
  world.acknowledge(0);
  t.deepEqual(anna.read(), []);
  world.send(1);
  world.acknowledge(1);
  t.deepEqual(anna.read(), ['2 LKDK 9.3']);
});

test('L1: WAIT is said when every replica has the wait', (t) => {
  const world = new PartitionWorld({ backups: 1 });
  const [anna, bert] = sessions(world, 'a', 'b') as [TestSession, TestSession];
  anna.lock('l', 0);
  t.deepEqual(bert.lock('l', 1000), []);
  world.settle();
  t.deepEqual(bert.read(), ['2 WAIT']);
  t.is(world.backups[0]?.kept.state.locks.waiting, 1);
});

test('L2: tokens of a key only grow, over releases and over its deletion', (t) => {
  const { anna, bert } = three();
  anna.unlock('l', '9.5');
  t.deepEqual(bert.lock('l', 0), ['2 LKDK 9.7']);
  bert.unlock('l', '9.7');
  bert.del('l');
  t.deepEqual(anna.lock('l', 0), ['4 LKDK 9.10']);
});

test('L2: the token of who waited is the revision of the release', (t) => {
  const { anna, bert } = three();
  t.deepEqual(bert.lock('l', 1000), ['2 WAIT']);
  t.deepEqual(anna.unlock('l', '9.5'), ['3 DONE applied 9.7']);
  t.deepEqual(bert.read(), ['2 LKDK 9.7']);
});

test('L5: first come, first served, and nobody comes between', (t) => {
  const { anna, bert, carl } = three();
  carl.lock('l', 1000);
  bert.lock('l', 1000);
  t.deepEqual(anna.unlock('l', '9.5'), ['3 DONE applied 9.8']);
  t.deepEqual(anna.lock('l', 0), ['4 FAIL KV_LOCK_BUSY']);
  t.deepEqual([carl.read(), bert.read()], [['2 LKDK 9.8'], []]);
  carl.unlock('l', '9.8');
  t.deepEqual(bert.read(), ['2 LKDK 9.9']);
});

test('L5: a wait whose time is up ends with KV_LOCK_BUSY, and leaves nothing behind', (t) => {
  const { world, anna, bert } = three();
  bert.lock('l', 1000);
  world.pass(999);
  t.deepEqual(bert.read(), []);
  world.pass(1);
  t.deepEqual(bert.read(), ['2 FAIL KV_LOCK_BUSY']);
  anna.unlock('l', '9.5');
  t.is(world.primary.state.locks.size, 0);
  t.deepEqual(bert.read(), []);
});

test('L5: waits end in the order of their time, not of their coming', (t) => {
  const { world, bert, carl } = three();
  bert.lock('l', 500);
  carl.lock('l', 200);
  world.pass(200);
  t.deepEqual([bert.read(), carl.read()], [[], ['2 FAIL KV_LOCK_BUSY']]);
  world.pass(300);
  t.deepEqual(bert.read(), ['2 FAIL KV_LOCK_BUSY']);
});

test('L5: the time of a wait that was granted does not end the next one', (t) => {
  const { world, anna, bert, carl } = three();
  bert.lock('l', 100);
  anna.unlock('l', '9.5');
  carl.lock('l', 1000);
  world.pass(100);
  t.deepEqual(carl.read(), []);
  world.pass(900);
  t.deepEqual(carl.read(), ['2 FAIL KV_LOCK_BUSY']);
});

test('L5: a wait for ever does not end', (t) => {
  const { world, anna, bert } = three();
  bert.lock('l', WAIT_FOREVER);
  for (let hour = 0; hour < 100; hour += 1) {
    world.primary.renew(anna.hex);
    world.primary.renew(bert.hex);
    world.pass(9000);
  }
  t.deepEqual(bert.read(), []);
  anna.unlock('l', '9.5');
  t.regex(bert.read().join(), /^2 LKDK/);
});

test('L5: the end of a wait comes after a release that was appended before', (t) => {
  const world = new PartitionWorld({ backups: 1 });
  const [anna, bert] = sessions(world, 'a', 'b') as [TestSession, TestSession];
  anna.lock('l', 0);
  bert.lock('l', 1000);
  world.settle();
  bert.read();
  anna.unlock('l', '9.4');
  world.pass(1000);
  world.settle();
  t.deepEqual(bert.read(), ['2 LKDK 9.6']);
  t.is(world.primary.state.locks.size, 1);
  world.pass(10);
  world.settle();
  t.deepEqual(bert.read(), []);
});

test('L5: while nothing can be written no wait ends, and it ends afterwards', (t) => {
  const world = new PartitionWorld({ backups: 1 });
  const [anna, bert] = sessions(world, 'a', 'b') as [TestSession, TestSession];
  anna.lock('l', 0);
  bert.lock('l', 1000);
  world.settle();
  bert.read();
  world.freeze();
  world.pass(1000);
  world.thaw();
  world.settle();
  t.deepEqual(bert.read(), []);
  world.pass(1);
  world.settle();
  t.deepEqual(bert.read(), ['2 FAIL KV_LOCK_BUSY']);
});

test('L5: CNCL ends a wait', (t) => {
  const { world, anna, bert, carl } = three();
  bert.lock('l', 1000);
  carl.lock('l', 1000);
  const lines = bert.cancel('l', 1);
  t.is(lines.length, 2);
  t.regex(lines[0] as string, /^3 DONE applied/);
  t.is(lines[1], '2 FAIL KV_LOCK_BUSY');
  anna.unlock('l', '9.5');
  t.deepEqual([bert.read(), carl.read()], [[], ['2 LKDK 9.9']]);
  t.is(world.primary.state.locks.waiting, 0);
});

test('L5: CNCL after the grant lets go of it, and the next one has it', (t) => {
  const { anna, bert, carl } = three();
  bert.lock('l', 1000);
  carl.lock('l', 1000);
  anna.unlock('l', '9.5');
  t.deepEqual(bert.read(), ['2 LKDK 9.8']);
  t.regex(bert.cancel('l', 1).join(), /^3 DONE applied/);
  t.deepEqual(carl.read(), ['2 LKDK 9.9']);
});

test('L5: CNCL that comes again, or for what never was, changes nothing', (t) => {
  const { world, anna, bert } = three();
  bert.lock('l', 1000);
  bert.cancel('l', 1);
  bert.cancel('l', 1);
  bert.cancel('l', 77);
  t.regex(anna.unlock('l', '9.4').join(), /KV_NOT_HELD/);
  t.is(world.primary.state.locks.size, 1);
  t.regex(anna.unlock('l', '9.5').join(), /applied/);
});

test('L5: a request that was given up is not granted when it comes late', (t) => {
  const { world, anna, bert } = three();
  bert.sequence = 1;
  bert.cancel('l', 1);
  anna.unlock('l', '9.5');
  t.deepEqual(bert.lock('l', 1000, { sequence: 1 }), ['3 FAIL KV_LOCK_BUSY']);
  t.is(world.primary.state.locks.size, 0);
});

test('L5: CNCL lets go only of what its own request was granted', (t) => {
  const { world, anna, bert } = three();
  bert.lock('m', 0);
  bert.cancel('m', 7);
  anna.cancel('l', 7);
  t.is(world.primary.state.locks.size, 2);
});

test('L6: release needs session and token; anything else is KV_NOT_HELD and changes nothing', (t) => {
  const { world, anna, bert } = three();
  t.deepEqual(bert.unlock('l', '9.5'), ['2 FAIL KV_NOT_HELD']);
  t.deepEqual(anna.unlock('l', '9.4'), ['3 FAIL KV_NOT_HELD']);
  t.deepEqual(anna.unlock('l', '8.5'), ['4 FAIL KV_NOT_HELD']);
  t.deepEqual(anna.unlock('free', '9.5'), ['5 FAIL KV_NOT_HELD']);
  t.is(world.primary.state.locks.size, 1);
  t.deepEqual(bert.lock('l', 0), ['3 FAIL KV_LOCK_BUSY']);
  t.deepEqual(anna.unlock('l', '9.5'), ['6 DONE applied 9.10']);
  t.deepEqual(anna.unlock('l', '9.5'), ['7 FAIL KV_NOT_HELD']);
});

test('L6: who holds a lock can wait for it, and would wait for itself', (t) => {
  const { anna } = three();
  t.deepEqual(anna.lock('l', 0), ['3 FAIL KV_LOCK_BUSY']);
  t.deepEqual(anna.lock('l', 1000), ['4 WAIT']);
  t.deepEqual(anna.unlock('l', '9.5'), ['5 DONE applied 9.7', '4 LKDK 9.7']);
});

test('a lock and a value of the same key know nothing of each other', (t) => {
  const { world, anna, bert } = three();
  t.deepEqual(bert.put('l', 'free for all'), ['2 DONE applied 9.6']);
  t.deepEqual(bert.del('l'), ['3 DONE applied 9.7']);
  t.is(world.primary.state.locks.size, 1);
  t.deepEqual(anna.unlock('l', '9.5'), ['3 DONE applied 9.8']);
});
