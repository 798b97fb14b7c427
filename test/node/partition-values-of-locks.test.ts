/** L8: lock and fetch, store and release, at a partition's primary. */
import test from 'ava';
import { FETCH, STAGED, STORE, stageReference } from '../helpers/bodies.ts';
import { PartitionWorld } from './support/partition.ts';
import { sessions, type TestSession } from './support/session.ts';

interface Two {
  readonly world: PartitionWorld;
  readonly anna: TestSession;
  readonly bert: TestSession;
}

/** Anna's attachment is 9.2, Bert's 9.3. */
function two(backups = 0): Two {
  const world = new PartitionWorld({ backups });
  const [anna, bert] = sessions(world, 'a', 'b') as [TestSession, TestSession];
  return { world, anna, bert };
}

const fetching = { flags: FETCH };

function storing(value: string): { flags: number; payload: Uint8Array } {
  return { flags: STORE, payload: Buffer.from(value) };
}

test('L8: with the grant comes what the key holds', (t) => {
  const { anna, bert } = two();
  t.deepEqual(anna.lock('l', 0, fetching), ['2 LKDK 9.4, nothing']);
  anna.put('l', 'value');
  t.deepEqual(anna.unlock('l', '9.4'), ['4 DONE applied 9.6']);
  t.deepEqual(bert.lock('l', 0, fetching), ["2 LKDK 9.7, 'value' 9.5"]);
  bert.unlock('l', '9.7');
  t.deepEqual(bert.lock('l', 0), ['4 LKDK 9.9'], 'only for those who ask for it');
});

test('L8: a value is stored and the lock released in one step, which is the token of whoever waits', (t) => {
  const { anna, bert } = two();
  anna.lock('l', 0);
  t.deepEqual(bert.lock('l', 1000, fetching), ['2 WAIT']);
  t.deepEqual(anna.unlock('l', '9.4', storing('next')), ['3 DONE applied 9.6']);
  t.deepEqual(bert.read(), ["2 LKDK 9.6, 'next' 9.6"]);
  t.deepEqual(bert.get('l'), ["3 GOTK 'next' 9.6"]);
});

test('L8: whoever does not hold the lock stores nothing', (t) => {
  const { anna, bert } = two();
  anna.put('l', 'before');
  anna.lock('l', 0);
  t.deepEqual(bert.unlock('l', '9.5', storing('not his')), ['2 FAIL KV_NOT_HELD']);
  t.deepEqual(anna.unlock('l', '9.4', storing('old token')), ['4 FAIL KV_NOT_HELD']);
  t.deepEqual(anna.get('l'), ["5 GOTK 'before' 9.4"]);
  t.deepEqual(anna.unlock('l', '9.5', storing('')), ['6 DONE applied 9.8']);
  t.deepEqual(anna.get('l'), ["7 GOTK '' 9.8"], 'a value of no bytes is one');
  t.deepEqual(anna.unlock('l', '9.5', storing('twice')), ['8 FAIL KV_NOT_HELD']);
});

test('L8: the stored value may have a time to live', (t) => {
  const { anna } = two();
  anna.lock('l', 0);
  anna.unlock('l', '9.4', { ...storing('short'), span: 500 });
  t.regex(anna.get('l').join(), /'short' 9\.5 for 500/);
});

test('L8: it is stored on every replica, or on none', (t) => {
  const { world, anna } = two(1);
  anna.lock('l', 0);
  world.settle();
  anna.read();
  t.deepEqual(anna.unlock('l', '9.4', storing('v')), []);
  t.is(world.primary.state.keys.size, 0);
  t.is(world.primary.state.locks.size, 1, 'held until it is committed');
  world.settle();
  t.deepEqual(anna.read(), ['3 DONE applied 9.5']);
  world.settle();
  for (const state of [world.primary.state, world.backups[0]?.kept.state]) {
    t.is(state?.keys.size, 1);
    t.is(state?.locks.size, 0);
  }
});

test('L8, R22: sent again, a grant brings the value of now, and a stored value is not stored twice', (t) => {
  const { anna, bert } = two();
  anna.lock('l', 0, { ...fetching, sequence: 7, mark: 1 });
  anna.put('l', 'since', { sequence: 8, mark: 1 });
  t.deepEqual(anna.lock('l', 0, { ...fetching, sequence: 7, mark: 1 }), ["4 LKDK 9.4, 'since' 9.5"]);
  anna.unlock('l', '9.4', { ...storing('mine'), sequence: 9, mark: 1 });
  bert.put('l', 'later');
  t.deepEqual(anna.unlock('l', '9.4', { ...storing('mine'), sequence: 9, mark: 1 }), ['6 DONE applied 9.6']);
  t.deepEqual(anna.get('l'), ["7 GOTK 'later' 9.7"]);
  t.deepEqual(anna.lock('l', 0, { ...fetching, sequence: 7, mark: 1 }), ['8 LKDK 9.4'], 'a grant that is over');
});

test('L8, L5: a wait that is asked for again wants what it says last', (t) => {
  const { anna, bert } = two();
  anna.lock('l', 0);
  bert.lock('l', 60_000, { sequence: 5, mark: 5 });
  t.deepEqual(bert.lock('l', 60_000, { ...fetching, sequence: 5, mark: 5 }), ['3 WAIT']);
  anna.unlock('l', '9.4', storing('v'));
  t.deepEqual(bert.read(), ["3 LKDK 9.6, 'v' 9.6"]);
});

test('L8: a large value is asked for; one that is stored comes in pieces before', (t) => {
  const { world, anna, bert } = two();
  anna.lock('l', 0);
  const large = new Uint8Array(100_000).fill(1);
  world.stages.set(5, large);
  const staged = { flags: STORE | STAGED, payload: stageReference(5, large.length) };
  t.deepEqual(bert.unlock('l', '9.4', staged), ['2 FAIL KV_NOT_HELD']);
  world.stages.set(6, large);
  const again = { flags: STORE | STAGED, payload: stageReference(6, large.length) };
  t.deepEqual(anna.unlock('l', '9.4', again), ['3 DONE applied 9.6']);
  t.deepEqual(bert.lock('l', 0, fetching), ['3 LKDK 9.7, ask for it']);
});

test('L8, R23: what is due to expire is not brought along', (t) => {
  const { world, anna } = two();
  anna.put('l', 'v', { span: 100 });
  world.nowMs += 100;
  const lines = anna.lock('l', 0, fetching).join();
  t.regex(lines, /LKDK 9\.\d, (nothing|ask for it)/);
});

test('L8: when one session ends and thousands of locks pass on, values above a bound are to be asked for', (t) => {
  const { world, anna, bert } = two();
  const keys = Array.from({ length: 40 }, (_, index) => `l${index}`);
  for (const key of keys) {
    anna.put(key, 'x'.repeat(60_000));
    anna.lock(key, 0);
    bert.lock(key, 1000, fetching);
  }
  world.primary.leave(anna.hex);
  const lines = bert.read();
  t.is(lines.length, keys.length);
  const brought = lines.filter((line) => line.length > 60_000).length;
  t.is(brought, Math.ceil((1024 * 1024) / 60_100));
  t.is(lines.filter((line) => line.endsWith('ask for it')).length, keys.length - brought);
});
