/** L7: what a client believes to hold while another mode of its lock is on its way. */
import test from 'ava';
import type { Lock } from '../../src/client/lock.ts';
import { codes } from '../../src/errors.ts';
import * as op from '../../src/protocol/opcode.ts';
import { number } from '../../tools/fuzz/world/frames.ts';
import { A, type Asked, ATTACHMENT, ClientWorld, NOTHING_THERE, TIMEOUT_MS, writeIn } from './support/world.ts';

const TOKEN: bigint = ATTACHMENT + 5n;

/** A client that holds a lock in partition 0, whose primary is A. */
async function holder(options = {}): Promise<{ world: ClientWorld; lock: Lock }> {
  const world = await ClientWorld.connected({ version: 1, primaries: [0] }, options);
  await world.attach(A, 'job');
  const taking = world.client.lock('job');
  await world.rest();
  await granted(world, TOKEN);
  return { world, lock: await taking };
}

/** What A was asked since the last look, apart from whether what it has granted is held still. */
function only(world: ClientWorld): Asked {
  const asked = world
    .end(A)
    .asked()
    .filter(({ opcode }) => opcode !== 'WANT');
  if (asked.length !== 1) throw new Error(`${asked.length} requests`);
  return asked[0] as Asked;
}

/** A grants what it was asked for last. */
async function granted(world: ClientWorld, token: bigint, content = NOTHING_THERE): Promise<void> {
  await world.end(A).say(op.LKDK, only(world).messageId, number(8, token), content);
}

/** In an LKDK: there is a value, to be asked for. */
const APART = new Uint8Array([8]);

/** Time passes, and A renews the session. */
async function pass(world: ClientWorld, ms: number): Promise<Asked[]> {
  const asked: Asked[] = [];
  for (let passed = 0; passed < ms; passed += 100) {
    await world.pass(100);
    for (const one of world.end(A).asked())
      if (one.opcode === 'KEEP') await world.end(A).kept(one, [0], []);
      else if (one.opcode !== 'WANT') asked.push(one);
  }
  return asked;
}

/** The client believes that it only reads; A has never heard of it. */
async function inDoubt(world: ClientWorld, lock: Lock): Promise<void> {
  const converting = lock.convert('read').catch((error: { code: string }) => error.code);
  await pass(world, TIMEOUT_MS + 100);
  if ((await converting) !== 'KV_AMBIGUOUS') throw new Error('it is known what became of it');
}

/** Of a release that names its grant. */
function releasedGrant({ body }: Asked): number {
  return body.readInt32BE(body.length - 4);
}

test('downward takes effect when it is asked for: others may come in before the answer is here', async (t) => {
  const { world, lock } = await holder();
  const converting = lock.convert('read');
  await world.rest();
  t.is(lock.mode, 'protected-read');
  await t.throwsAsync(lock.put('x'), { code: 'KV_USAGE' });
  await granted(world, TOKEN);
  await converting;
  t.is(lock.mode, 'protected-read');
  t.is(lock.token, TOKEN);
});

test('upward takes effect when it is granted, with its token', async (t) => {
  const { world, lock } = await holder();
  const down = lock.convert('read');
  await world.rest();
  await granted(world, TOKEN);
  await down;
  const converting = lock.convert('exclusive', { waitMs: 1000 });
  await world.rest();
  t.is(lock.mode, 'protected-read');
  t.is(lock.token, TOKEN);
  await granted(world, TOKEN + 1n);
  await converting;
  t.is(lock.mode, 'exclusive');
  t.is(lock.token, TOKEN + 1n);
});

test('downward that the node has refused: the lock is held as before', async (t) => {
  const { world, lock } = await holder();
  const converting = t.throwsAsync(lock.convert('read'), { code: 'KV_LOCK_BUSY' });
  await world.rest();
  await world.end(A).fail(only(world), codes.KV_LOCK_BUSY.wire);
  await converting;
  t.is(lock.mode, 'exclusive');
});

test('downward of which nobody knows what became of it: others may be in', async (t) => {
  const { world, lock } = await holder();
  await inDoubt(world, lock);
  t.is(lock.mode, 'protected-read');
  const stop = new AbortController();
  const converting = t.throwsAsync(lock.convert('null', { signal: stop.signal }), { code: 'KV_ABORTED' });
  await world.rest();
  stop.abort();
  await converting;
  t.is(lock.mode, 'null');
});

test('a grant is known by its request; one that the node has converted downward is the same as before', async (t) => {
  const { world, lock } = await holder();
  await inDoubt(world, lock);
  const converting = lock.convert('protected-write');
  await world.rest();
  const asked = only(world);
  await world.end(A).say(op.LKDK, asked.messageId, number(8, TOKEN), NOTHING_THERE);
  await converting;
  t.is(lock.mode, 'protected-write');
  await lock.release();
  await world.rest();
  const released = only(world);
  t.is(released.opcode, 'ULKK');
  t.is(releasedGrant(released), writeIn(asked).sequence - 2, 'the one before the one in doubt');
});

test('one conversion at a time, downward too, and a release waits for none such', async (t) => {
  const { world, lock } = await holder();
  const converting = lock.convert('read');
  await world.rest();
  for (const mode of ['read', 'exclusive', 'null'] as const)
    await t.throwsAsync(lock.convert(mode), { code: 'KV_USAGE', message: /is being converted already/ });
  await granted(world, TOKEN);
  await converting;
  const again = lock.convert('null');
  await world.rest();
  const asked = only(world);
  await lock.release();
  await world.rest();
  t.is(only(world).opcode, 'ULKK');
  await world.end(A).say(op.LKDK, asked.messageId, number(8, TOKEN), NOTHING_THERE);
  await again;
});

test('upward whose value cannot be had has taken place all the same', async (t) => {
  const { world, lock } = await holder();
  await Promise.all([lock.convert('read'), world.rest().then(() => granted(world, TOKEN))]);
  const stop = new AbortController();
  const converting = lock.convert('exclusive', { signal: stop.signal });
  await world.rest();
  await granted(world, TOKEN + 1n, APART);
  t.is(only(world).opcode, 'GETK');
  stop.abort();
  await converting;
  t.is(lock.mode, 'exclusive');
  t.is(lock.token, TOKEN + 1n);
});

test('upward whose lock is gone when its value has been read', async (t) => {
  const { world, lock } = await holder();
  await Promise.all([lock.convert('read'), world.rest().then(() => granted(world, TOKEN))]);
  const converting = t.throwsAsync(lock.convert('exclusive'), { code: 'KV_ABORTED', message: /was let go of/ });
  await world.rest();
  await granted(world, TOKEN + 1n, APART);
  const read = only(world);
  await lock.release();
  await world.end(A).say(op.GOTK, read.messageId, 1, number(8, 9n), number(6, 0), 'of another');
  await converting;
});

test('whoever lets go of a lock waits for the end of its conversion for a lease at most; then it is let go of again', async (t) => {
  const leaseMs = 2000;
  const { world, lock } = await holder({ leaseMs });
  await Promise.all([lock.convert('read'), world.rest().then(() => granted(world, TOKEN))]);
  const converting = t.throwsAsync(lock.convert('exclusive'), { code: 'KV_ABORTED' });
  await world.rest();
  await world.end(A).say(op.WAIT, only(world).messageId);
  const releasing = lock.release();
  await world.rest();
  const cancel = only(world);
  t.is(cancel.opcode, 'CNCL');
  t.deepEqual(await pass(world, leaseMs - 100), []);
  const [released] = await pass(world, 100);
  await releasing;
  t.is(released?.opcode, 'ULKK');
  await world.end(A).fail(released as Asked, codes.KV_NOT_HELD.wire); // it has granted the conversion
  await world.end(A).done(cancel, TOKEN);
  await converting;
  const again = only(world);
  t.is(again.opcode, 'ULKK');
  t.is(again.body.readBigUInt64BE(27), TOKEN);
});
