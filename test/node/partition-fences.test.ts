/** L9: a partition takes a write under a fence only while that lock is held by exactly that token. */
import test from 'ava';
import * as bodies from '../helpers/bodies.ts';
import { revisionOf } from './support/caller.ts';
import { PartitionWorld } from './support/partition.ts';
import { sessions, type TestSession, type WriteOptions } from './support/session.ts';

interface Held {
  readonly world: PartitionWorld;
  readonly anna: TestSession;
  readonly bert: TestSession;
}

/** Anna holds the lock `l` with token 9.4. */
function held(backups = 0): Held {
  const world = new PartitionWorld({ backups });
  const [anna, bert] = sessions(world, 'a', 'b') as [TestSession, TestSession];
  anna.lock('l', 0);
  world.settle();
  anna.read();
  return { world, anna, bert };
}

function under(token: string, lockKey = '', payload: Uint8Array = Buffer.alloc(0), flags = 0): WriteOptions {
  const fence = bodies.fence(revisionOf(token), lockKey);
  return { flags: flags | bodies.FENCED, payload: Buffer.concat([payload, fence]) };
}

test('L9: put, delete and incr count under the token of the lock, and under no other', (t) => {
  const { anna, bert } = held();
  t.deepEqual(anna.put('k', '', under('9.4', 'l', Buffer.from('mine'))), ['3 DONE applied 9.5']);
  t.deepEqual(anna.get('k'), ["4 GOTK 'mine' 9.5"]);
  t.deepEqual(anna.put('k', '', under('9.3', 'l', Buffer.from('former'))), ['5 FAIL KV_FENCED']);
  t.deepEqual(anna.put('k', '', under('8.4', 'l', Buffer.from('former'))), ['6 FAIL KV_FENCED']);
  t.deepEqual(anna.put('k', '', under('9.4', 'free', Buffer.from('other lock'))), ['7 FAIL KV_FENCED']);
  t.deepEqual(anna.incr('n', 1n, under('9.3', 'l', bodies.i64(1n))), ['8 FAIL KV_FENCED']);
  t.regex(anna.incr('n', 1n, under('9.4', 'l', bodies.i64(5n))).join(), /^9 DONE applied 9\.\d+/);
  t.deepEqual(anna.del('k', under('9.3', 'l')), ['10 FAIL KV_FENCED']);
  t.deepEqual(anna.get('k'), ["11 GOTK 'mine' 9.5"], 'what was refused changed nothing');
  t.regex(bert.del('k', under('9.4', 'l')).join(), /DONE applied/, 'whoever shows the token of the holder');
});

test('L9: without a lock key it is the lock of the key that is written', (t) => {
  const { anna } = held();
  t.deepEqual(anna.put('l', '', under('9.4', '', Buffer.from('v'))), ['3 DONE applied 9.5']);
  t.deepEqual(anna.put('k', '', under('9.4', '', Buffer.from('v'))), ['4 FAIL KV_FENCED']);
});

test('L9: with the release, and with the next grant, the former token counts no more', (t) => {
  const { anna, bert } = held();
  t.deepEqual(bert.lock('l', 1000), ['2 WAIT']);
  anna.unlock('l', '9.4');
  t.deepEqual(bert.read(), ['2 LKDK 9.6']);
  t.deepEqual(anna.put('k', '', under('9.4', 'l', Buffer.from('late'))), ['4 FAIL KV_FENCED']);
  t.deepEqual(bert.put('k', '', under('9.6', 'l', Buffer.from('in time'))), ['3 DONE applied 9.8']);
  bert.unlock('l', '9.6');
  t.deepEqual(bert.put('k', '', under('9.6', 'l', Buffer.from('after'))), ['5 FAIL KV_FENCED']);
  t.deepEqual(bert.get('k'), ["6 GOTK 'in time' 9.8"]);
});

test('L9: it is decided where the write takes effect, behind all that came before', (t) => {
  const { world, anna } = held(1);
  t.deepEqual(anna.unlock('l', '9.4'), []);
  t.deepEqual(anna.put('k', '', under('9.4', 'l', Buffer.from('too late'))), []);
  world.settle();
  t.deepEqual(anna.read(), ['3 DONE applied 9.5', '4 FAIL KV_FENCED']);
  t.is(world.backups[0]?.kept.state.keys.size, 0, 'on every replica alike');
});

test('L9, R22: a refusal is remembered: sent again, it is refused again', (t) => {
  const { anna } = held();
  const late = { ...under('9.3', 'l', Buffer.from('v')), sequence: 3, mark: 3 };
  t.deepEqual(anna.put('k', '', late), ['3 FAIL KV_FENCED']);
  t.deepEqual(anna.put('k', '', late), ['4 FAIL KV_FENCED']);
});

test('L9: a condition counts as well, the fence first', (t) => {
  const { anna } = held();
  const conditional = (token: string, revision: string): string[] =>
    anna.put('k', '', { ...under(token, 'l', Buffer.from('v'), bodies.IF_REVISION), revision });
  t.regex(conditional('9.4', '9.1').join(), /DONE refused 0\.0/);
  t.regex(conditional('9.3', '9.1').join(), /KV_FENCED/);
  t.regex(conditional('9.4', '0.0').join(), /DONE applied/);
});
