// L5, L12: one hot lock, with few and with very many who wait for it: real nodes.
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { type Client, connect, startNode } from '../../src/index.ts';

const PORT = 28_200;

test('L5: 64 loops of four clients get one lock equally often', async (t) => {
  const peers = [1, 2, 3].map((host) => `127.0.0.${host}:${PORT}`);
  const nodes = await Promise.all(
    peers.map((listen) => startNode({ peers, listen, data: 'none', new: true, logLevel: 'silent' })),
  );
  t.teardown(() => Promise.all(nodes.map((node) => node.close())));
  await Promise.all(nodes.map((node) => node.ready()));
  const clients = await Promise.all([1, 2, 3, 4].map(() => connect(peers, { timeoutMs: 30_000 })));
  t.teardown(() => Promise.all(clients.map((kv) => kv.close())));
  const sections = 6400;
  let left = sections;
  let holders = 0;
  const loop = async (kv: Client): Promise<number> => {
    let mine = 0;
    while (left > 0) {
      const lock = await kv.lock('hot', { fetch: false });
      holders += 1;
      if (holders > 1) t.fail('two holders');
      left -= 1;
      mine += 1;
      holders -= 1;
      await lock.release();
    }
    return mine;
  };
  const shares = await Promise.all(clients.flatMap((kv) => Array.from({ length: 16 }, () => loop(kv))));
  const most = Math.max(...shares);
  const least = Math.min(...shares);
  t.true(most / least <= 1.2, `between ${least} and ${most} sections per loop`);
});

test('L12: 10,000 waiters are served in order, and other keys go on meanwhile', async (t) => {
  const node = await startNode({ port: 0, logLevel: 'silent' });
  t.teardown(() => node.close());
  await node.ready();
  const kv = await connect(node.address, { timeoutMs: 60_000 });
  t.teardown(() => kv.close());
  const other = await connect(node.address, { timeoutMs: 60_000 });
  t.teardown(() => other.close());
  const waiters = 10_000;
  const order: number[] = [];
  const first = await kv.lock('hot');
  const serve = async (index: number): Promise<void> => {
    const lock = await kv.lock('hot', { fetch: false });
    order.push(index);
    await lock.release();
  };
  const waiting = async (): Promise<number> => {
    const { nodes } = await other.status();
    return nodes[0]?.state === 'up' ? nodes[0].waiters : -1;
  };
  const served: Promise<void>[] = [];
  // Not more at a time than a session may have unanswered: what is refused comes later, in any order.
  while (served.length < waiters) {
    for (let one = 0; one < 2000; one += 1) served.push(serve(served.length));
    for (let tries = 0; tries < 1000 && (await waiting()) < served.length; tries += 1) await sleep(10);
  }
  t.is(await waiting(), waiters);
  await first.release();
  let others = 0;
  while (order.length < waiters) {
    await other.withLock('cold', (lock) => lock.put(`${others}`));
    others += 1;
  }
  await Promise.all(served);
  t.deepEqual(
    order,
    Array.from({ length: waiters }, (_, index) => index),
  );
  t.true(others > 10, `another key was locked ${others} times meanwhile`);
  t.truthy(await other.tryLock('hot'));
});
