// Each node killed −9 and started again: what was acknowledged never reads as absent (R3, R4).
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { KeyvalError } from '../../src/errors.ts';
import type { Client } from '../../src/index.ts';
import { servingCluster } from '../helpers/process-cluster.ts';

const PORT = 26_200;
const keys = Array.from({ length: 150 }, (_, i) => `key:${i}`);

interface Reads {
  present: number;
  absent: number;
  readonly codes: Set<string>;
}

/** Reads all keys again and again until `stop` says so. */
async function readOn(kv: Client, reads: Reads, stopped: () => boolean): Promise<void> {
  while (!stopped()) {
    await Promise.all(keys.map((key) => readOne(kv, key, reads)));
    await sleep(5);
  }
}

async function readOne(kv: Client, key: string, reads: Reads): Promise<void> {
  try {
    if ((await kv.get(key, { timeoutMs: 300 })) === `value of ${key}`) reads.present += 1;
    else reads.absent += 1;
  } catch (error) {
    reads.codes.add(error instanceof KeyvalError ? error.code : String(error));
  }
}

// One after another: each needs three processes of its own.
for (const victim of [0, 1, 2]) {
  for (const pauseMs of victim === 0 ? [0, 1000] : [0]) {
    test.serial(`R4: node ${victim + 1} killed, started again after ${pauseMs} ms`, async (t) => {
      const cluster = await servingCluster(t, PORT + victim * 2 + (pauseMs === 0 ? 0 : 1));
      const kv = await cluster.client();
      t.teardown(() => kv.close());
      await Promise.all(keys.map((key) => kv.put(key, `value of ${key}`)));
      const reads: Reads = { present: 0, absent: 0, codes: new Set() };
      let stopped = false;
      const reading = readOn(kv, reads, () => stopped);

      await cluster.kill(victim);
      await sleep(pauseMs);
      const restarted = cluster.launch(victim);
      t.teardown(() => restarted.kill('SIGKILL'));
      const obstacle = await restartedObstacle(kv, cluster.addresses[victim] as string);
      t.regex(obstacle, /KV_RESTARTED/);
      stopped = true;
      await reading;

      t.is(reads.absent, 0);
      t.true(reads.present > 0);
      for (const code of reads.codes) t.true(['KV_NO_QUORUM', 'KV_UNREACHABLE', 'KV_DEADLINE'].includes(code), code);
      const refusal = await t.throwsAsync(Promise.all(keys.map((key) => kv.put(key, 'new', { timeoutMs: 300 }))));
      t.is((refusal as KeyvalError).code, 'KV_NO_QUORUM');
      t.regex(refusal?.message ?? '', /was restarted/);
    });
  }
}

/** Waits until the node has been started again and says why its partitions take nothing. */
async function restartedObstacle(kv: Client, address: string): Promise<string> {
  for (let tries = 0; tries < 400; tries += 1) {
    const { nodes } = await kv.status({ timeoutMs: 500 });
    const node = nodes.find(({ endpoint }) => endpoint === address);
    if (node?.state === 'up' && node.obstacle !== null && /KV_RESTARTED/.test(node.obstacle)) return node.obstacle;
    await sleep(20);
  }
  return 'the restarted node never said that it was refused';
}

test.serial('R4: a node that restarts before anything was written joins again', async (t) => {
  const cluster = await servingCluster(t, PORT + 20);
  await cluster.kill(2);
  t.is((await cluster.start(2)).type, 'ready');
  const kv = await cluster.client();
  t.teardown(() => kv.close());
  await Promise.all(keys.map((key) => kv.put(key, 'value')));
  for (const key of keys) t.is(await kv.get(key), 'value');
});

test.serial('L2: all nodes restarted at once begin empty, and tokens grow', async (t) => {
  const cluster = await servingCluster(t, PORT + 21);
  const before = await cluster.client();
  const held = await before.lock('job');
  await Promise.all([0, 1, 2].map((index) => cluster.kill(index)));
  await Promise.all([0, 1, 2].map((index) => cluster.start(index)));
  const after = await cluster.client();
  t.teardown(() => after.close());
  const lock = await after.lock('job');
  t.true(lock.token > held.token, `${lock.token} is not above ${held.token}`);
  await before.close();
});
