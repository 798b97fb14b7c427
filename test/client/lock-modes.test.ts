// L7, L13: locks in several modes, as a program uses them, against a real node.
import test from 'ava';
import type { Client, FullLockModeName } from '../../src/index.ts';
import { FileNode } from '../helpers/node.ts';

const file = new FileNode();
let kv: Client;
let other: Client;

test.before(async () => {
  kv = await file.client();
  other = await file.client();
});

const modes: readonly FullLockModeName[] = [
  'null',
  'concurrent-read',
  'concurrent-write',
  'protected-read',
  'protected-write',
  'exclusive',
];
/** Who goes together, in the order of `modes`. */
const together = ['111111', '111110', '111000', '110100', '110000', '100000'];

test('L7: modes go together as in the table of VMS', async (t) => {
  for (const [row, held] of modes.entries()) {
    for (const [column, wanted] of modes.entries()) {
      const key = `pair ${held} ${wanted}`;
      const first = await kv.lock(key, { mode: held });
      const second = await other.tryLock(key, { mode: wanted });
      t.is(second !== null, together[row]?.[column] === '1', key);
      t.is(first.mode, held);
      await first.release();
      await second?.release();
    }
  }
});

test('the mode null is named by a string: JavaScript has a null of its own, which is none', async (t) => {
  const message = "mode is null: the lock mode of that name is the string 'null'";
  await t.throwsAsync(kv.lock('no mode', { mode: null as never }), { code: 'KV_USAGE', message });
  await using lock = await kv.lock('no mode', { mode: 'null' });
  await t.throwsAsync(lock.convert(null as never), { code: 'KV_USAGE', message });
  await t.throwsAsync(kv.lock('no mode', { mode: ['null'] as never }), { code: 'KV_USAGE' });
  t.is(lock.mode, 'null');
});

test('read is another name for protected-read, which locks and listings say', async (t) => {
  await using lock = await kv.lock('said', { mode: 'read' });
  t.is(lock.mode, 'protected-read');
  // @ts-expect-error it never says so
  t.false(lock.mode === 'read');
  const [holder] = (await kv.admin().lock('said')).lock?.holders ?? [];
  // @ts-expect-error nor does a listing
  t.false(holder?.mode === 'read');
  lock.on('wanted', ({ mode }) => {
    // @ts-expect-error nor who wants it
    t.false(mode === 'read');
  });
});

test('L7: readers share a lock, and a writer that waits comes before readers that come after it', async (t) => {
  const readers = await Promise.all([kv, other].map((client) => client.lock('shared', { mode: 'read' })));
  const order: string[] = [];
  const writer = other.lock('shared').then(async (lock) => {
    order.push('writer');
    await lock.release();
  });
  await other.get('shared');
  t.is(await kv.tryLock('shared', { mode: 'read' }), null, 'it would pass the writer by');
  const late = kv.lock('shared', { mode: 'read' }).then(async (lock) => {
    order.push('late reader');
    await lock.release();
  });
  await kv.get('shared');
  for (const reader of readers) await reader.release();
  await Promise.all([writer, late]);
  t.deepEqual(order, ['writer', 'late reader']);
});

test('L7: a reader becomes the writer when the others have gone, with a new token and what they left', async (t) => {
  const lock = await kv.lock('converted', { mode: 'read' });
  const reader = await other.lock('converted', { mode: 'read' });
  await t.throwsAsync(lock.put('too early'), { code: 'KV_USAGE' });
  const { token } = lock;
  const waiting = other.lock('converted');
  const converted = lock.convert('exclusive');
  await kv.put('converted', 'present');
  t.is(lock.mode, 'protected-read', 'as before, while it waits');
  await reader.release();
  await converted;
  t.is(lock.mode, 'exclusive');
  t.true(lock.token > token);
  t.is(lock.value, 'present');
  await lock.put('written');
  await lock.convert('read');
  t.is(lock.mode, 'protected-read');
  await lock.release();
  const next = await waiting;
  t.is(next.value, 'written');
  t.true(next.token > lock.token);
  await next.release();
});

test('L7: a conversion that is given up leaves the lock as it was', async (t) => {
  const lock = await kv.lock('given up', { mode: 'read' });
  const reader = await other.lock('given up', { mode: 'read' });
  const { token } = lock;
  await t.throwsAsync(lock.convert('exclusive', { waitMs: 0 }), { code: 'KV_LOCK_BUSY' });
  await t.throwsAsync(lock.convert('exclusive', { waitMs: 30 }), { code: 'KV_LOCK_BUSY' });
  const patience = new AbortController();
  const converted = lock.convert('exclusive', { signal: patience.signal });
  await t.throwsAsync(lock.convert('exclusive'), { code: 'KV_USAGE' }, 'one at a time');
  patience.abort();
  await t.throwsAsync(converted, { code: 'KV_ABORTED' });
  t.is(lock.mode, 'protected-read');
  t.is(lock.token, token);
  t.true(lock.held);
  await reader.release({ confirm: true });
  await lock.convert('protected-write');
  t.is(await other.tryLock('given up', { mode: 'read' }), null);
  await lock.release();
});

test('L7: of two readers that both convert, the second is told that it cannot be', async (t) => {
  const first = await kv.lock('both', { mode: 'read' });
  const second = await other.lock('both', { mode: 'read' });
  const converted = first.convert('exclusive');
  await kv.get('both');
  await t.throwsAsync(second.convert('exclusive'), { code: 'KV_DEADLOCK' });
  t.true(second.held, 'it reads on');
  await second.release();
  await converted;
  await first.release();
});

test('L7: a lock that is let go of while it is being converted is free', async (t) => {
  const lock = await kv.lock('let go', { mode: 'read' });
  const reader = await other.lock('let go', { mode: 'read' });
  const converted = lock.convert('exclusive');
  await kv.get('let go');
  await lock.release({ confirm: true });
  await t.throwsAsync(converted, { code: 'KV_ABORTED' });
  await reader.release();
  const next = await other.tryLock('let go');
  t.truthy(next);
  await next?.release();
});

test('L7: between concurrent write and read a lock goes through concurrent read', async (t) => {
  const lock = await kv.lock('sideways', { mode: 'concurrent-write' });
  const writer = await other.lock('sideways', { mode: 'concurrent-write' });
  await t.throwsAsync(lock.convert('read', { waitMs: 20 }), { code: 'KV_LOCK_BUSY' });
  t.is(lock.mode, 'concurrent-read');
  await writer.release();
  await lock.convert('read');
  t.is(lock.mode, 'protected-read');
  await lock.release();
});

test('L7: a holder hears that somebody wants its lock, and how', async (t) => {
  const lock = await kv.lock('wanted', { mode: 'read' });
  const heard = new Promise<string>((resolve) => {
    lock.on('wanted', ({ key, mode }) => resolve(`${String(key)} ${mode}`));
  });
  const patience = new AbortController();
  const waiting = other.lock('wanted', { mode: 'protected-write', signal: patience.signal });
  t.is(await heard, 'wanted protected-write');
  const again = new Promise<string>((resolve) => {
    lock.on('wanted', ({ mode }) => resolve(mode));
  });
  const second = other.lock('wanted');
  t.is(await again, 'exclusive');
  await lock.release();
  await (await waiting).release();
  await (await second).release();
});

test('L7: who begins to listen while somebody waits hears of it', async (t) => {
  const lock = await kv.lock('wanted before');
  const waiting = other.lock('wanted before');
  await other.get('wanted before');
  const mode = await new Promise<string>((resolve) => {
    lock.on('wanted', (wanted) => resolve(wanted.mode));
  });
  t.is(mode, 'exclusive');
  await lock.release();
  await (await waiting).release();
});

test('L7: of two grants of one session under one token the one that stands in the way hears of it', async (t) => {
  const writer = await other.lock('batch wanted');
  const waiting = (['read', 'concurrent-read'] as const).map((mode) => kv.lock('batch wanted', { mode }));
  await kv.get('batch wanted');
  await writer.release();
  const locks = await Promise.all(waiting);
  t.is(locks[0]?.token, locks[1]?.token, 'granted in one step');
  const heard: string[] = [];
  const heardFirst = new Promise<void>((resolve) => {
    for (const lock of locks) {
      lock.on('wanted', ({ mode }) => {
        heard.push(`${lock.mode} ${mode}`);
        if (mode === 'exclusive') resolve();
      });
    }
  });
  const patience = new AbortController();
  const asking = (['protected-write', 'exclusive'] as const).map((mode) =>
    other.lock('batch wanted', { mode, signal: patience.signal }),
  );
  await heardFirst;
  await kv.get('batch wanted');
  t.deepEqual(heard.toSorted(), [
    'concurrent-read exclusive',
    'protected-read exclusive',
    'protected-read protected-write',
  ]);
  patience.abort();
  for (const wait of asking) await t.throwsAsync(wait, { code: 'KV_ABORTED' });
  for (const lock of locks) await lock.release();
});

test('L7: two grants of one session under one token are let go of one by one', async (t) => {
  const writer = await other.lock('batch');
  const waiting = [kv.lock('batch', { mode: 'read' }), kv.lock('batch', { mode: 'concurrent-read' })];
  await kv.get('batch');
  await writer.release();
  const [read, concurrent] = await Promise.all(waiting);
  t.is(read?.token, concurrent?.token, 'granted in one step');
  await read?.release({ confirm: true });
  const next = await other.tryLock('batch', { mode: 'protected-write' });
  t.truthy(next, 'beside the one that is left');
  await concurrent?.release({ confirm: true });
  await next?.convert('exclusive');
  await next?.release();
});

test('bad input is told by name', async (t) => {
  const lock = await kv.lock('bad input');
  await t.throwsAsync(lock.convert('shared' as never), { code: 'KV_USAGE', message: /'shared'.*protected-read/ });
  await t.throwsAsync(kv.lock('bad input', { mode: 'toString' as never }), { code: 'KV_USAGE' });
  for (const leaseMs of [0, -1, 99, 60_001, 31_536_000_000, 1.5])
    await t.throwsAsync(kv.lock('bad input', { leaseMs }), { code: 'KV_USAGE', message: /leaseMs/ });
  await t.throwsAsync(kv.lock('bad input', { delayMs: -1 }), { code: 'KV_USAGE', message: /delayMs/ });
  await t.throwsAsync(kv.lock('bad input', { label: 'é'.repeat(128) }), { code: 'KV_USAGE', message: /label/ });
  t.throws(() => lock.on('found' as never, () => undefined), { code: 'KV_USAGE' });
  t.throws(() => lock.extend(), { code: 'KV_USAGE', message: /renew: false/ });
  await lock.release();
  await t.throwsAsync(lock.convert('read'), { code: 'KV_NOT_HELD' });
});
