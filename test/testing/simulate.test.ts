import test from 'ava';
import { type SimulatedCluster, simulate } from '../../src/testing/index.ts';

/** Two writers count under a lock, in two steps that nobody may come between. */
async function countUnderLock(cluster: SimulatedCluster, withLock: boolean): Promise<void> {
  const work = async (): Promise<void> => {
    const client = await cluster.client({ timeoutMs: 20_000 });
    for (let step = 0; step < 10; step += 1) {
      const raise = async (): Promise<void> => {
        const before = Number((await client.get('sum')) ?? '0');
        await cluster.sleep(cluster.random() * 20);
        await client.put('sum', String(before + 1));
      };
      await (withLock ? client.withLock('counter', raise) : raise());
    }
  };
  await Promise.all([work(), work()]);
  const reader = await cluster.client();
  const sum = await reader.get('sum');
  if (sum !== '20') throw new Error(`20 were counted, not ${sum}`);
}

test('own code runs against a simulated cluster', async (t) => {
  const run = (cluster: SimulatedCluster): Promise<void> => countUnderLock(cluster, true);
  const result = await simulate({ seed: 1, nodes: 3, seconds: 5, faults: ['pauseNode', 'clog'], run });
  t.is(result.breach, null);
  t.true(result.ok);
  t.true(result.counters.faultCount > 0);
});

test('what own code does wrong is found, and found again with the same seed', async (t) => {
  const run = (cluster: SimulatedCluster): Promise<void> => countUnderLock(cluster, false);
  const first = await simulate({ seed: 1, seconds: 5, faults: [], run });
  t.false(first.ok);
  t.is(first.breach?.rule, 'run threw');
  t.regex(String(first.error), /20 were counted, not/);
  const second = await simulate({ seed: 1, seconds: 5, faults: [], run });
  t.is(second.hash, first.hash);
  t.is(String(second.error), String(first.error));
});

test('code that does not end is told so', async (t) => {
  const run = async (cluster: SimulatedCluster): Promise<void> => cluster.sleep(60_000);
  const { breach } = await simulate({ seed: 1, nodes: 1, seconds: 1, withinSeconds: 2, faults: [], run });
  t.is(breach?.rule, 'run did not end');
});

test('a wrong size is told before anything runs', async (t) => {
  const run = (): Promise<void> => Promise.resolve();
  await t.throwsAsync(simulate({ seed: 1, nodes: 0, run }), { message: /nodes must be 1 or more, not 0/ });
});
