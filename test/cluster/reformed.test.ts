// `keyval cluster reform` from end to end, in a simulated cluster: two of three are lost with their directories.
import test from 'ava';
import type { Node } from '../../src/node/node.ts';
import { type Seat, SimCluster } from '../../src/testing/sim-cluster.ts';
import { clusterSettings } from '../../src/testing/swarm.ts';
import { World } from '../../src/testing/world.ts';

/** Longer than a former member may believe that it has a commander (R9). */
const ORPHANS_GONE_MS = 40_000;
const MAX_LEASE_MS = 10_000;
const KEYS = Array.from({ length: 24 }, (_, index) => `key:${index}`);

async function servingCluster(seed: number): Promise<{ world: World; cluster: SimCluster }> {
  const world = new World(seed);
  const settings = clusterSettings(world.random('cluster'));
  const { book, network } = settings;
  const cluster = new SimCluster(
    world,
    {
      ...settings,
      nodes: 3,
      partitions: 4,
      replicas: 3,
      memoryBytesMax: 0,
      book: { ...book, minInSync: 2, reads: 'lease', onLoss: 'stop', isNew: true, maxLeaseMs: MAX_LEASE_MS },
      network: { ...network, giveUpMs: 2000 },
    },
    { started: () => undefined, ended: () => undefined, nodeError: () => undefined },
  );
  cluster.startAll();
  await until(world, 'it serves', () => cluster.serving);
  return { world, cluster };
}

async function until(world: World, what: string, isDone: () => boolean, forMs = 60_000): Promise<void> {
  if (!(await world.run(forMs, isDone)))
    throw new Error(`not within ${forMs} ms: ${what}\n${world.trace.lines.join('\n')}`);
}

/** What the promise brings, while the world goes on. */
async function awaited<T>(world: World, what: string, promise: Promise<T>): Promise<T> {
  let outcome: { value: T } | { error: unknown } | null = null;
  promise.then(
    (value) => (outcome = { value }),
    (error: unknown) => (outcome = { error }),
  );
  await until(world, what, () => outcome !== null);
  const settled = outcome as unknown as { value: T } | { error: unknown };
  if ('error' in settled) throw settled.error;
  return settled.value;
}

/** Asks a node, as something that happens in its process. */
async function asked<T>(world: World, { life }: Seat, ask: (node: Node) => T): Promise<T> {
  const answers: T[] = [];
  if (life === null) throw new Error('it is down');
  world.schedule(life.process, 0, () => void answers.push(ask(life.node)));
  await until(world, 'it is asked', () => answers.length > 0);
  return answers[0] as T;
}

for (const seed of [1, 2]) {
  test(`R9, seed ${seed}: the survivor goes on alone, empty nodes join it, and everything it kept is there`, async (t) => {
    const { world, cluster } = await servingCluster(seed);
    const { client } = cluster.addClient({ timeoutMs: 50_000, leaseMs: 2000 });
    for (const key of KEYS) await awaited(world, `put ${key}`, client.put(key, `value of ${key}`));
    const before = await awaited(world, 'a lock', client.lock('resource'));
    await awaited(world, 'its release', before.release({ confirm: true }));
    const survivor = cluster.seats[seed % 3] as Seat;
    const lost = cluster.seats.filter((seat) => seat !== survivor);
    const former = survivor.node?.controlStatus().clusterId ?? '';
    for (const seat of lost) {
      cluster.crashNode(seat, false);
      seat.disk.wipe();
    }
    await world.run(5000);
    for (const isTrial of [true, false])
      t.regex((await asked(world, survivor, (node) => node.reform(isTrial))) ?? '', /may be serving yet/);
    await world.run(ORPHANS_GONE_MS);
    for (const isTrial of [true, false]) t.is(await asked(world, survivor, (node) => node.reform(isTrial)), null);
    await until(world, 'it leads', () => survivor.node?.isCommander === true);
    const { clusterId, voters } = survivor.node?.controlStatus() ?? { clusterId: '', voters: [] };
    t.deepEqual(voters, [survivor.address]);
    t.not(clusterId, former);

    for (const seat of lost) cluster.startNode(seat);
    await until(world, 'all three serve', () => cluster.serving);
    for (const seat of cluster.seats) t.is(seat.node?.controlStatus().clusterId, clusterId);
    // The client that was there all the time, and one that comes now.
    const later = cluster.addClient({ timeoutMs: 50_000 }).client;
    for (const key of KEYS) {
      t.is(await awaited(world, `get ${key}`, client.get(key)), `value of ${key}`);
      t.is(await awaited(world, `get ${key}`, later.get(key)), `value of ${key}`);
    }
    await awaited(world, 'a put', client.put(KEYS[0] as string, 'new'));
    t.is(await awaited(world, 'a get', later.get(KEYS[0] as string, { reads: 'strict' })), 'new');
    const after = await awaited(world, 'a lock', later.lock('resource'));
    t.true(after.token > before.token, 'tokens grow over the reform');
    t.is(world.breach, null);
  });
}
