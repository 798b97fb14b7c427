/** L14: locks of three nodes as operators see them, and what is known of a loss when the primary that saw it is gone. */
import test from 'ava';
import { servingCluster } from '../helpers/process-cluster.ts';

const PORT = 28_950;

test('all nodes are asked; a break, and what is known of it, outlive the primary', async (t) => {
  const cluster = await servingCluster(t, PORT, { args: ['--partitions', '16'] });
  await using holder = await cluster.client({ name: 'holder:1' });
  await using operator = await cluster.client({ name: 'operator:2', timeoutMs: 20_000 });
  const keys = Array.from({ length: 40 }, (_, at) => `lock ${at}`);
  const held = await Promise.all(keys.map((key) => holder.lock(key, { label: 'many' })));
  const admin = operator.admin();
  const { locks, matching, truncated } = await admin.locks();
  t.deepEqual([matching, truncated], [40, false]);
  t.deepEqual(locks.map(({ key }) => key).sort(), [...keys].sort());

  const lost = new Promise<string>((resolve) => held[0]?.on('lost', ({ cause }) => resolve(cause)));
  const { broken } = await admin.breakLock('lock 0');
  t.deepEqual(
    broken.map(({ name, by }) => [name, by]),
    [['holder:1', 'operator:2']],
  );
  t.is(await lost, 'broken');

  const { partition } = await admin.lock('lock 0');
  const primary = (await admin.partitions()).find((one) => one.partition === partition)?.primary ?? '';
  await cluster.kill(cluster.addresses.indexOf(primary));
  const { lock, losses } = await admin.lock('lock 0');
  t.is(lock, null);
  t.like(losses[0], { cause: 'broken', name: 'holder:1', by: 'operator:2', label: 'many', token: held[0]?.token });
  const rest = await admin.locks({ limit: 1000 });
  t.deepEqual(
    rest.errors.map(({ endpoint }) => endpoint),
    [primary],
  );
  const [other] = held.slice(1).filter((one) => one.held);
  t.true(other !== undefined, 'the others are held on');
  const second = new Promise<string>((resolve) => other?.on('lost', ({ cause }) => resolve(cause)));
  await admin.breakLock(other?.key as string);
  t.is(await second, 'broken');
});
