// Nodes restarted in order, one after the other, under load (R17): clients see redirects, and nothing else.
import test from 'ava';
import { keepingCluster, type ProcessCluster, servingCluster } from '../helpers/process-cluster.ts';
import { Counting, replicasOf } from './support/counting.ts';

const PORT = 26_500;

const restarted = test.macro<[cluster: (t: Parameters<typeof servingCluster>[0]) => Promise<ProcessCluster>]>(
  async (t, start) => {
    const cluster = await start(t);
    const kv = await cluster.client({ timeoutMs: 5000 });
    t.teardown(() => kv.close());
    const lock = await kv.lock('held all the time');
    const counting = new Counting(kv);
    await counting.goOn();
    for (const index of [0, 1, 2]) {
      t.is(await cluster.end(index, 'SIGTERM'), 0);
      await counting.goOn();
      t.is((await cluster.start(index)).type, 'ready');
      await counting.goOn();
      t.deepEqual(counting.complaints, [], `node ${index + 1} restarted`);
    }
    const { held, acknowledged } = await counting.stop();
    t.deepEqual(counting.complaints, []);
    t.deepEqual(held, acknowledged);
    t.deepEqual(await replicasOf(kv), ['same 3']);
    t.true(lock.held);
    await lock.release({ confirm: true });
  },
);

test.serial('R17: with state directories', restarted, (t) => keepingCluster(t, PORT, '--partitions', '16'));
test.serial('R17: without: each life joins as another node', restarted, (t) =>
  servingCluster(t, PORT + 1, { args: ['--partitions', '16'] }),
);
