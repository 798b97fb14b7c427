// What a program in plain JavaScript gives a client: names and kinds are checked before anything is done.
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

// biome-ignore lint/suspicious/noExplicitAny: what the types would not let through
type Untyped = any;

/** The message of the refusal; what happened instead, otherwise. */
async function refusal(run: () => unknown): Promise<string> {
  try {
    await run();
    return 'nothing';
  } catch (error) {
    if (!(error instanceof KeyvalError)) return String(error);
    return error.code === 'KV_USAGE' ? error.message : error.code;
  }
}

async function walk(pages: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of pages) break;
}

/** Of a call with `{ <slip>: 1 }`: the method as the message names it, and what was meant. */
const slips: readonly [string, (client: Untyped, options: object) => unknown, string, string][] = [
  ['get', (client, options) => client.get('k', options), 'read', 'reads'],
  ['getEntry', (client, options) => client.getEntry('k', options), 'timeout', 'timeoutMs'],
  ['put', (client, options) => client.put('k', 'v', options), 'fenc', 'fence'],
  ['delete', (client, options) => client.delete('k', options), 'ifRevison', 'ifRevision'],
  ['cas', (client, options) => client.cas('k', 0n, 'v', options), 'ttl', 'ttlMs'],
  ['incr', (client, options) => client.incr('n', 1, options), 'fenced', 'fence'],
  ['batch', (client, options) => client.batch([{ get: 'k' }], options), 'signals', 'signal'],
  ['load', (client, options) => client.load('', options), 'timeoutms', 'timeoutMs'],
  ['digest', (client, options) => client.digest('k', options), 'timeOutMs', 'timeoutMs'],
  ['scan', (client, options) => walk(client.scan(options)), 'prefx', 'prefix'],
  ['export', (client, options) => walk(client.export(options)), 'pageRow', 'pageRows'],
  ['exportPartition', (client, options) => walk(client.exportPartition(0, options)), 'perfix', 'prefix'],
  ['check', (client, options) => walk(client.check(options)), 'timeout', 'timeoutMs'],
  ['ping', (client, options) => client.ping(undefined, options), 'timeout', 'timeoutMs'],
  ['status', (client, options) => client.status(options), 'timeout', 'timeoutMs'],
  ['connections', (client, options) => client.connections(options), 'timeout', 'timeoutMs'],
  ['admin', (client, options) => client.admin(options), 'timeout', 'timeoutMs'],
  ['partitions', (client, options) => client.admin().partitions(options), 'lots', 'lost'],
  ['locks', (client, options) => client.admin().locks(options), 'limits', 'limit'],
  ['breakLock', (client, options) => client.admin().breakLock('k', options), 'tokn', 'token'],
  ['lock', (client, options) => client.lock('k', options), 'wiatMs', 'waitMs'],
  ['lock', (client, options) => client.lock(['k', 'l'], options), 'lease', 'leaseMs'],
  ['tryLock', (client, options) => client.tryLock('k', options), 'delay', 'delayMs'],
  ['withLock', (client, options) => client.withLock('k', options, () => 1), 'wait', 'waitMs'],
];

for (const [method, call, slip, meant] of slips) {
  test(`${method}: '${slip}' is refused, and null in place of the options`, async (t) => {
    const message = `${method}: unknown option '${slip}'; did you mean ${meant}?`;
    t.is(await refusal(() => call(kv, { [slip]: 1 })), message);
    t.is(await refusal(() => call(kv, null as never)), `${method}: options are an object, not null`);
  });
}

test('undefined counts as absent', async (t) => {
  t.is(await kv.get('absent', { reads: undefined, signal: undefined } as Untyped), null);
});

test('connect refuses what it does not know', async (t) => {
  const from = connect as Untyped;
  t.is(
    await refusal(() => from(node.address, { leaseMz: 5 })),
    "connect: unknown option 'leaseMz'; did you mean leaseMs?",
  );
  t.is(await refusal(() => from(node.address, null)), 'connect: options are an object, not null');
  t.is(await refusal(() => from()), 'endpoints are a string or a list of strings, not undefined');
  t.is(await refusal(() => from([5])), 'endpoints are a string or a list of strings, not a list');
});

test('what the options of a lock may not be', async (t) => {
  const client = kv as Untyped;
  for (const [options, fault] of [
    [{ ttlMs: 100 }, /^lock: unknown option 'ttlMs'; it takes mode, leaseMs, renew, /],
    [{ renew: 'no' }, /^lock: renew is true or false, not 'no'$/],
    [{ signal: 5 }, /^lock: signal is an AbortSignal, not 5$/],
    [{ waitMs: '5' }, /^lock: waitMs is a number, not '5'$/],
  ] as const)
    t.regex(await refusal(() => client.lock('k', options)), fault);
  // @ts-expect-error it does not wait
  t.regex(await refusal(() => kv.tryLock('k', { waitMs: 5 })), /^tryLock: unknown option 'waitMs'/);
  t.deepEqual((await kv.admin().lock('k')).lock, null, 'nothing was taken');
});

test('a lock and a group of locks refuse what they do not know, and are held as before', async (t) => {
  await using lock = await kv.lock('{own}');
  await using group = await kv.lock(['{own}a', '{own}b']);
  const one = lock as Untyped;
  for (const [run, fault] of [
    [() => one.release({ vlaue: '5' }), "release: unknown option 'vlaue'; did you mean value?"],
    [() => one.release(null), 'release: options are an object, not null'],
    // @ts-expect-error which of them would get the value?
    [() => group.release({ value: '5' }), "release of several locks: unknown option 'value'; it takes confirm"],
    [() => one.convert('read', { wait: 5 }), "convert: unknown option 'wait'; did you mean waitMs?"],
    [() => one.get({ read: 'stale' }), "lock.get: unknown option 'read'; did you mean reads?"],
    [() => one.put('v', { ttl: 5 }), "lock.put: unknown option 'ttl'; did you mean ttlMs?"],
    [
      // @ts-expect-error the lock guards by itself
      () => lock.put('v', { fence: lock }),
      "lock.put: unknown option 'fence'; it takes timeoutMs, signal, ifRevision, ttlMs, ifAbsent",
    ],
    [() => one.delete({ ifRevison: 5n }), "lock.delete: unknown option 'ifRevison'; did you mean ifRevision?"],
    [() => one.on('lost'), 'a listener is a function, not undefined'],
  ] as const)
    t.is(await refusal(run), fault);
  t.true(lock.held && group.held);
  t.is(await kv.get('{own}'), null);
});

test('a lock in place of the options guards nothing, and is refused', async (t) => {
  await using lock = await kv.lock('{place}');
  t.is(await refusal(() => kv.put('{place}', 'v', lock as Untyped)), 'put: options are an object, not a Lock');
});

test('each part of a batch is checked', async (t) => {
  const parts = [
    { put: 'b', value: 'v', fenc: 5 },
    { put: 'b', value: 'v', ifRevision: 1n },
    { delete: 'b', ifRevision: 1n },
    { incr: 'b', of: 5 },
    { incr: 'b', by: 'x' },
    { get: 'b', reads: 'stale' },
    null,
    { gte: 'b' },
    { get: 'b' },
  ];
  const results = await kv.batch(parts as Untyped);
  t.deepEqual(
    results.map((result) => (result.ok ? result.value : result.error.message)),
    [
      "batch, put: unknown option 'fenc'; did you mean fence?",
      "batch, put: unknown option 'ifRevision'; it takes put, value, ttlMs, fence",
      "batch, delete: unknown option 'ifRevision'; it takes delete, fence",
      "batch, incr: unknown option 'of'; it takes incr, by, fence",
      "incr adds whole numbers, not 'x'",
      "batch, get: unknown option 'reads'; it takes get",
      'a batch has objects with get, put, delete or incr, not null',
      'a batch has get, put, delete and incr, not gte',
      null,
    ],
  );
  t.is(await refusal(() => kv.batch({ get: 'b' } as Untyped)), 'batch takes a list, not an object');
});

test('functions that are missing, or stand in the wrong place', async (t) => {
  const client = kv as Untyped;
  t.is(await refusal(() => client.flow()), 'flow needs a function to run, not undefined');
  for (const run of [
    () => client.withLock('k'),
    () => client.withLock('k', { mode: 'read' }),
    () => client.withLock('k', () => 1, { mode: 'read' }),
  ])
    t.is(await refusal(run), 'withLock needs a function to run, behind the options');
  t.is(await client.withLock('k', undefined, () => 1), 1);
});

test('keys, prefixes and tokens of another type', async (t) => {
  const client = kv as Untyped;
  const admin = kv.admin() as Untyped;
  const noKey = 'a key is a string or a Uint8Array, not 5';
  for (const run of [
    () => client.get(5),
    () => client.lock(5),
    () => client.lock([5]),
    () => client.withLock('around', () => client.lock(5)),
    () => admin.lock(5),
    () => admin.breakLock(5),
    () => admin.breakLock(5, { token: 5n }),
  ])
    t.is(await refusal(run), noKey);
  t.is(await refusal(() => admin.locks({ prefix: 5 })), 'locks: prefix is a string or a Uint8Array, not 5');
  await using _ = await kv.lock('kept');
  t.is(await refusal(() => admin.breakLock('kept', 5n)), 'breakLock: options are an object, not 5n');
  t.is(await refusal(() => admin.breakLock('kept', { token: '5' })), "breakLock: token is a bigint, not '5'");
  t.is(await refusal(() => client.incr('n', { fence: {} })), 'incr adds whole numbers, not an object');
});

test('a value too large for a page of a scan is read with its options', async (t) => {
  await kv.put('large page', 'x'.repeat(300_000));
  const sizes: (number | undefined)[] = [];
  for await (const { value } of kv.scan({ prefix: 'large page', pageSize: 10, values: true, timeoutMs: 5000 }))
    sizes.push(value?.length);
  t.deepEqual(sizes, [300_000]);
});
