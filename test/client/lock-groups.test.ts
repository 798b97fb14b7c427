// L11: several locks at once, against a real node.
import { getEventListeners } from 'node:events';
import test from 'ava';
import { hashSlot } from '../../src/base/hash-slot.ts';
import { type Client, connect, KeyvalError, type RunningNode, startNode } from '../../src/index.ts';
import { partitionOf } from '../helpers/raw-session.ts';

const PARTITIONS = 8;

function slotOf(key: string): number {
  return hashSlot(Buffer.from(key), 0, key.length);
}

let node: RunningNode;

async function client(t: { teardown(run: () => Promise<void>): void }): Promise<Client> {
  const kv = await connect(node.address);
  t.teardown(() => kv.close());
  return kv;
}

test.before(async () => {
  node = await startNode({ port: 0, logLevel: 'silent', partitions: PARTITIONS });
  await node.ready();
});

test.after.always(() => node.close());

test('L11: all are held, come in the order they were asked for, and are released together', async (t) => {
  const [one, two] = [await client(t), await client(t)];
  const keys = ['c1', 'a1', 'b1', 'd1'];
  const group = await one.lock(keys);
  t.deepEqual(
    group.locks.map(({ key }) => key),
    keys,
  );
  t.true(group.held);
  for (const key of keys) t.is(await two.tryLock(key), null);
  await group.release({ confirm: true });
  t.false(group.held);
  for (const key of keys) t.true((await two.tryLock(key))?.held);
});

test('L11: they are taken by partition, then by key, whatever the order of the list', async (t) => {
  const [one, two] = [await client(t), await client(t)];
  const keys = Array.from({ length: 12 }, (_, index) => `order-${index}`);
  const sorted = [...keys].sort((a, b) => partitionOf(a, PARTITIONS) - partitionOf(b, PARTITIONS));
  const [first, ...rest] = sorted as [string, ...string[]];
  const held = await two.lock(first);
  const group = one.lock([...keys].reverse());
  for (const key of rest.slice(-3)) await (await two.lock(key)).release({ confirm: true }); // not taken before the first
  await held.release();
  t.true((await group).held);
});

test('L11: two that want the same in another order never wait for each other', async (t) => {
  const clients = [await client(t), await client(t)];
  const lists = [
    ['x2', 'y2', 'z2'],
    ['z2', 'y2', 'x2'],
  ];
  let inside = 0;
  let sections = 0;
  const loop = async (kv: Client, keys: readonly string[]): Promise<void> => {
    for (let round = 0; round < 25; round += 1) {
      await kv.withLock(keys, async () => {
        inside += 1;
        t.is(inside, 1);
        await new Promise((resolve) => setImmediate(resolve));
        inside -= 1;
        sections += 1;
      });
    }
  };
  await Promise.all(clients.flatMap((kv) => lists.map((keys) => loop(kv, keys))));
  t.is(sections, 100);
});

test('L11: one that cannot be had leaves none behind', async (t) => {
  const [one, two] = [await client(t), await client(t)];
  const keys = ['p3', 'q3', 'r3'];
  for (const blocked of keys) {
    const held = await two.lock(blocked);
    await t.throwsAsync(one.lock(keys, { waitMs: 30 }), { instanceOf: KeyvalError, code: 'KV_LOCK_BUSY' });
    t.is(await one.tryLock(keys), null);
    await t.throwsAsync(one.lock(keys, { signal: AbortSignal.timeout(30) }), { code: 'KV_ABORTED' });
    for (const key of keys) {
      if (key === blocked) continue;
      const free = await two.lock(key, { waitMs: 5000 });
      await free.release({ confirm: true });
    }
    await held.release({ confirm: true });
  }
});

test('L11: the wait is for all of them together: what the first has used up the next has not', async (t) => {
  const [one, two] = [await client(t), await client(t)];
  const keys = ['s4', 't4', 'u4'].sort((a, b) => slotOf(a) - slotOf(b)) as [string, string, string];
  const [first, second] = [await two.lock(keys[0]), await two.lock(keys[1])];
  const wait = one.lock(keys, { waitMs: 400 });
  setTimeout(() => void first.release(), 300);
  await t.throwsAsync(wait, { code: 'KV_LOCK_BUSY' });
  t.true(second.held);
  t.true((await two.lock(keys[0])).held, 'given back');
});

test('L11: nothing is left at a lock that is held for long by the groups that it was in', async (t) => {
  const kv = await client(t);
  await kv.withLock('long', async ({ signal }) => {
    await kv.withLock(['long', 'short'], () => undefined);
    t.is(await kv.tryLock(['long', 'taken']).then((group) => group?.release()), undefined);
    t.deepEqual(getEventListeners(signal, 'abort'), []);
  });
});

test('L11: lists that cannot be', async (t) => {
  const kv = await client(t);
  for (const keys of [[], ['a5', 'b5', 'a5'], ['a5', Buffer.from('a5')]])
    await t.throwsAsync(kv.lock(keys), { code: 'KV_USAGE' });
  await t.throwsAsync(kv.lock(['a5', '']), { code: 'KV_BAD_KEY' });
  t.true((await kv.tryLock('a5'))?.held, 'nothing was taken');
});

test('L11: bytes are keys as well', async (t) => {
  const kv = await client(t);
  const group = await kv.lock([Buffer.from('text6'), 'text7']);
  t.is(await kv.tryLock('text6'), null);
  await group.release();
});
