// L9: fenced writes as a program makes them, against a real node.
import test from 'ava';
import { type Client, connect, KeyvalError, type RunningNode } from '../../src/index.ts';
import { FileNode } from '../helpers/node.ts';

const file = new FileNode();
let node: RunningNode;
let kv: Client;

test.before(async () => {
  node = await file.node();
  kv = await file.client();
});

const fenced = { instanceOf: KeyvalError, code: 'KV_FENCED' };

test('a lock is a fence: its writes count until somebody else has it', async (t) => {
  const other = await connect(node.address);
  const former = await kv.lock('{report}');
  const { token } = former;
  await kv.put('{report}.rows', '1', { fence: former });
  t.is(await kv.incr('{report}.count', 2, { fence: former }), 2n);
  const { ok, revision } = await kv.cas('{report}.head', 0n, 'a', { fence: former });
  t.true(ok);
  await former.release();
  const holder = await other.lock('{report}');
  const late = { key: '{report}', token };
  await t.throwsAsync(kv.put('{report}.rows', '2', { fence: late }), fenced);
  await t.throwsAsync(kv.incr('{report}.count', 1, { fence: late }), fenced);
  await t.throwsAsync(kv.cas('{report}.head', revision, 'b', { fence: late }), fenced);
  await t.throwsAsync(kv.delete('{report}.rows', { fence: late }), fenced);
  t.is(await kv.get('{report}.rows'), '1');
  t.true(await kv.delete('{report}.rows', { fence: holder }), 'whoever shows the token of the holder');
  await other.close();
});

test('a lock writes its own key under its token', async (t) => {
  const lock = await kv.lock('own');
  await lock.put('mine', { ttlMs: 60_000 });
  t.is(await lock.get(), 'mine');
  const copy = { key: 'own', token: lock.token };
  await lock.release({ confirm: true });
  for (const use of [() => lock.put('late'), () => lock.get(), () => lock.delete()])
    await t.throwsAsync(use(), { code: 'KV_NOT_HELD' });
  await t.throwsAsync(kv.put('own', 'late', { fence: copy }), fenced);
  await using again = await kv.lock('own');
  t.true(await again.delete());
  t.is(await kv.get('own'), null);
});

test('large values are fenced, too', async (t) => {
  const value = 'x'.repeat(300_000);
  const lock = await kv.lock('large');
  await lock.put(value);
  const { token } = lock;
  await lock.release({ confirm: true });
  await t.throwsAsync(kv.put('large', 'y'.repeat(300_000), { fence: { key: 'large', token } }), fenced);
  t.is(await kv.get('large'), value);
});

test('each part of a batch has a fence of its own', async (t) => {
  await using lock = await kv.lock('{b}');
  const stale = { key: '{b}', token: lock.token - 1n };
  const results = await kv.batch([
    { put: '{b}1', value: 'a', fence: lock },
    { put: '{b}2', value: 'b', fence: stale },
    { incr: '{b}3', fence: stale },
    { delete: '{b}1', fence: lock },
    { get: '{b}2' },
  ]);
  t.deepEqual(
    results.map((result) => (result.ok ? 'ok' : result.error.code)),
    ['ok', 'KV_FENCED', 'KV_FENCED', 'ok', 'ok'],
  );
  t.is(await kv.get('{b}2'), null);
});

test('a lock in another partition cannot guard: the error says under which name it could', async (t) => {
  await using lock = await kv.lock('orders');
  const error = await t.throwsAsync(kv.put('total', '1', { fence: lock }), { code: 'KV_FENCE_PARTITION' });
  t.is(
    error?.message,
    "the lock 'orders' cannot guard 'total', which lies in another partition; write under '{orders}total', for instance",
  );
  await kv.put('{orders}total', '1', { fence: lock });
  await t.throwsAsync(kv.put(Buffer.from('bytes'), '1', { fence: lock }), { code: 'KV_FENCE_PARTITION' });
});

test('a fence that cannot be', async (t) => {
  for (const token of [0n, -1n, 2n ** 64n, 7 as unknown as bigint, undefined as unknown as bigint])
    await t.throwsAsync(kv.put('k', 'v', { fence: { key: 'k', token } }), { code: 'KV_USAGE' }, String(token));
  await using group = await kv.lock(['{g}a', '{g}b']);
  const [lock] = group.locks;
  for (const [fence, message] of [
    [null, 'fence is null: tryLock gives that when somebody else holds the lock'],
    [group, 'fence is one lock, not several: pass one of its locks'],
    [group.locks, 'fence is one lock, not several: pass one of its locks'],
    [Promise.resolve(lock), 'fence is a promise: await the lock first'],
    [lock?.token, `fence is a lock, or its { key, token }, not ${lock?.token}n`],
    [{ key: 'k', token: '5' }, "the token of a fence is a bigint, not the string '5': make it one with BigInt(token)"],
  ] as const)
    await t.throwsAsync(kv.put('k', 'v', { fence: fence as never }), { code: 'KV_USAGE', message });
  await t.throwsAsync(kv.put('k', 'v', { fence: { key: '', token: 1n } }), { code: 'KV_BAD_KEY' });
  t.is(await kv.get('k'), null);
});
