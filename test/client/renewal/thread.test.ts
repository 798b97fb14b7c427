/** L4: the thread begins with the first lock of a program and ends with its last client; without it the main thread renews. */
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { Client } from '../../../src/client/client.ts';
import { firstConnection } from '../../../src/client/first-connection.ts';
import { systemPorts } from '../../../src/client/index.ts';
import { clientSettings } from '../../../src/client/options.ts';
import { RenewalThread } from '../../../src/client/renewal/thread.ts';
import { connect, type RunningNode } from '../../../src/index.ts';
import { threadOriginMs } from '../../../src/io/clock.ts';
import { readyNode } from '../../helpers/node.ts';

async function connectionsOf(kv: Client): Promise<number> {
  const [node] = await kv.connections();
  return node?.connections.length ?? 0;
}

/** Resolves when the node has so many; the test's time-out ends it otherwise. */
async function untilConnections(kv: Client, count: number): Promise<void> {
  while ((await connectionsOf(kv)) !== count) await pause(20);
}

async function watched(t: ExecutionContext): Promise<{ node: RunningNode; watcher: Client }> {
  const node = await readyNode(t);
  const watcher = await connect(node.address);
  t.teardown(() => watcher.close());
  return { node, watcher };
}

test.serial('it begins with the first lock, serves all clients, and ends with the last', async (t) => {
  const { node, watcher } = await watched(t);
  const one = await connect(node.address);
  const two = await connect(node.address);
  const plain = await connect(node.address, { renewal: 'main' });
  await one.put('no lock', 'yet');
  t.is(await connectionsOf(watcher), 4);
  await one.lock('one');
  await untilConnections(watcher, 5);
  await two.lock('two');
  await two.lock('three');
  await plain.lock('four');
  await untilConnections(watcher, 6);
  await one.close();
  await untilConnections(watcher, 4);
  t.true((await two.lock('five')).held);
  await two.close();
  await untilConnections(watcher, 2);
  await plain.close();
  await using again = await connect(node.address);
  t.true((await again.lock('one')).held);
  await untilConnections(watcher, 3);
});

async function clientWith(address: string, filename: string): Promise<Client> {
  const settings = clientSettings<string>(address, { leaseMs: 1000 }, 'failing');
  const renewal = new RenewalThread(threadOriginMs(), filename);
  const client = new Client<string>(settings, { ...systemPorts(), renewal });
  await firstConnection(client, settings.connectTimeoutMs, undefined);
  return client;
}

for (const [how, filename] of [
  ['does not start', '../../../test/helpers/broken-worker.ts'],
  ['is not there', './no-such-file.ts'],
] as const) {
  test.serial(`a thread that ${how}: said once, and the main thread goes on`, async (t) => {
    const { node } = await watched(t);
    const kv = await clientWith(node.address, filename);
    t.teardown(() => kv.close());
    let warnings = 0;
    kv.on('warning', () => {
      warnings += 1;
    });
    const warned = once(kv, 'warning');
    const lock = await kv.lock('kept');
    const [error] = await warned;
    t.is(error.code, 'KV_INTERNAL');
    t.regex(
      error.message,
      /^the thread that renews locks has failed \(.+\): while the main thread is busy nobody does/,
    );
    await pause(2500);
    t.true(lock.held, 'over several leases');
    const next = await kv.lock('another');
    t.true(next.held);
    t.is(warnings, 1);
  });
}
