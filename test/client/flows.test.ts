// Reentrancy by async context: what one flow may do, and what another may not, against a real node.
import test from 'ava';
import { type Client, connect, type RunningNode, startNode } from '../../src/index.ts';

let node: RunningNode;
let kv: Client;
let other: Client;

test.before(async () => {
  node = await startNode({ port: 0, logLevel: 'silent' });
  await node.ready();
  kv = await connect(node.address);
  other = await connect(node.address);
});

test.after.always(async () => {
  await kv.close();
  await other.close();
  await node.close();
});

test('a flow takes a lock again that it holds, and holds it until the last is let go of', async (t) => {
  await kv.withLock('again', async (outer) => {
    await kv.withLock('again', async (inner) => {
      t.is(inner.token, outer.token);
      await inner.put('from within');
    });
    t.true(outer.held);
    const third = await kv.lock('again');
    t.is(third.value, 'from within', 'as the flow has left it');
    await outer.release();
    t.false(outer.held);
    t.true(third.held);
    t.is(await other.tryLock('again'), null);
    await third.release({ value: 'stored', ttlMs: 60_000 });
  });
  await using next = await other.lock('again');
  t.is(next.value, 'stored');
});

test('another flow of the same client waits', async (t) => {
  await kv.withLock('flows', async () => {
    t.is(await kv.flow(() => kv.tryLock('flows')), null);
    t.is(await other.tryLock('flows'), null);
  });
  const order: string[] = [];
  const section = async (name: string): Promise<void> =>
    kv.withLock('flows', async () => {
      order.push(`${name} in`);
      await kv.get('flows');
      order.push(`${name} out`);
    });
  await Promise.all([section('a'), section('b'), section('c')]);
  t.deepEqual(order, ['a in', 'a out', 'b in', 'b out', 'c in', 'c out']);
});

test('locks taken outside any flow are not taken again', async (t) => {
  const first = await kv.lock('plain');
  t.is(await kv.tryLock('plain'), null);
  await first.release();
});

test('a lock taken with lock() belongs to the flow that took it', async (t) => {
  await kv.flow(async () => {
    const first = await kv.lock(Buffer.from('bytes'));
    const second = await kv.lock('bytes');
    t.is(second.token, first.token, 'keys are bytes');
    await first.release();
    await second.release();
    const later = await kv.lock('bytes');
    t.true(later.token > first.token, 'not held any more, so it is a new grant');
    await later.release();
  });
});

test('a weaker mode is had with the stronger one, a stronger one is a deadlock with itself, and told so', async (t) => {
  await kv.flow(async () => {
    await using exclusive = await kv.lock('modes');
    await using read = await kv.lock('modes', { mode: 'read' });
    t.is(read.token, exclusive.token);
    await t.throwsAsync(exclusive.convert('read'), { code: 'KV_USAGE', message: /2 times/ });
    await using reader = await kv.lock('modes 2', { mode: 'read' });
    const error = await t.throwsAsync(kv.lock('modes 2'), { code: 'KV_DEADLOCK' });
    t.regex(error?.message ?? '', /'modes 2'.*protected-read.*exclusive.*convert/);
    await reader.convert('exclusive');
    t.is(reader.mode, 'exclusive');
  });
});

test('when the lock is lost, every handle of the flow hears of it', async (t) => {
  const holder = await connect(node.address);
  const losses: string[] = [];
  await holder.flow(async () => {
    const first = await holder.lock('lost in a flow');
    const second = await holder.lock('lost in a flow');
    const third = await holder.lock('lost in a flow');
    first.on('lost', ({ cause }) => losses.push(`first ${cause}`));
    second.on('lost', ({ cause }) => losses.push(`second ${cause}`));
    third.on('lost', () => losses.push('third'));
    await third.release();
    await holder.close();
    t.false(first.held);
  });
  t.deepEqual(losses, ['first closed', 'second closed'], 'not the one that was let go of');
});

test('a flow is one of each client that is used in it', async (t) => {
  await kv.flow(async () => {
    const mine = await kv.lock('two clients');
    t.is(await other.tryLock('two clients'), null, 'a lock is held by a session');
    await mine.release();
  });
});
