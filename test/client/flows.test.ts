// Reentrancy by async context: what one flow may do, and what another may not, against a real node.
import test from 'ava';
import { type Client, connect, type RunningNode } from '../../src/index.ts';
import { FileNode } from '../helpers/node.ts';

const file = new FileNode();
let node: RunningNode;
let kv: Client;
let other: Client;

test.before(async () => {
  node = await file.node();
  kv = await file.client();
  other = await file.client();
});

test('what withLock calls takes its lock again, and holds it until the last is let go of', async (t) => {
  await kv.withLock('again', async (outer) => {
    await kv.withLock('again', async (inner) => {
      t.is(inner.token, outer.token);
      await inner.put('from within');
    });
    t.true(outer.held);
    const third = await kv.lock(Buffer.from('again'));
    t.is(third.value, 'from within', 'as it was left; keys are bytes');
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
    t.is(await other.tryLock('flows'), null, 'a lock is held by a session');
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

test('branches below one lock never share another one', async (t) => {
  let inside = 0;
  let most = 0;
  const branch = (): Promise<void> =>
    kv.withLock('account', async () => {
      inside += 1;
      most = Math.max(most, inside);
      for (let step = 0; step < 5; step += 1) await kv.get('account');
      inside -= 1;
    });
  await kv.withLock('leader', async () => {
    const first = branch();
    await kv.get('account');
    await Promise.all([first, branch(), kv.get('account').then(branch), branch()]);
    await kv.withLock('leader', branch);
  });
  t.is(most, 1);
});

test('locks taken with lock() are not taken again', async (t) => {
  const first = await kv.lock('plain');
  t.is(await kv.tryLock('plain'), null);
  await kv.flow(async () => {
    t.is(await kv.tryLock('plain'), null);
    await using second = await kv.lock('plain 2');
    t.is(await kv.tryLock('plain 2'), null, 'who knows what runs beside it');
    t.true(second.held);
  });
  await first.release();
});

test('a weaker mode is had with the stronger one, a stronger one is a deadlock with itself, and told so', async (t) => {
  await kv.withLock('modes', async (exclusive) => {
    await using read = await kv.lock('modes', { mode: 'read' });
    t.is(read.token, exclusive.token);
    await t.throwsAsync(exclusive.convert('read'), { code: 'KV_USAGE', message: /2 times/ });
  });
  await kv.withLock('modes 2', { mode: 'read' }, async (reader) => {
    const error = await t.throwsAsync(kv.lock('modes 2'), { code: 'KV_DEADLOCK' });
    t.regex(error?.message ?? '', /'modes 2'.*protected-read.*exclusive.*convert/);
    await reader.convert('exclusive');
    t.is(reader.mode, 'exclusive');
  });
});

test('a lock with a lease of its own is taken again under the lease it has', async (t) => {
  await kv.withLock('leases', { leaseMs: 3000 }, async (outer) => {
    const inner = await kv.lock('leases');
    t.is(inner.token, outer.token);
    await kv.withLock('leases', { leaseMs: 4000 }, async ({ token }) => t.is(token, outer.token));
    await outer.release();
    t.true(inner.held);
    await inner.release({ confirm: true });
    t.false(inner.held);
  });
  t.truthy(await other.tryLock('leases'));
});

test('L4: what is not renewed is not taken again by who counts on its renewal, and the error names the option', async (t) => {
  await kv.withLock('not renewed', { renew: false }, async (outer) => {
    for (const options of [{}, { renew: true }, { waitMs: 0, fetch: false }])
      await t.throwsAsync(
        kv.withLock('not renewed', options, () => t.fail()),
        {
          code: 'KV_USAGE',
          message:
            "this flow holds the lock on 'not renewed' with renew: false, and asks for it again to be renewed; say renew: false here, too, or leave it out where the lock was taken",
        },
      );
    await t.throwsAsync(kv.lock(['not renewed', 'another']), { code: 'KV_USAGE' });
    await kv.withLock('not renewed', { renew: false }, ({ token }) => t.is(token, outer.token));
    t.true(outer.held);
  });
  await using renewed = await kv.lock('not renewed');
  t.true(renewed.held, 'what was refused has left nothing');
  await kv.withLock('renewed', async (outer) => {
    await kv.withLock('renewed', { renew: false }, ({ token }) =>
      t.is(token, outer.token, 'it has more than it asks for'),
    );
  });
});

test('several locks at once are taken again one by one', async (t) => {
  await kv.withLock(['{both}1', '{both}2'], async ({ locks }) => {
    await kv.withLock('{both}2', async ({ token }) => t.is(token, locks[1]?.token as bigint));
    await kv.withLock(['{both}2', '{both}3'], async (group) =>
      t.is(group.locks[0]?.token as bigint, locks[1]?.token as bigint),
    );
  });
  await kv.get('{both}1'); // behind the releases
  t.truthy(await other.tryLock(['{both}1', '{both}2', '{both}3']));
});

test('when the lock is lost, every handle hears of it', async (t) => {
  const holder = await connect(node.address);
  const losses: string[] = [];
  const lost = holder.withLock('lost in a flow', async (first) => {
    const second = await holder.lock('lost in a flow');
    const third = await holder.lock('lost in a flow');
    first.on('lost', ({ cause }) => losses.push(`first ${cause}`));
    second.on('lost', ({ cause }) => losses.push(`second ${cause}`));
    third.on('lost', () => losses.push('third'));
    await third.release();
    await holder.close();
    t.false(first.held);
  });
  await t.throwsAsync(lost, { code: 'KV_LOCK_LOST' });
  t.deepEqual(losses, ['first closed', 'second closed'], 'not the one that was let go of');
});
