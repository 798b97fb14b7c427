/** Operators and a real cluster: what it says of itself, and a primary that moves while a client writes. */
import test from 'ava';
import { handOver, handOversText } from '../../../src/cli/cluster/hand-overs.ts';
import { statusText } from '../../../src/cli/cluster/status.ts';
import { connect } from '../../../src/index.ts';
import { LocalCluster } from '../../helpers/local-cluster.ts';
import { readyNode } from '../../helpers/node.ts';

test('a cluster of one', async (t) => {
  const { address } = await readyNode(t, { partitions: 4 });
  await using client = await connect(address, { timeoutMs: 30_000 });
  const text = statusText(await client.admin().views());
  t.true(
    text.includes(`\ncommander ${address}\nvoters ${address}\n1 member: 1 up\n4 partitions: 4 ok (3 copies, min 1)\n`),
  );
  t.regex(text, /\ncan lose 0 nodes and go on, 0 without losing a key\n/);
  await t.throwsAsync(client.admin().transfer(0), { code: 'KV_NO_QUORUM', message: /nobody else who is up/ });
  await t.throwsAsync(client.admin().reform(address, true), { code: 'KV_USAGE' });
});

test('R17: a primary moves, and no write fails', async (t) => {
  const cluster = await LocalCluster.on(21_910, { partitions: 4 });
  t.teardown(() => cluster.close());
  await using client = await connect(cluster.addresses, { timeoutMs: 30_000 });
  const admin = client.admin();
  const { members } = await admin.members();
  t.deepEqual(
    members.map(({ health, role, replicas }) => [health, role, replicas]),
    Array(3).fill(['up', 'data', 4]),
  );
  const writing = { stopped: false };
  const writes = (async (): Promise<number> => {
    let count = 0;
    for (; !writing.stopped; count += 1) await client.put(`key:${count % 50}`, `${count}`);
    return count;
  })();
  const [first] = await admin.partitions();
  const to = first?.inSync.find((one) => one !== first.primary);
  const outcomes = await handOver(admin, { what: { partition: 0 }, to }, 30_000);
  writing.stopped = true;
  t.is(handOversText(outcomes), `partition 0 moved from ${first?.primary} to ${to}`);
  t.true((await writes) > 0);
});
