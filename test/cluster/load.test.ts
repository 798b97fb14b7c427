/** `client.load` on a cluster of three: rows of all partitions through any node, with worker threads and without. */
import test, { type ExecutionContext } from 'ava';
import { type Client, type ConnectOptions, connect, KeyvalError, type NodeOptions } from '../../src/index.ts';
import { LOAD_BYTES_MAX } from '../../src/protocol/limits.ts';
import { LocalCluster } from '../helpers/local-cluster.ts';

const secret = 'a secret of the cluster';
const utf8 = new TextEncoder();

/** A client of a new cluster; both end with the test. */
async function clusterClient<V = string>(
  t: ExecutionContext,
  port: number,
  options: NodeOptions,
  connectOptions: ConnectOptions<V> = {},
): Promise<Client<V>> {
  const cluster = await LocalCluster.on(port, options);
  t.teardown(() => cluster.close());
  const client = await connect<V>(cluster.addresses, { timeoutMs: 60_000, ...connectOptions });
  t.teardown(() => client.close());
  return client;
}

for (const [workerThreads, port] of [
  [1, 26800],
  [0, 26801],
] as const) {
  test(`with ${workerThreads} worker threads: all rows are there, wrong lines are told`, async (t) => {
    const client = await clusterClient(t, port, { workerThreads, partitions: 32, secret }, { secret });
    const lines = Array.from({ length: 1500 }, (_, at) => JSON.stringify({ key: `key-${at}`, value: `value ${at} é` }));
    lines[10] = 'nonsense';
    lines[1400] = '{"key":"a","value":"b","value":"c"}';
    const chunk = lines.join('\n');
    t.true(utf8.encode(chunk).length > 16 * 1024, 'large enough for a thread');
    await client.ping(); // all nodes are connected
    const results = [await client.load(chunk), await client.load(utf8.encode(chunk)), await client.load(chunk)];
    for (const result of results) {
      t.like(result, { rows: 1498, failed: 2 });
      t.deepEqual(
        result.failures.map(({ line, code }) => [line, code]),
        [
          [11, 'KV_BAD_REQUEST'],
          [1401, 'KV_BAD_REQUEST'],
        ],
      );
      t.regex(result.failures[1]?.message ?? '', /'value' is given twice/);
    }
    const found = new Map<string, string | null>();
    for await (const { key, value } of client.scan()) found.set(key, value);
    t.is(found.size, 1498);
    t.is(found.get('key-1499'), 'value 1499 é');
    // Each chunk went to another node, and was parsed where --worker-threads says.
    const { nodes } = await client.status();
    for (const node of nodes) {
      if (node.state !== 'up') return t.fail(`${node.endpoint} is down`);
      t.like(node.workers, { threadsMax: workerThreads, tasks: workerThreads, inline: 1 - workerThreads, failed: 0 });
    }
  });
}

test('rows of every kind; few lines', async (t) => {
  const client = await clusterClient<Uint8Array>(t, 26802, { partitions: 8 }, { codec: 'buffer' });
  await client.put('there', Buffer.from('before'), { ttlMs: 60_000 });
  const large = 'x'.repeat(200_000);
  const chunk = [
    '{"key64":"/wA=","value64":"AAH/","ttlMs":60000}',
    '{"key":"empty","value":""}',
    '',
    '{"key":"there","value":"after"}',
    JSON.stringify({ key: 'large', value: large }),
  ].join('\r\n');
  t.deepEqual(await client.load(chunk), { rows: 4, failed: 0, failures: [] });
  const bytes = await client.getEntry(new Uint8Array([0xff, 0]));
  t.deepEqual([...(bytes?.value ?? [])], [0, 1, 255]);
  t.true(bytes?.ttlMs !== null && (bytes?.ttlMs ?? 0) > 0);
  t.is((await client.get('empty'))?.length, 0);
  t.like(await client.getEntry('there'), { value: Buffer.from('after'), ttlMs: null });
  t.is((await client.get('large'))?.toString(), large);
  t.deepEqual(await client.load(''), { rows: 0, failed: 0, failures: [] });
  await refusals(client, async (code, run) => {
    await t.throwsAsync(run, { instanceOf: KeyvalError, code });
  });
});

async function refusals(
  client: Client<Uint8Array>,
  throws: (code: string, run: Promise<unknown>) => Promise<void>,
): Promise<void> {
  await throws('KV_TOO_LARGE', client.load(new Uint8Array(LOAD_BYTES_MAX + 1)));
  await throws('KV_ABORTED', client.load('', { signal: AbortSignal.abort() }));
  await throws('KV_USAGE', client.load('', { timeoutMs: 0 }));
}

test('many chunks at a time, more than a node takes at once, all arrive', async (t) => {
  const client = await clusterClient(t, 26803, { partitions: 16 });
  const chunks = Array.from({ length: 40 }, (_, chunk) =>
    Array.from({ length: 50 }, (_, at) => `{"key":"${chunk}-${at}","value":"v"}`).join('\n'),
  );
  const results = await Promise.all(chunks.map((chunk) => client.load(chunk)));
  t.is(
    results.reduce((sum, { rows }) => sum + rows, 0),
    2000,
  );
  let keys = 0;
  for await (const _ of client.scan({ values: false })) keys += 1;
  t.is(keys, 2000);
});

test('of many failures the first are told', async (t) => {
  const client = await clusterClient(t, 26804, { partitions: 8 });
  const { rows, failed, failures } = await client.load(`${'x\n'.repeat(150)}{"key":"a","value":"b"}`);
  t.deepEqual([rows, failed], [1, 150]);
  t.deepEqual(
    failures.map(({ line }) => line),
    Array.from({ length: 100 }, (_, at) => at + 1),
  );
});
