/** L4: programs that hold a lock and come round to nothing, while the node that keeps the lock dies. Real processes. */
import test, { type ExecutionContext } from 'ava';
import { type Client, connect } from '../../src/index.ts';
import { HolderProcess } from '../helpers/holder-process.ts';
import { ProcessCluster, servingCluster } from '../helpers/process-cluster.ts';

const PORT = 28_700;
const LARGE_BUDGET_MS = 60_000;
const holding = { leaseMs: 5000, hangBudgetMs: LARGE_BUDGET_MS, timeoutMs: 20_000, connectTimeoutMs: 20_000 };
/** Longer than any lease that was granted before. */
const BLOCK_MS = 9000;

async function watcher(t: ExecutionContext, addresses: readonly string[]): Promise<Client> {
  const other = await connect(addresses, { timeoutMs: 20_000, connectTimeoutMs: 20_000 });
  t.teardown(() => other.close());
  return other;
}

async function isKept(t: ExecutionContext, holder: HolderProcess, other: Client): Promise<void> {
  const { key, token } = await holder.tells('granted');
  t.true(await holder.keepsFrom(other, key), 'nobody else got it');
  t.deepEqual(await holder.tells('back'), { event: 'back', wrote: 'ok', held: true, aborted: false });
  await holder.exit;
  await using next = await other.lock(key);
  t.true(next.token > BigInt(token));
}

test.serial('the primary dies while the holder is busy: its other thread follows, and the lock is kept', async (t) => {
  const cluster = await servingCluster(t, PORT);
  const { addresses } = cluster;
  const other = await watcher(t, addresses);
  const options = { endpoints: addresses, key: 'k', connect: holding, blockMs: BLOCK_MS, waits: true };
  const holder = new HolderProcess(t, options);
  const { partition } = await holder.tells('granted');
  const partitions = await other.admin().partitions();
  await holder.tells('blocking');
  await cluster.kill(addresses.indexOf(partitions[partition]?.primary as string));
  await isKept(t, holder, other);
});

test.serial('a node in the program of the holder: the lock that another node keeps is kept', async (t) => {
  const addresses = [1, 2, 3].map((host) => `127.0.0.${host}:${PORT + 1}`);
  const cluster = new ProcessCluster(addresses);
  t.teardown(() => cluster.stop());
  const endpoints = [addresses[2] as string, addresses[0] as string, addresses[1] as string];
  const options = { endpoints, key: 'k', connect: holding, blockMs: BLOCK_MS, waits: true, embedded: true };
  const holder = new HolderProcess(t, options);
  await Promise.all([cluster.start(0), cluster.start(1)]);
  await isKept(t, holder, await watcher(t, addresses.slice(0, 2)));
});
