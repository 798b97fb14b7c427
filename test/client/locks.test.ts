// Locks as a program sees them (L2–L6), against real nodes.
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { type Client, connect, type Lock, type RunningNode, startNode } from '../../src/index.ts';
import { ProcessCluster } from '../helpers/process-cluster.ts';

let node: RunningNode;

async function client(t: { teardown(run: () => Promise<void>): void }, leaseMs = 10_000): Promise<Client> {
  const kv = await connect(node.address, { leaseMs });
  t.teardown(() => kv.close());
  return kv;
}

/** Waits until so many wait for locks at the node. */
async function waiters(count: number): Promise<void> {
  while ((node.status() as { waiters: number }).waiters !== count) await sleep(2);
}

test.before(async () => {
  node = await startNode({ port: 0, logLevel: 'silent' });
  await node.ready();
});

test.after.always(() => node.close());

test.serial('L2: tokens of a key grow; a holder is alone', async (t) => {
  const [one, two] = [await client(t), await client(t)];
  let last = 0n;
  for (let round = 0; round < 20; round += 1) {
    const lock = await (round % 2 === 0 ? one : two).lock('tokens');
    t.true(lock.token > last);
    t.is(await one.tryLock('tokens'), null);
    t.is(await two.tryLock('tokens'), null);
    last = lock.token;
    await lock.release();
  }
});

test.serial('L5: first come, first served, over clients and within one', async (t) => {
  const [one, two] = [await client(t), await client(t)];
  const held = await one.lock('line');
  const order: number[] = [];
  const waits: Promise<void>[] = [];
  for (let number = 0; number < 6; number += 1) {
    const wait = (number % 2 === 0 ? one : two).lock('line').then(async (lock) => {
      order.push(number);
      await lock.release();
    });
    waits.push(wait);
    await waiters(number + 1);
  }
  await held.release();
  await Promise.all(waits);
  t.deepEqual(order, [0, 1, 2, 3, 4, 5]);
});

test.serial('L5: a wait that ends leaves nothing behind', async (t) => {
  const [one, two] = [await client(t), await client(t)];
  const held = await one.lock('ends');
  await t.throwsAsync(two.lock('ends', { waitMs: 30 }), { code: 'KV_LOCK_BUSY' });
  await waiters(0);
  const stop = new AbortController();
  const wait = two.lock('ends', { signal: stop.signal });
  await waiters(1);
  stop.abort();
  await t.throwsAsync(wait, { code: 'KV_ABORTED' });
  await waiters(0);
  await held.release({ confirm: true });
  const next = await one.lock('ends', { waitMs: 0 });
  await next.release();
});

test.serial('L6: what is not held cannot be released', async (t) => {
  const kv = await client(t);
  const lock = await kv.lock('twice');
  await lock.release();
  await t.throwsAsync(lock.release(), { code: 'KV_NOT_HELD' });
  t.throws(() => lock.assertHeld(), { code: 'KV_NOT_HELD' });
  t.false(lock.held);
});

test.serial('the end of a session frees its locks and ends its waits', async (t) => {
  const gone = await connect(node.address);
  const kv = await client(t);
  await gone.lock('session');
  const other = await kv.lock('other');
  const wait = gone.lock('other').catch((error) => error.code);
  await waiters(1);
  await gone.close();
  const lock = await kv.lock('session', { waitMs: 2000 });
  await waiters(0);
  t.true(['KV_CLOSED', 'KV_LOCK_BUSY', 'KV_AMBIGUOUS'].includes(await wait));
  await Promise.all([lock.release(), other.release()]);
});

test.serial('L3: a lock outlives many leases while its client renews it', async (t) => {
  const [one, two] = [await client(t, 1000), await client(t)];
  const lock = await one.lock('renewed');
  await sleep(3500);
  t.true(lock.held);
  lock.assertHeld();
  t.is(await two.tryLock('renewed'), null);
  await lock.release();
});

test.serial('withLock releases however the body ends, and tells of a loss', async (t) => {
  const kv = await client(t);
  t.is(await kv.withLock('body', async (lock) => (lock.held ? 'done' : 'not held')), 'done');
  await t.throwsAsync(
    kv.withLock('body', { waitMs: 1000 }, () => {
      throw new RangeError('of the body');
    }),
    { instanceOf: RangeError },
  );
  {
    await using lock = await kv.lock('body', { waitMs: 1000 });
    t.true(lock.held);
  }
  await (await kv.lock('body', { waitMs: 1000 })).release();
});

test.serial('waits and times that make no sense', async (t) => {
  const kv = await client(t);
  await t.throwsAsync(kv.lock('k', { waitMs: -1 }), { code: 'KV_USAGE' });
  await t.throwsAsync(kv.lock('k', { timeoutMs: 0 }), { code: 'KV_USAGE' });
  await t.throwsAsync(kv.lock('', { waitMs: 0 }), { code: 'KV_BAD_KEY' });
  await t.throwsAsync(connect(node.address, { leaseMs: 5 }), { code: 'KV_USAGE' });
});

test.serial('L4: a frozen node: the holder gives the lock up by itself, and it does not stay locked', async (t) => {
  const cluster = new ProcessCluster(['127.0.0.1:26700']);
  t.teardown(() => cluster.stop());
  await cluster.start(0);
  const kv = await connect(cluster.addresses, { leaseMs: 400 });
  t.teardown(() => kv.close());
  const lock: Lock = await kv.lock('frozen');
  cluster.signal(0, 'SIGSTOP');
  await new Promise((resolve) => lock.signal.addEventListener('abort', resolve, { once: true }));
  t.false(lock.held);
  t.is((lock.signal.reason as { code: string }).code, 'KV_LOCK_LOST');
  cluster.signal(0, 'SIGCONT');
  const other = await connect(cluster.addresses);
  t.teardown(() => other.close());
  const next = await other.lock('frozen', { waitMs: 10_000 });
  t.true(next.token > lock.token);
  await next.release();
});
