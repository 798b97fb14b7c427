/** L4: real programs that hold a lock and come round to nothing for a while, seen from outside. */
import { setTimeout as pause } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { type Client, connect, type RunningNode, startNode } from '../../../src/index.ts';
import { HolderProcess } from '../../helpers/holder-process.ts';
import type { HolderOptions } from '../../helpers/lock-holder.ts';

const SECRET = 'a secret of this test';
const CLUSTER = 'busy';
const LARGE_BUDGET_MS = 60_000;
let node: RunningNode;
let other: Client;

test.before('a node and another program', async () => {
  node = await startNode({ port: 0, data: 'none', new: true, logLevel: 'silent', secret: SECRET, cluster: CLUSTER });
  await node.ready();
  other = await connect(node.address, { secret: SECRET, cluster: CLUSTER, timeoutMs: 20_000 });
});

test.after.always('they end', async () => {
  await other.close();
  await node.close();
});

type Parts = Pick<HolderOptions, 'key' | 'blockMs' | 'connect'> & Partial<HolderOptions>;

function holder(t: ExecutionContext, parts: Parts): HolderProcess {
  const login = { secret: SECRET, cluster: CLUSTER, connectTimeoutMs: 20_000, timeoutMs: 20_000 };
  return new HolderProcess(t, { endpoints: [node.address], ...parts, connect: { ...login, ...parts.connect } });
}

async function isKept(t: ExecutionContext, holding: HolderProcess, key: string): Promise<void> {
  const { token } = await holding.tells('granted');
  t.true(await holding.keepsFrom(other, key), `${key}: nobody else got it`);
  t.deepEqual(await holding.tells('back'), { event: 'back', wrote: 'ok', held: true, aborted: false });
  t.is(holding.has('noticed'), undefined);
  t.is(await other.get(key), 'written late');
  t.is(await holding.exit, 0, 'close() ends the program: no thread is left');
  await using next = await other.lock(key);
  t.true(next.token > BigInt(token));
}

test.serial(
  'busy for several leases, within its budget: the lock is kept; so in a program that is a worker thread',
  async (t) => {
    const connect = { leaseMs: 4000, hangBudgetMs: LARGE_BUDGET_MS };
    const main = holder(t, { key: 'kept', blockMs: 9000, asks: true, waits: true, connect });
    const worker = holder(t, { key: 'worker', blockMs: 9000, inWorker: true, waits: true, connect });
    await Promise.all([isKept(t, main, 'kept'), isKept(t, worker, 'worker')]);
  },
);

test("renewal: 'main' loses it after a lease", async (t) => {
  const connect = { leaseMs: 1000, renewal: 'main' as const };
  const holding = holder(t, { key: 'main', blockMs: 60_000, asks: true, connect });
  await holding.tells('granted');
  await using next = await other.lock('main');
  t.true(next.held);
  await holding.tells('noticed');
  const { cause } = await holding.tells('lost');
  t.is(cause, 'lease');
});

test('busy for longer than its budget: given up although the lease would hold, and a late write is refused', async (t) => {
  const connect = { leaseMs: 60_000, hangBudgetMs: 500 };
  const holding = holder(t, { key: 'hung', blockMs: 2500, waits: true, connect });
  await holding.tells('granted');
  const waiting = other.lock('hung');
  const { cause, text } = await holding.tells('lost');
  t.is(cause, 'hang');
  t.regex(text, /the main thread stood still for \d+ ms, longer than hangBudgetMs \(500\).*worker thread/);
  t.deepEqual(await holding.tells('back'), { event: 'back', wrote: 'KV_FENCED', held: false, aborted: true });
  await using next = await waiting;
  t.true(next.held, 'whoever waits gets it, long before the lease would end');
  t.is(await other.get('hung'), null);
  t.is(await holding.exit, 0);
});

test('busy for longer than its budget: who asks is told so while it lasts', async (t) => {
  const connect = { leaseMs: 60_000, hangBudgetMs: 500 };
  const holding = holder(t, { key: 'asking', blockMs: 60_000, asks: true, waits: true, connect });
  await holding.tells('noticed');
  t.is((await holding.tells('lost')).cause, 'hang');
});

test('hung for good: the lock passes on when the lease ends', async (t) => {
  const connect = { leaseMs: 1500, hangBudgetMs: 500 };
  const holding = holder(t, { key: 'dead', blockMs: 60_000, connect });
  await holding.tells('granted');
  await using next = await other.lock('dead');
  t.true(next.held);
  t.is(holding.has('back'), undefined);
});

test('stopped as a whole for longer than its budget: that is no hang', async (t) => {
  const connect = { leaseMs: 30_000, hangBudgetMs: 2000 };
  const holding = holder(t, { key: 'stopped', blockMs: 0, waits: true, connect });
  await holding.tells('waiting');
  holding.child.kill('SIGSTOP');
  await pause(4000);
  holding.child.kill('SIGCONT');
  await pause(500);
  holding.child.stdin?.end();
  t.deepEqual(await holding.tells('back'), { event: 'back', wrote: 'ok', held: true, aborted: false });
});
