/** The calls in the README's table for those who come from other lock services, and what it says that they do. */
import test from 'ava';
import { type Client, KeyvalError, type RunningNode, startNode } from '../../src/index.ts';

let node: RunningNode;
let kv: Client;
let other: Client;

test.before('a node with two clients', async () => {
  node = await startNode({ port: 0, logLevel: 'silent' });
  await node.ready();
  [kv, other] = await Promise.all([node.client(), node.client()]);
});

test.after.always('stop it', async () => {
  await kv.close();
  await other.close();
  await node.close();
});

function refused(code: string): { instanceOf: typeof KeyvalError; code: string } {
  return { instanceOf: KeyvalError, code };
}

test('try: null instead of an error; wait: an error after waitMs', async (t) => {
  await using lock = await kv.lock('taken');
  t.is(await other.tryLock('taken'), null);
  await t.throwsAsync(other.lock('taken', { waitMs: 20 }), refused('KV_LOCK_BUSY'));
  await t.throwsAsync(
    other.withLock('taken', { waitMs: 0 }, () => t.fail()),
    refused('KV_LOCK_BUSY'),
  );
  t.true(lock.held);
});

test('two calls are two holders, in one program, too; only the flow of withLock may take its lock again', async (t) => {
  const first = await kv.lock('twice');
  t.is(await kv.tryLock('twice'), null);
  await t.throwsAsync(kv.lock('twice', { waitMs: 20 }), refused('KV_LOCK_BUSY'));
  await first.release();
  await kv.withLock('twice', async ({ token }) => {
    await kv.withLock('twice', (again) => t.is(again.token, token));
  });
});

test('several at once: all or none, each with a token of its own, no common tag needed', async (t) => {
  await using taken = await other.lock('b');
  t.is(await kv.tryLock(['a', 'b']), null);
  const free = await kv.tryLock('a');
  t.true(free?.held, 'what was taken before is given back');
  await free?.release();
  await taken.release();
  await using both = await kv.lock(['a', 'b']);
  t.is(new Set(both.locks.map(({ token }) => token)).size, 2);
});

test('first come, first served, with growing tokens', async (t) => {
  const first = await kv.lock('line');
  const order: string[] = [];
  const wait = async (client: Client, name: string): Promise<bigint> => {
    await using lock = await client.lock('line');
    order.push(name);
    return lock.token;
  };
  const second = wait(other, 'second');
  const third = wait(other, 'third');
  await first.release();
  const tokens = [first.token, await second, await third];
  t.deepEqual(order, ['second', 'third']);
  t.deepEqual(
    tokens,
    tokens.toSorted((a, b) => (a < b ? -1 : 1)),
  );
});

test('a mark that expires by itself', async (t) => {
  await kv.put('mark', 'v', { ifAbsent: true, ttlMs: 10_000 });
  await t.throwsAsync(other.put('mark', 'w', { ifAbsent: true, ttlMs: 10_000 }), refused('KV_CONFLICT'));
});

test('a lock is no key; its value is, outlives it, and binds only those who ask', async (t) => {
  const lock = await kv.lock('leader');
  t.is(await other.get('leader'), null);
  for await (const { key } of other.scan({ prefix: 'leader' })) t.fail(key);
  await lock.put('host-1');
  await lock.release({ confirm: true });
  await t.throwsAsync(lock.release(), refused('KV_NOT_HELD'));
  t.is(await other.get('leader'), 'host-1');
  await using next = await other.lock('leader');
  t.is(next.value, 'host-1');
  await kv.put('leader', 'by somebody without a fence');
  await t.throwsAsync(kv.put('leader', 'late', { fence: { key: 'leader', token: lock.token } }), refused('KV_FENCED'));
});

test('the release of a lost lock is an error, unless a block does it', async (t) => {
  const third = await node.client();
  await using lock = await third.lock('lost');
  await third.close();
  t.false(lock.held);
  await t.throwsAsync(lock.release(), refused('KV_NOT_HELD'));
});
