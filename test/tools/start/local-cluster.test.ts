/** Several processes started and stopped together; a stand-in for the node misbehaves as the case needs it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { format, planAddresses } from '../../../tools/start/addresses.ts';
import { LocalCluster } from '../../../tools/start/local-cluster.ts';
import { areFree, freePort } from './ports.ts';

const entry = fileURLToPath(new URL('./fake-node.ts', import.meta.url));
const nodes = 3;
/** Longer than any stand-in needs that hears SIGTERM. */
const graceMs = 10_000;

/** `behaviour` is what the second node does, in the stand-in's words. */
async function start(t: ExecutionContext, behaviour?: string): Promise<LocalCluster> {
  const { addresses } = await planAddresses(nodes, await freePort(nodes));
  const logFolder = mkdtempSync(join(tmpdir(), 'keyval-'));
  process.env.FAKE_NODE = `${addresses.map(format)[1]}=${behaviour}`;
  const cluster = new LocalCluster({ entry, addresses, logFolder });
  t.teardown(async () => {
    await cluster.stop(0);
    rmSync(logFolder, { recursive: true });
  });
  return cluster;
}

function addressesOf(cluster: LocalCluster): { host: string; port: number }[] {
  return cluster.nodes.map(({ address }) => {
    const [host = '', port] = address.split(':');
    return { host, port: Number(port) };
  });
}

test('starts all with the same peers, and stops them', async (t) => {
  const cluster = await start(t);
  await cluster.ready;
  t.true(cluster.nodes.every(({ isReady }) => isReady));
  const names = cluster.nodes.map(({ address }) => address);
  for (const node of cluster.nodes) {
    t.deepEqual(JSON.parse(node.logTail()), { msg: 'starting', address: node.address, peers: names.join(',') });
  }
  await cluster.stop(graceMs);
  t.true(await areFree(addressesOf(cluster), 0));
});

test('says which node died and how', async (t) => {
  const cluster = await start(t);
  await cluster.ready;
  process.kill(cluster.nodes[2]?.pid ?? 0, 'SIGKILL');
  const { node, end } = await cluster.firstEnd;
  t.is(cluster.nodes[2]?.address, node.address);
  t.deepEqual(end, { code: null, signal: 'SIGKILL', failure: null });
});

test('says why a node could not start', async (t) => {
  const cluster = await start(t, 'refuses');
  const { node, end } = await cluster.firstEnd;
  t.is(cluster.nodes[1]?.address, node.address);
  t.deepEqual(end, { code: 2, signal: null, failure: { code: 'KV_USAGE', message: 'no such peer' } });
});

test('makes a node end that does not when asked', async (t) => {
  const cluster = await start(t, 'deaf');
  await cluster.ready;
  await cluster.stop(50);
  t.deepEqual(await cluster.nodes[1]?.ended, { code: null, signal: 'SIGKILL', failure: null });
});
