// The public API against a real node, over a socket.
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { type Client, connect, KeyvalError, type RunningNode } from '../../src/index.ts';
import { FileNode } from '../helpers/node.ts';

const file = new FileNode();
let node: RunningNode;
let kv: Client;

test.before(async () => {
  node = await file.node();
  kv = await file.client();
});

test('get, put, delete', async (t) => {
  t.is(await kv.get('a'), null);
  const revision = await kv.put('a', 'one');
  t.is(await kv.get('a'), 'one');
  t.deepEqual(await kv.getEntry('a'), { value: 'one', revision, ttlMs: null, staleMs: null });
  t.true((await kv.put('a', 'two')) > revision);
  t.true(await kv.delete('a'));
  t.false(await kv.delete('a'));
  t.is(await kv.getEntry('a'), null);
});

test('any bytes in keys and values, and none in a value', async (t) => {
  const raw = await connect(node.address, { codec: 'buffer' });
  t.teardown(() => raw.close());
  for (const key of [Uint8Array.of(0), Uint8Array.of(255, 0, 10, 13), Buffer.alloc(65_535, 7)]) {
    for (const value of [Buffer.alloc(0), Buffer.from([0, 255, 0]), Buffer.alloc(100_000, 3)]) {
      await raw.put(key, value);
      t.true(value.equals((await raw.get(key)) as Uint8Array));
    }
  }
});

test('values at every limit of size come back whole', async (t) => {
  for (const length of [31, 32, 32_700, 32_768, 65_535, 65_536, 65_537, 131_072, 3_000_000]) {
    const value = 'ä'.repeat(length / 2);
    await kv.put(`size:${length}`, value);
    t.is(await kv.get(`size:${length}`), value);
    t.is((await kv.getEntry(`size:${length}`))?.value, value);
  }
});

test('keys and values that cannot be', async (t) => {
  const code = async (promise: Promise<unknown>): Promise<string> =>
    ((await t.throwsAsync(promise, { instanceOf: KeyvalError })) as KeyvalError).code;
  t.is(await code(kv.get('')), 'KV_BAD_KEY');
  t.is(await code(kv.get('x'.repeat(65_536))), 'KV_BAD_KEY');
  t.is(await code(kv.put('k', 5 as unknown as string)), 'KV_USAGE');
  t.is(await code(kv.put('k', 'x'.repeat(64 * 1024 * 1024 + 1))), 'KV_TOO_LARGE');
  t.is(await code(kv.put('k', 'v', { ttlMs: -1 })), 'KV_USAGE');
  t.is(await code(kv.incr('k', 1.5)), 'KV_USAGE');
  t.is(await code(kv.cas('k', 1 as unknown as bigint, 'v')), 'KV_USAGE');
});

test('compare and set', async (t) => {
  const first = await kv.cas('cas', 0n, 'one');
  t.true(first.ok);
  const again = await kv.cas('cas', 0n, 'two');
  t.deepEqual(again, { ok: false, revision: first.revision });
  t.true((await kv.cas('cas', first.revision, 'three')).ok);
  t.is(await kv.get('cas'), 'three');
});

test('conditions on put and delete are errors when they do not hold', async (t) => {
  const revision = await kv.put('if', 'one', { ifAbsent: true });
  const refusal = (await t.throwsAsync(kv.put('if', 'two', { ifAbsent: true }))) as KeyvalError;
  t.is(refusal.code, 'KV_CONFLICT');
  t.is(refusal.revision, revision);
  await t.throwsAsync(kv.delete('if', { ifRevision: revision + 1n }), { code: 'KV_CONFLICT' });
  t.true(await kv.delete('if', { ifRevision: revision }));
});

test('increments that run at once all count', async (t) => {
  await Promise.all(Array.from({ length: 500 }, () => kv.incr('count')));
  t.is(await kv.get('count'), '500');
  t.is(await kv.incr('count', -501n), -1n);
  await kv.put('word', 'abc');
  await t.throwsAsync(kv.incr('word'), { code: 'KV_NOT_INTEGER' });
  await kv.put('most', '9223372036854775807');
  await t.throwsAsync(kv.incr('most'), { code: 'KV_NOT_INTEGER' });
  t.is(await kv.get('most'), '9223372036854775807');
});

test('R23: a key lives as long as it was told to, and an increment keeps its time', async (t) => {
  await kv.put('short', '1', { ttlMs: 1500 });
  t.is(await kv.incr('short'), 2n);
  const { ttlMs } = (await kv.getEntry('short')) as { ttlMs: number | null };
  t.true(ttlMs !== null && ttlMs > 0 && ttlMs <= 1500);
  while ((await kv.get('short')) !== null) await sleep(20);
  t.is(await kv.incr('short'), 1n);
});

test('scan finds everything with the prefix once, with and without values, page by page', async (t) => {
  const keys = Array.from({ length: 300 }, (_, i) => `scan:${i}`);
  await Promise.all(keys.map((key) => kv.put(key, `value of ${key}`)));
  await kv.put('scan:large', 'x'.repeat(200_000));
  const seen = new Map<string, string | null>();
  for await (const { key, value } of kv.scan({ prefix: 'scan:', pageSize: 2 })) {
    t.false(seen.has(key), key);
    seen.set(key, value);
  }
  t.is(seen.size, 301);
  t.is(seen.get('scan:7'), 'value of scan:7');
  t.is(seen.get('scan:large')?.length, 200_000);
  for await (const { value } of kv.scan({ prefix: 'scan:', values: false })) t.is(value, null);
});

test('a batch gives each its own result', async (t) => {
  await kv.put('b:word', 'abc');
  const results = await kv.batch([
    { put: 'b:1', value: 'x' },
    { incr: 'b:word' },
    { get: 'b:word' },
    { delete: 'b:none' },
  ]);
  t.deepEqual(
    results.map(({ ok }) => ok),
    [true, false, true, true],
  );
  t.is((results[1] as { error: KeyvalError }).error.code, 'KV_NOT_INTEGER');
});

test('an AbortSignal: before sending nothing happens, afterwards nobody knows', async (t) => {
  await t.throwsAsync(kv.put('abort', 'v', { signal: AbortSignal.abort() }), { code: 'KV_ABORTED' });
  t.is(await kv.get('abort'), null);
  const stop = new AbortController();
  const put = kv.put('aborted', '0', { signal: stop.signal });
  stop.abort();
  await t.throwsAsync(put, { code: 'KV_AMBIGUOUS' });
});

test('JSON values', async (t) => {
  const json = await connect<{ a: number[] }>(node.address, { codec: 'json' });
  t.teardown(() => json.close());
  await json.put('json', { a: [1, 2] });
  t.deepEqual(await json.get('json'), { a: [1, 2] });
  await kv.put('json', 'not json');
  await t.throwsAsync(json.get('json'), { code: 'KV_USAGE' });
});

test('a closed client takes nothing; closing twice is fine', async (t) => {
  const other = await connect(node.address);
  await other.close();
  await other.close();
  await t.throwsAsync(other.get('a'), { code: 'KV_CLOSED' });
});

test('connecting: nobody there, another cluster, nonsense', async (t) => {
  await t.throwsAsync(connect('127.0.0.1:9', { connectTimeoutMs: 100 }), {
    code: 'KV_UNREACHABLE',
    message: /127\.0\.0\.1:9/,
  });
  await t.throwsAsync(connect(node.address, { cluster: 'other' }), { code: 'KV_WRONG_CLUSTER' });
  await t.throwsAsync(connect('no such host!'), { code: 'KV_USAGE' });
  await t.throwsAsync(connect(node.address, { codec: 'yaml' as 'json' }), { code: 'KV_USAGE' });
});

test('status and ping', async (t) => {
  const { nodes } = await kv.status();
  t.is(nodes.length, 1);
  const [only] = nodes;
  if (only?.state !== 'up') return t.fail('it is down');
  t.is(only.pid, process.pid);
  t.is(only.keptIn, 'memory');
  t.is(only.partitions.serving, only.partitions.total);
  t.is((await kv.ping())[0]?.node, node.address);
  await t.throwsAsync(async () => kv.ping('127.0.0.1:1'), { code: 'KV_USAGE' });
});
