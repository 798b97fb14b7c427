// L10: flows that wait for each other in a circle, with real nodes.
import { setTimeout as sleep } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import {
  type Client,
  type ConnectOptions,
  connect,
  type Key,
  KeyvalError,
  type Lock,
  type RunningNode,
} from '../../src/index.ts';
import { LocalCluster } from '../helpers/local-cluster.ts';
import { readyNode } from '../helpers/node.ts';
import { partitionOf } from '../helpers/raw-session.ts';

const PORT = 26_710;
const FAST = { deadlockPeriodMs: 100, deadlockAfterMs: 50 };

async function client(
  t: ExecutionContext,
  to: string | readonly string[],
  options: ConnectOptions = {},
): Promise<Client> {
  const kv = await connect(to, options);
  t.teardown(() => kv.close());
  return kv;
}

/** What a flow does after it has the first lock; each begins when all have theirs. */
type Second = (kv: Client, first: Lock) => Promise<unknown>;

/**
 * Each takes its first lock; when all have theirs, each goes on, when as many wait at `nodes` as come before it: the last one
 * is the youngest. Gives how each ended, in order.
 */
async function meet(
  flows: readonly (readonly [kv: Client, first: Key, second: Second])[],
  nodes: readonly RunningNode[] = [],
): Promise<unknown[]> {
  let missing = flows.length;
  let go: () => void = () => undefined;
  const all = new Promise<void>((resolve) => {
    go = resolve;
  });
  const ends = flows.map(async ([kv, first, second], index) =>
    kv.withLock(first, async (lock) => {
      missing -= 1;
      if (missing === 0) go();
      await all;
      if (nodes.length > 0) await waiting(nodes, index);
      return second(kv, lock);
    }),
  );
  return Promise.all(ends.map((end) => end.catch((error: unknown) => error)));
}

/** Resolves when at least so many waits stand at `nodes`. */
async function waiting(nodes: readonly RunningNode[], count: number): Promise<void> {
  const waiters = (): number => nodes.reduce((sum, node) => sum + (node.status() as { waiters: number }).waiters, 0);
  while (waiters() < count) await sleep(5);
  await sleep(20); // none of the same age
}

const takes =
  (key: string, waitMs = 20_000): Second =>
  (kv) =>
    kv.withLock(key, { waitMs }, () => `has ${key}`);

function deadlockIn(t: ExecutionContext, error: unknown): KeyvalError {
  if (error instanceof KeyvalError && error.code === 'KV_DEADLOCK') return error;
  t.log(error);
  throw t.fail('no KV_DEADLOCK') as never;
}

test('two clients, two keys in opposite order: the one that came last gets the circle, the other its lock', async (t) => {
  const node = await readyNode(t, FAST);
  const [one, two] = [await client(t, node.address, { name: 'one' }), await client(t, node.address, { name: 'two' })];
  const [first, second] = await meet(
    [
      [one, 'a', takes('b')],
      [two, 'b', takes('a')],
    ],
    [node],
  );
  t.is(first, 'has b');
  const { message, cycle, retryable, outcome } = deadlockIn(t, second);
  t.like(cycle, [
    { name: 'two', key: 'a', mode: 'exclusive', isBehind: false },
    { name: 'one', key: 'b', mode: 'exclusive', isBehind: false },
  ]);
  t.true(cycle?.every(({ waitsMs, session }) => waitsMs >= 50 && /^[0-9a-f]{32}$/.test(session)));
  t.regex(
    message,
    /^deadlock: two \(flow 1\) has waited [\d.]+ s for 'a' \(exclusive\), held by one \(flow 1\); one .* for 'b' .*, held by two/,
  );
  t.deepEqual([retryable, outcome], [false, 'not-done']);
  t.is((node.status() as { deadlocks: number }).deadlocks, 1);
  t.true((await two.lock('a', { waitMs: 10_000 })).held, 'nothing is left of it');
});

test('two flows of one client', async (t) => {
  const node = await readyNode(t, FAST);
  const kv = await client(t, node.address);
  const [first, second] = await meet(
    [
      [kv, 'a', takes('b')],
      [kv, 'b', takes('a')],
    ],
    [node],
  );
  t.is(first, 'has b');
  t.not(deadlockIn(t, second).cycle?.[0]?.flow, deadlockIn(t, second).cycle?.[1]?.flow);
});

test('one flow with locks under two leases is one owner', async (t) => {
  const node = await readyNode(t, FAST);
  const [one, two] = [await client(t, node.address), await client(t, node.address)];
  const [first, second] = await meet(
    [
      [one, 'a', (kv) => kv.withLock('b', { leaseMs: 5000 }, () => 'has b')],
      [two, 'b', (kv) => kv.withLock('a', { leaseMs: 5000 }, () => 'has a')],
    ],
    [node],
  );
  t.is(first, 'has b');
  deadlockIn(t, second);
});

test('a conversion waits for a reader who waits for a third key', async (t) => {
  const node = await readyNode(t, FAST);
  const [one, two] = [await client(t, node.address, { name: 'one' }), await client(t, node.address, { name: 'two' })];
  const shared: Lock[] = [];
  const [first, second] = await meet([
    [
      one,
      'third',
      async (kv) => {
        shared.push(await kv.lock('shared', { mode: 'read' }));
        await sleep(200);
        await shared[0]?.convert('exclusive', { waitMs: 20_000 });
        return 'converted';
      },
    ],
    [
      two,
      'own',
      async (kv) => {
        await using lock = await kv.lock('shared', { mode: 'read' });
        await sleep(400);
        await kv.withLock('third', { waitMs: 20_000 }, () => undefined);
        return lock.held;
      },
    ],
  ]);
  t.is(first, 'converted');
  t.like(deadlockIn(t, second).cycle, [
    { name: 'two', key: 'third', mode: 'exclusive' },
    { name: 'one', key: 'shared', mode: 'exclusive' },
  ]);
});

test('whoever waits in line waits for those ahead: a circle through somebody who holds nothing of it', async (t) => {
  const node = await readyNode(t, FAST);
  const names = ['one', 'two', 'three'] as const;
  const [one, two, three] = (await Promise.all(names.map((name) => client(t, node.address, { name })))) as [
    Client,
    Client,
    Client,
  ];
  // one reads k; two is in line to write it; three, which holds x, stands behind two; one wants x.
  const reader = await one.lock('k', { mode: 'read' });
  const [first, second, third] = await meet(
    [
      [one, 'unused', () => one.withLock('x', { waitMs: 800 }, () => 'has x')],
      [two, 'z', takes('k', 800)],
      [three, 'x', (kv) => kv.withLock('k', { mode: 'read', waitMs: 800 }, () => 'reads k')],
    ],
    [node],
  );
  // The reader's lock was taken outside of any flow: it is nobody's, and nothing is found.
  t.deepEqual(
    [first, second, third].map((end) => (end instanceof KeyvalError ? end.code : end)),
    ['KV_LOCK_BUSY', 'KV_LOCK_BUSY', 'reads k'],
  );
  await reader.release({ confirm: true });
  const again = await meet([
    [
      one,
      'unused',
      async (kv) => {
        await using _ = await kv.lock('k', { mode: 'read' });
        await waiting([node], 2);
        return await kv.withLock('x', { waitMs: 20_000 }, () => 'has x');
      },
    ],
    [two, 'z', async (kv) => sleep(100).then(() => kv.withLock('k', { waitMs: 20_000 }, () => 'writes k'))],
    [
      three,
      'x',
      async (kv) => waiting([node], 1).then(() => kv.withLock('k', { mode: 'read', waitMs: 20_000 }, () => 'reads k')),
    ],
  ]);
  t.is(again[1], 'writes k');
  const victims = again.filter((end) => end instanceof KeyvalError && end.code === 'KV_DEADLOCK') as KeyvalError[];
  t.is(victims.length, 1);
  t.true(victims[0]?.cycle?.some(({ isBehind }) => isBehind));
});

test('three flows over three nodes', async (t) => {
  const cluster = await LocalCluster.on(PORT, { ...FAST, partitions: 8 });
  t.teardown(() => cluster.close());
  const admin = await client(t, cluster.addresses);
  const primaries = new Map<string, string>();
  for (const { partition, primary } of await admin.admin().partitions()) primaries.set(`${partition}`, primary ?? '');
  const keys: string[] = [];
  const seen = new Set<string>();
  for (let index = 0; keys.length < 3; index += 1) {
    const primary = primaries.get(`${partitionOf(`key-${index}`, 8)}`) as string;
    if (seen.has(primary)) continue;
    seen.add(primary);
    keys.push(`key-${index}`);
  }
  const [a, b, c] = keys as [string, string, string];
  const [one, two, three] = [
    await client(t, cluster.addresses, { name: 'one' }),
    await client(t, cluster.addresses, { name: 'two' }),
    await client(t, cluster.addresses, { name: 'three' }),
  ];
  const [first, second, third] = await meet(
    [
      [one, a, takes(b)],
      [two, b, takes(c)],
      [three, c, takes(a)],
    ],
    cluster.nodes,
  );
  t.deepEqual([first, second], [`has ${b}`, `has ${c}`]);
  t.deepEqual(
    deadlockIn(t, third).cycle?.map(({ name, key }) => `${name} ${key}`),
    [`three ${a}`, `one ${b}`, `two ${c}`],
  );
  t.true((await admin.lock(a, { waitMs: 10_000 })).held);
});

test('switched off both wait as long as they said', async (t) => {
  const node = await readyNode(t, { deadlockPeriodMs: 0 });
  const [one, two] = [await client(t, node.address), await client(t, node.address)];
  const ends = await meet(
    [
      [one, 'a', takes('b', 1500)],
      [two, 'b', takes('a', 2500)],
    ],
    [node],
  );
  t.is((ends[0] as KeyvalError).code, 'KV_LOCK_BUSY');
  t.is(ends[1], 'has a');
});

test('a key that is no text does not break it', async (t) => {
  const node = await readyNode(t, FAST);
  const [one, two] = [await client(t, node.address), await client(t, node.address)];
  const key = new Uint8Array([0xff, 0x00, 0x0a, 0xc3]);
  const long = 'ü'.repeat(5000);
  const [first, second] = await meet(
    [
      [one, long, (kv) => kv.withLock(key, { waitMs: 20_000 }, () => 'has it')],
      [two, key, (kv) => kv.withLock(long, { waitMs: 20_000 }, () => undefined)],
    ],
    [node],
  );
  t.is(first, 'has it');
  const { cycle } = deadlockIn(t, second);
  t.deepEqual(
    cycle?.map((step) => step.key),
    [`${'ü'.repeat(99)}…`, '\ufffd\ufffd\ufffd\ufffd'],
  );
});
