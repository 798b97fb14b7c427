// What one client does must not hurt the node or the others.
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { KeyvalError } from '../../src/errors.ts';
import { connect, startNode } from '../../src/index.ts';

const PORT = 26_600;

test('20,000 keys of one partition that expire at once', async (t) => {
  const node = await startNode({ port: 0, partitions: 1, logLevel: 'silent' });
  t.teardown(() => node.close());
  await node.ready();
  const kv = await connect(node.address, { timeoutMs: 30_000 });
  t.teardown(() => kv.close());
  await Promise.all(Array.from({ length: 20_000 }, (_, i) => kv.put(`key:${i}`, 'value', { ttlMs: 300 })));
  for (let tries = 0; tries < 1000 && (node.status() as { keys: number }).keys > 0; tries += 1) await sleep(10);
  t.is((node.status() as { keys: number }).keys, 0);
});

test('links between nodes go on when both have more to send than they would keep for a client', async (t) => {
  const peers = [`127.0.0.1:${PORT}`, `127.0.0.2:${PORT}`];
  const nodes = await Promise.all(
    peers.map((listen) => startNode({ peers, listen, data: 'none', new: true, logLevel: 'silent' })),
  );
  t.teardown(() => Promise.all(nodes.map((node) => node.close())));
  await Promise.all(nodes.map((node) => node.ready()));
  const kv = await connect(peers, { timeoutMs: 30_000 });
  t.teardown(() => kv.close());
  const value = 'x'.repeat(60_000);
  await Promise.all(Array.from({ length: 600 }, (_, i) => kv.put(`key:${i}`, value)));
  t.is(await kv.get('key:599'), value);
});

test('large puts that were given up leave nothing behind', async (t) => {
  const node = await startNode({ port: 0, logLevel: 'silent' });
  t.teardown(() => node.close());
  await node.ready();
  const kv = await connect(node.address);
  t.teardown(() => kv.close());
  await kv.put('key', 'small');
  const value = 'x'.repeat(8 * 1024 * 1024);
  for (let round = 0; round < 8; round += 1) {
    const stop = new AbortController();
    const put = kv.put('key', value, { signal: stop.signal });
    setImmediate(() => stop.abort());
    await t.throwsAsync(put, { instanceOf: KeyvalError });
  }
  await kv.put('key', value, { timeoutMs: 20_000 });
  t.is((await kv.get('key', { timeoutMs: 20_000 }))?.length, value.length);
});

test('an embedded client that never pauses leaves the loop to others', async (t) => {
  const node = await startNode({ port: 0, logLevel: 'silent' });
  t.teardown(() => node.close());
  await node.ready();
  const kv = await node.client();
  t.teardown(() => kv.close());
  let fired = false;
  setTimeout(() => {
    fired = true;
  }, 5);
  for (let gets = 0; gets < 2_000_000 && !fired; gets += 1) await kv.get('key');
  t.true(fired);
});

test('a full node takes deletes, also of clients that are new', async (t) => {
  const node = await startNode({ port: 0, maxMemoryBytes: 16 * 1024 * 1024, logLevel: 'silent' });
  t.teardown(() => node.close());
  await node.ready();
  const kv = await connect(node.address);
  t.teardown(() => kv.close());
  const value = 'x'.repeat(20_000);
  let stored = 0;
  const fill = async (): Promise<string> => {
    for (; stored < 2000; stored += 1) {
      try {
        await kv.put(`key:${stored}`, value);
      } catch (error) {
        return error instanceof KeyvalError ? error.code : String(error);
      }
    }
    return 'never full';
  };
  t.is(await fill(), 'KV_OUT_OF_MEMORY');
  const other = await connect(node.address);
  t.teardown(() => other.close());
  for (let i = 0; i < stored; i += 1) t.is(await other.get(`key:${i}`), value);
  for (let i = 0; i < stored; i += 1) t.true(await other.delete(`key:${i}`));
  await kv.put('key:0', value);
});
