/** What operators are told of locks, by CLUS, and what a hostile asker gets. */
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { type Client, connect, startNode } from '../../src/index.ts';
import { lockRequestIn } from '../../src/node/lock-desk.ts';
import { keyBytesOf, keyNameOf } from '../../src/node/lock-facts.ts';
import { LOOKED_AT_MAX } from '../../src/node/lock-survey.ts';
import type { LockAnswer, LockFacts, LocksAnswer } from '../../src/protocol/lock-facts.ts';
import { RawClient } from '../helpers/raw-client.ts';
import { codeIn, nextMessageId, RawSession } from '../helpers/raw-session.ts';

const PARTITIONS = 4;
const node = await startNode({ port: 0, logLevel: 'silent', partitions: PARTITIONS, data: 'none', new: true });
await node.ready();
const raw = await RawClient.login(node.address);
const kv: Client = await connect([node.address], { name: 'holder:1' });

test.after.always(async () => {
  raw.destroy();
  await kv.close();
  await node.close();
});

async function asked(body: string | Uint8Array): Promise<{ code: string; document: unknown }> {
  const reply = await raw.request('CLUS', nextMessageId(), Buffer.from(body as string));
  if (reply.opcode === 'CLUD') return { code: '', document: JSON.parse(reply.body.toString()) };
  return { code: codeIn(reply), document: null };
}

async function ask<T>(request: object): Promise<T> {
  return (await asked(JSON.stringify(request))).document as T;
}

const from = { partition: 0, slot: 0 };

test('requests that are none are refused, and nothing breaks', async (t) => {
  const name = { key: 'k' };
  const bad = [
    { command: 'locks' },
    { command: 'locks', from: 3, limit: 1 },
    { command: 'locks', from, limit: -1 },
    { command: 'locks', from, limit: 1e9 },
    { command: 'locks', from, limit: 1, waited: 'yes' },
    { command: 'locks', from, limit: 1, prefix: { key: 'a', key64: 'YQ==' } },
    { command: 'locks', from, limit: 1, prefix: [] },
    { command: 'lock' },
    { command: 'lock', name: 'k' },
    { command: 'lock', name: { key: '' } },
    { command: 'lock', name: { key64: 'not base64!' } },
    { command: 'lock', name: { key: 'k'.repeat(70_000) } },
    { command: 'break-lock', name },
    { command: 'break-lock', name, tokens: [] },
    { command: 'break-lock', name, tokens: [1] },
    { command: 'break-lock', name, tokens: ['x'] },
    { command: 'break-lock', name, tokens: new Array(101).fill('1') },
    { command: 'locks ' },
  ];
  for (const request of bad)
    t.is((await asked(JSON.stringify(request))).code, 'KV_BAD_REQUEST', JSON.stringify(request).slice(0, 90));
  for (const body of ['', '[', 'null', '"lock"', '[]', '{"command":"lock","name":null}', 'x'.repeat(200_000)])
    t.is((await asked(body)).code, 'KV_BAD_REQUEST', body.slice(0, 40));
  t.is((await asked(JSON.stringify({ command: 'break-lock', name, tokens: ['99'] }))).code, 'KV_NOT_HELD');
  t.is(lockRequestIn({ command: 'locks', from: null, limit: 1 }), null);
});

test('a place that is out of bounds is the end', async (t) => {
  for (const place of [
    { partition: 4, slot: 0 },
    { partition: 2 ** 31 - 1, slot: 2 ** 31 - 1 },
    { partition: 3, slot: 2 ** 30 },
  ]) {
    const answer = await ask<LocksAnswer>({ command: 'locks', from: place, limit: 10 });
    t.deepEqual([answer.locks, answer.next], [[], null]);
  }
});

test('the longest key, and one that is no text', async (t) => {
  const long = 'l'.repeat(65_535);
  const bytes = new Uint8Array([0xff, 0, 0xfe]);
  await using one = await kv.lock(long);
  await using other = await kv.lock(bytes);
  const shown = await ask<LockAnswer>({ command: 'lock', name: { key: long } });
  t.is((shown.lock as LockFacts & { key: string }).key, long);
  t.is(shown.lock?.holders[0]?.token, `${one.token}`);
  const listed = await ask<LocksAnswer>({ command: 'locks', from, limit: 10, prefix: { key: 'lll' } });
  t.is(listed.locks[0]?.keyBytes, 65_535);
  t.is((listed.locks[0] as LockFacts & { key: string }).key.length, 1024);
  const found = await ask<LockAnswer>({ command: 'lock', name: keyNameOf(bytes) });
  t.is(found.lock?.holders[0]?.token, `${other.token}`);
  t.deepEqual(keyBytesOf(keyNameOf(bytes)), bytes);
  t.deepEqual(keyBytesOf({ key: '\uFEFFk' }), new Uint8Array(Buffer.from('\uFEFFk')));
  t.deepEqual(keyNameOf(Buffer.from('\uFEFFk')), { key: '\uFEFFk' });
});

test('a lock for which many wait tells of a hundred, and how many there are', async (t) => {
  await using held = await kv.lock('popular');
  const session = new RawSession(raw, PARTITIONS);
  const waiting = 1000;
  for (let round = 0; round < waiting; round += 1) {
    const body = await session.body({ key: 'popular', span: 60_000 });
    raw.send('LCKK', nextMessageId(), body);
  }
  await raw.request('PING', nextMessageId());
  const { lock } = await ask<LockAnswer>({ command: 'lock', name: { key: 'popular' } });
  t.true(held.held);
  t.deepEqual([lock?.waiters.length, lock?.waiterCount], [100, waiting]);
  const [first] = (await ask<LocksAnswer>({ command: 'locks', from, limit: 1 })).locks;
  t.deepEqual(
    [(first as unknown as { key: string }).key, first?.waiters.length, first?.waiterCount],
    ['popular', 0, waiting],
  );
  const waited = await ask<LocksAnswer>({ command: 'locks', from, limit: 1, waited: true });
  t.deepEqual(
    waited.locks.map(({ waiterCount }) => waiterCount),
    [waiting],
  );
});

test('L14: a lock that several write together is as old as the grant of the first of them, who is named first', async (t) => {
  await using one = await kv.lock('shared: old', { mode: 'concurrent-write' });
  await sleep(20);
  await using _between = await kv.lock('shared: young');
  await sleep(20);
  await using _two = await kv.lock('shared: old', { mode: 'concurrent-write' });
  const { locks } = await ask<LocksAnswer>({ command: 'locks', from, limit: 1, prefix: { key: 'shared:' } });
  t.is(locks[0]?.keyBytes, 'shared: old'.length);
  t.is(locks[0]?.holders[0]?.token, `${one.token}`);
});

test.serial('a listing of more than one piece holds all, and the largest come first', async (t) => {
  const own = await startNode({ port: 0, logLevel: 'silent', partitions: 2, data: 'none', new: true });
  t.teardown(() => own.close());
  await own.ready();
  await using many = await connect([own.address], { timeoutMs: 30_000 });
  const count = LOOKED_AT_MAX + 2000;
  for (let at = 0; at < count; at += 2000)
    await Promise.all(Array.from({ length: 2000 }, (_, more) => many.lock(`key ${at + more}`, { fetch: false })));
  const wanted = many.lock('key 77').then(
    (lock) => lock.release(),
    () => undefined,
  );
  while ((await many.admin().waitedLocks()).locks.length === 0);
  const { locks, matching, truncated, silentPartitions } = await many.admin().locks({ limit: 3 });
  t.deepEqual([locks.length, matching, truncated, silentPartitions], [3, count, true, 0]);
  t.deepEqual([locks[0]?.key, locks[0]?.waiterCount], ['key 77', 1]);
  const some = await many.admin().locks({ prefix: 'key 1199', limit: 1000 });
  t.is(some.matching, 11);
  await many.admin().breakLock('key 77');
  await wanted;
});
