/** `keyval status` and `ping`: a whole cluster, and one of which a node is missing. */
import test from 'ava';
import { readyNode, startedNode } from '../../helpers/node.ts';
import { type Ended, keyval } from '../../helpers/processes.ts';

const present = '127.0.0.1:21300';
const missing = '127.0.0.2:21300';

test('all is well: 0', async (t) => {
  const node = await readyNode(t, { maxMemoryBytes: 100 * 1024 * 1024 });
  const { code, stdout, stderr } = await keyval(t, node.address, ['status']);
  t.is(stderr, '');
  t.is(code, 0);
  t.regex(stdout, /^cluster keyval: 1 node, 1 up; 256 of 256 partitions take writes\n/);
  t.regex(stdout, /NODE +STATE +KEYS +LOCKS +WAITERS +SESSIONS +CLIENTS +MEMORY +PARTITIONS +UPTIME +VERSION\n/);
  t.regex(
    stdout,
    new RegExp(`\n${node.address} +up +0 +0 +0 +0 +1 +[\\d.]+ KiB of 100\\.0 MiB +256 of 256 serving +\\w+ +[\\d.]+\n`),
  );
  t.regex(stdout, /\nKeys live in memory: stopping all nodes loses them\.\n$/);
});

test('what the worker threads have done: a line a node', async (t) => {
  const node = await readyNode(t, { workerThreads: 2 });
  const none = await readyNode(t, { workerThreads: 0 });
  const client = await node.client({ timeoutMs: 60_000 });
  const line = `{"key":"k","value":"${'v'.repeat(500)}"}\n`;
  await client.load(line.repeat(200));
  await client.load(line);
  await client.close();
  const [shown, without] = await Promise.all([
    keyval(t, node.address, ['status']),
    keyval(t, none.address, ['status']),
  ]);
  const spread = '[\\d.]+ ms \\(p99 [\\d.]+, max [\\d.]+\\)';
  const counts = '[01] of 2 worker threads up; 1 tasks, 1 on the main thread; 0 queued';
  t.regex(shown.stdout, new RegExp(`\n${node.address}: ${counts}; waited ${spread}; ran ${spread}\n`));
  t.regex(without.stdout, new RegExp(`\n${none.address}: no worker threads; 0 bulk tasks on the main thread\n`));
});

test('status as documents', async (t) => {
  const node = await readyNode(t);
  const [json, ndjson] = await Promise.all([
    keyval(t, node.address, ['status', '--output', 'json']),
    keyval(t, node.address, ['status', '--output', 'ndjson']),
  ]);
  const document = JSON.parse(json.stdout);
  t.like(document, { cluster: 'keyval', partitions: { total: 256, serving: 256 }, keptIn: 'memory' });
  t.like(document.nodes, [{ endpoint: node.address, state: 'up', keptIn: 'memory', obstacle: null }]);
  t.like(JSON.parse(ndjson.stdout), { endpoint: node.address, state: 'up' });
});

test('a node is missing: it is shown with its error, and what it keeps from working; 5', async (t) => {
  await startedNode(t, { peers: [present, missing], listen: present, partitions: 16 });
  const ask = (...args: string[]): Promise<Ended> => keyval(t, present, [...args, '--timeout', '2s']);
  const [table, json, ping] = await Promise.all([
    ask('status'),
    ask('status', '--output', 'json'),
    ask('ping', '--output', 'ndjson'),
  ]);
  t.is(table.code, 5);
  t.is(table.stderr, '');
  t.regex(table.stdout, /^cluster keyval: 2 nodes, 1 up; 0 of 16 partitions take writes\n/);
  t.regex(table.stdout, /\n127\.0\.0\.2:21300 +down +-/);
  t.regex(table.stdout, /\n127\.0\.0\.2:21300 is down: KV_\w+: /);
  t.regex(table.stdout, /\n127\.0\.0\.1:21300 does not take all writes: waits for 127\.0\.0\.2:21300 of --peers/);
  t.is(json.code, 5);
  const { nodes } = JSON.parse(json.stdout);
  t.is(nodes.find(({ endpoint }: { endpoint: string }) => endpoint === missing).state, 'down');

  t.is(ping.code, 1);
  const pongs = ping.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  t.deepEqual(
    pongs.map(({ error }) => error === null),
    [true, false],
  );
});

test('ping: a line a node', async (t) => {
  const node = await readyNode(t);
  const { code, stdout } = await keyval(t, node.address, ['ping']);
  t.is(code, 0);
  t.regex(stdout, new RegExp(`^${node.address}  \\d+\\.\\d{3} ms\n$`));
});
