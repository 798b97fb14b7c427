// L8: lock and fetch, store and release, as a program uses them, against a real node.
import test from 'ava';
import { type Client, connect, type RunningNode } from '../../src/index.ts';
import { FileNode } from '../helpers/node.ts';

const file = new FileNode();
let node: RunningNode;
let kv: Client;

test.before(async () => {
  node = await file.node();
  kv = await file.client();
});

test('L8: a lock comes with the value of its key and its revision', async (t) => {
  const empty = await kv.lock('fresh');
  t.is(empty.value, null);
  t.is(empty.revision, 0n);
  const revision = await empty.put('a');
  await empty.release();
  const lock = await kv.lock('fresh');
  t.is(lock.value, 'a');
  t.is(lock.revision, revision);
  await kv.put('fresh', 'b');
  t.is(lock.value, 'a', 'as it was granted');
  await lock.release({ confirm: true });
  await using without = await kv.lock('fresh', { fetch: false });
  t.throws(() => without.value, { code: 'KV_USAGE' });
  t.throws(() => without.revision, { code: 'KV_USAGE' });
});

test('L8: a read, a change and a write under a lock are two messages, and none gets lost', async (t) => {
  const other = await connect(node.address);
  const rounds = 40;
  const count = async (client: Client): Promise<void> => {
    for (let round = 0; round < rounds; round += 1) {
      const lock = await client.lock('counter');
      await lock.release({ value: `${Number(lock.value ?? 0) + 1}` });
    }
  };
  await Promise.all([count(kv), count(other), count(kv), count(other)]);
  t.is(await kv.get('counter'), `${rounds * 4}`);
  await other.close();
});

test('L8: whoever waits gets what was stored with the release', async (t) => {
  const first = await kv.lock('handed on');
  const second = kv.lock('handed on');
  await first.release({ value: 'from the first', ttlMs: 60_000 });
  const lock = await second;
  t.is(lock.value, 'from the first');
  t.is(lock.revision, lock.token, 'one step');
  t.true(((await kv.getEntry('handed on'))?.ttlMs ?? 0) > 50_000);
  await lock.release();
});

test('L8: large values', async (t) => {
  const large = 'x'.repeat(1_000_000);
  const lock = await kv.lock('large');
  await lock.release({ value: large });
  const again = await kv.lock('large');
  t.is(again.value, large);
  t.is((await kv.getEntry('large'))?.revision, again.revision);
  await again.release({ value: '' });
  await using third = await kv.lock('large');
  t.is(third.value, '', 'no bytes are a value');
});

test('L8: what cannot be stored leaves the lock held', async (t) => {
  const buffers = await connect(node.address, { codec: 'buffer' });
  const lock = await buffers.lock('too much');
  await t.throwsAsync(lock.release({ value: new Uint8Array(64 * 1024 * 1024 + 1) }), { code: 'KV_TOO_LARGE' });
  await t.throwsAsync(lock.release({ value: new Uint8Array(1), ttlMs: -1 }), { code: 'KV_USAGE' });
  await t.throwsAsync(lock.release({ ttlMs: 1 }), { code: 'KV_USAGE' });
  t.true(lock.held);
  t.is(await kv.tryLock('too much'), null);
  await lock.release({ value: new Uint8Array(1) });
  t.false(lock.held);
  await t.throwsAsync(lock.release({ value: new Uint8Array(1) }), { code: 'KV_NOT_HELD' });
  await buffers.close();
});

test('L8: a value that the codec cannot read is told when it is asked for; the lock is held', async (t) => {
  await kv.put('not json', '{');
  const json = await connect(node.address, { codec: 'json' });
  const lock = await json.lock('not json');
  t.throws(() => lock.value);
  t.true(lock.held);
  await lock.release({ value: { whole: true } });
  t.is(await kv.get('not json'), '{"whole":true}');
  await json.close();
});
