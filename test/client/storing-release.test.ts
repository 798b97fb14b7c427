/** L8 where things go wrong: a store in doubt, values that have to be asked for, handles that are being released. */
import test from 'ava';
import type { Lock } from '../../src/client/lock.ts';
import { codes } from '../../src/errors.ts';
import { ReadsFlag } from '../../src/protocol/client-codec.ts';
import * as op from '../../src/protocol/opcode.ts';
import { number } from '../../tools/fuzz/world/frames.ts';
import { A, ATTACHMENT, ClientWorld, NOTHING_THERE } from './support/world.ts';

const table = { version: 1, primaries: [0] };
const TOKEN = ATTACHMENT + 5n;
/** Behind the token: there is a value, to be asked for. */
const APART = new Uint8Array([8]);
const FLAGS_AT = 20;
const STORE = 16;

async function asking(world: ClientWorld, content: Uint8Array, key = 'key'): Promise<Promise<Lock>> {
  await world.attach(A, key);
  const lock = world.client.lock(key);
  await world.rest();
  await world.end(A).say(op.LKDK, world.end(A).only().messageId, number(8, TOKEN), content);
  return lock;
}

async function holder(options = {}): Promise<{ world: ClientWorld; lock: Lock }> {
  const world = await ClientWorld.connected(table, options);
  return { world, lock: await asking(world, NOTHING_THERE) };
}

test('L8: a client that is content with old values still asks for the present one of its lock', async (t) => {
  const world = await ClientWorld.connected(table, { reads: 'stale' });
  await world.attach(A, 'key');
  const taking = world.client.lock('key');
  await world.rest();
  await world.end(A).say(op.LKDK, world.end(A).only().messageId, number(8, TOKEN), APART);
  const asked = world.end(A).only();
  t.is(asked.opcode, 'GETK');
  t.is((asked.body[4] as number) & ReadsFlag.mask, ReadsFlag.strict);
  await world.end(A).say(op.GOTK, asked.messageId, 1, number(8, 9n), number(6, 0), 'v2');
  const lock = await taking;
  t.is(lock.value, 'v2');
  t.is(lock.revision, 9n);
  const reading = lock.get();
  await world.rest();
  const read = world.end(A).only();
  t.is((read.body[4] as number) & ReadsFlag.mask, ReadsFlag.strict);
  await world.end(A).say(op.GOTK, read.messageId, 0, new Uint8Array(14));
  t.is(await reading, null);
});

test('L8: a lock whose value cannot be had is given back', async (t) => {
  const world = await ClientWorld.connected(table);
  await world.attach(A, 'key');
  const stop = new AbortController();
  const taking = t.throwsAsync(world.client.lock('key', { signal: stop.signal }), { code: 'KV_ABORTED' });
  await world.rest();
  await world.end(A).say(op.LKDK, world.end(A).only().messageId, number(8, TOKEN), APART);
  t.is(world.end(A).only().opcode, 'GETK');
  stop.abort();
  await world.rest();
  await taking;
  const released = world.end(A).only();
  t.is(released.opcode, 'ULKK');
  t.is(released.body.readBigUInt64BE(27), TOKEN);
});

test('L8, R24: after a store in doubt the lock is given back, so that nobody waits for it for ever', async (t) => {
  const { world, lock } = await holder();
  const storing = t.throwsAsync(lock.release({ value: 'v' }), { code: 'KV_AMBIGUOUS' });
  await world.rest();
  t.is((world.end(A).only().body[FLAGS_AT] as number) & STORE, STORE);
  await world.end(A).break();
  await world.pass(200);
  await world.end(A).welcome(table);
  const again = world
    .end(A)
    .asked()
    .find(({ opcode }) => opcode === 'ULKK');
  if (again === undefined) return t.fail('the release was not repeated');
  await world.end(A).fail(again, codes.KV_OUT_OF_MEMORY.wire);
  await storing;
  t.false(lock.held);
  await world.rest();
  const given = world
    .end(A)
    .asked()
    .find(({ opcode }) => opcode === 'ULKK');
  t.is(given?.body[FLAGS_AT], 0, 'a plain release');
  t.is(given?.body.readBigUInt64BE(27), TOKEN);
});

test('L8, R24: so it is when a store was not answered in time, and refused later', async (t) => {
  const { world, lock } = await holder({ leaseMs: 1000, timeoutMs: 3000 });
  const storing = t.throwsAsync(lock.release({ value: 'v' }), { code: 'KV_AMBIGUOUS' });
  await world.rest();
  const store = world.end(A).only();
  for (let passed = 0; passed < 3100; passed += 100) {
    await world.pass(100);
    for (const asked of world.end(A).asked()) if (asked.opcode === 'KEEP') await world.end(A).kept(asked, [0], []);
  }
  await storing;
  await world.end(A).fail(store, codes.KV_OUT_OF_MEMORY.wire);
  await world.rest();
  t.deepEqual(
    world
      .end(A)
      .asked()
      .filter(({ opcode }) => opcode === 'ULKK')
      .map(({ body }) => body[FLAGS_AT]),
    [0],
  );
});

test('L8: while it is being released a lock says so', async (t) => {
  const { world, lock } = await holder();
  const storing = lock.release({ value: 'v' });
  await world.rest();
  const store = world.end(A).only();
  for (const use of [async () => lock.assertHeld(), () => lock.put('w'), () => lock.get(), () => lock.release()])
    await t.throwsAsync(use(), { code: 'KV_NOT_HELD' });
  await world.end(A).fail(store, codes.KV_OUT_OF_MEMORY.wire);
  await t.throwsAsync(storing, { code: 'KV_OUT_OF_MEMORY' });
  t.true(lock.held, 'it could not be stored');
  const again = lock.release({ value: 'v' });
  await world.rest();
  await world.end(A).done(world.end(A).only(), 99n);
  await again;
  await t.throwsAsync(async () => lock.assertHeld(), { code: 'KV_NOT_HELD', message: /was released before/ });
});

test('L8: what is left while it is being released, and then cannot be stored, is let go of', async (t) => {
  const { world, lock } = await holder();
  const leaving = t.throwsAsync(
    async () => {
      await using left = lock;
      await Promise.all([left.release({ value: 'v' }), Promise.reject(new Error('something else'))]);
    },
    { message: 'something else' },
  );
  await world.rest();
  await world.end(A).fail(world.end(A).only(), codes.KV_OUT_OF_MEMORY.wire);
  await leaving;
  t.false(lock.held);
  await world.rest();
  const released = world.end(A).only();
  t.is(released.opcode, 'ULKK');
  t.is(released.body[FLAGS_AT], 0, 'a plain release');
});

test('L8: no value is no store', async (t) => {
  const { lock } = await holder();
  await t.throwsAsync(lock.release({ value: undefined } as never), { code: 'KV_USAGE' });
  t.true(lock.held);
});

test('withLock: a body may release its lock itself; only a loss is an error', async (t) => {
  const { world } = await holder();
  const inside = world.client.withLock('other', async (lock) => {
    await lock.release({ value: '1' });
    return 'stored';
  });
  await world.rest();
  await world.end(A).say(op.LKDK, world.end(A).only().messageId, number(8, TOKEN + 1n), NOTHING_THERE);
  await world.end(A).done(world.end(A).only(), 99n);
  t.is(await inside, 'stored');
});

test('L11: the wait for the others ends when one that is held already is lost', async (t) => {
  const world = await ClientWorld.connected(table, { leaseMs: 1000 });
  await world.attach(A, 'key');
  const taking = t.throwsAsync(world.client.lock(['key', 'other']), { code: 'KV_LOCK_LOST' });
  await world.rest();
  await world.end(A).say(op.LKDK, world.end(A).only().messageId, number(8, TOKEN), NOTHING_THERE);
  await world.end(A).say(op.WAIT, world.end(A).only().messageId);
  await world.pass(1100);
  await taking;
});
