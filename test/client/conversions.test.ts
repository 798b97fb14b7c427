/** L7: what a client believes to hold while another mode of its lock is on its way. */
import test from 'ava';
import type { Lock } from '../../src/client/lock.ts';
import { codes, type KeyvalError } from '../../src/errors.ts';
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

/** The client believes that it only reads; A has not answered yet. Gives what A was asked. */
async function inDoubt(world: ClientWorld, lock: Lock): Promise<Asked> {
  const converting = codeOf(lock.convert('read'));
  await world.rest();
  const asked = only(world);
  await pass(world, TIMEOUT_MS + 100);
  if ((await converting) !== 'KV_AMBIGUOUS') throw new Error('it is known what became of it');
  return asked;
}

async function codeOf(converting: Promise<void>): Promise<string> {
  try {
    await converting;
    return 'done';
  } catch (error) {
    return (error as KeyvalError).code;
  }
}

/** The client reads, and A knows. */
async function reader(options = {}): Promise<{ world: ClientWorld; lock: Lock }> {
  const { world, lock } = await holder(options);
  await Promise.all([lock.convert('read'), world.rest().then(() => granted(world, TOKEN))]);
  return { world, lock };
}

/** A asked to be A again, after its connection broke. Gives what it is asked then. */
async function comesBack(world: ClientWorld): Promise<Asked[]> {
  await world.end(A).break();
  await world.pass(2000);
  await world.end(A).welcome({ version: 1, primaries: [0] });
  const asked = world.end(A).asked();
  for (const one of asked) if (one.opcode === 'KEEP') await world.end(A).kept(one, [0], []);
  return asked.filter(({ opcode }) => opcode !== 'WANT' && opcode !== 'KEEP');
}

/** Of a release that names its grant. */
function releasedGrant({ body }: Asked): number {
  return body.readInt32BE(body.length - 4);
}

test('downward takes effect when it is asked for: others may come in before the answer is here', async (t) => {
  const { world, lock } = await holder();
  const converting = lock.convert('read');
  t.is(lock.mode, 'protected-read');
  await world.rest();
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

test('downward of which nobody knows what became of it is asked until it is answered, and others may be in', async (t) => {
  const { world, lock } = await holder({ leaseMs: 20_000 });
  const asked = await inDoubt(world, lock);
  t.is(lock.mode, 'protected-read');
  const [again, ...others] = await comesBack(world);
  t.deepEqual(others, []);
  t.is(again?.opcode, 'LCKK');
  t.is(writeIn(again as Asked).sequence, writeIn(asked).sequence, 'it is the same one');
  t.is(writeIn(again as Asked).mark, writeIn(asked).sequence, 'whose answer is waited for');
  await world.end(A).say(op.LKDK, (again as Asked).messageId, number(8, TOKEN), NOTHING_THERE);
  t.is(lock.mode, 'protected-read');
  t.deepEqual(await comesBack(world), []);
});

test('downward that was aborted is asked until it is answered, too', async (t) => {
  const { world, lock } = await holder({ leaseMs: 20_000 });
  const stop = new AbortController();
  const converting = codeOf(lock.convert('null', { signal: stop.signal }));
  await world.rest();
  stop.abort();
  t.is(await converting, 'KV_ABORTED');
  t.is(lock.mode, 'null');
  world.end(A).asked();
  t.deepEqual(
    (await comesBack(world)).map(({ opcode }) => opcode),
    ['LCKK'],
  );
});

test('downward in doubt that the node refuses in the end: it has kept the former mode, and so does the client', async (t) => {
  const { world, lock } = await holder();
  await world.end(A).fail(await inDoubt(world, lock), codes.KV_LOCK_BUSY.wire);
  t.is(lock.mode, 'exclusive');
  t.true(lock.held);
});

test('no other conversion is asked for before the one in doubt is answered', async (t) => {
  const { world, lock } = await holder();
  const asked = await inDoubt(world, lock);
  const stop = new AbortController();
  const aborted = codeOf(lock.convert('null', { signal: stop.signal }));
  stop.abort();
  t.is(await aborted, 'KV_ABORTED');
  const late = codeOf(lock.convert('protected-write'));
  t.deepEqual(await pass(world, TIMEOUT_MS), []);
  t.is(await late, 'KV_DEADLINE');
  t.is(lock.mode, 'protected-read', 'as it was');
  const same = codeOf(lock.convert('read'));
  await world.rest();
  t.deepEqual(await pass(world, 100), [], 'the node has not said that it has that mode');
  await world.end(A).say(op.LKDK, asked.messageId, number(8, TOKEN), NOTHING_THERE);
  t.is(await same, 'done');
  const next = codeOf(lock.convert('null'));
  await world.rest();
  await granted(world, TOKEN);
  t.is(await next, 'done');
  t.is(lock.mode, 'null');
});

test('a lock that is let go of while a conversion waits for the one in doubt', async (t) => {
  const { world, lock } = await holder();
  const asked = await inDoubt(world, lock);
  const waiting = codeOf(lock.convert('protected-write'));
  await lock.release();
  await world.rest();
  t.is(only(world).opcode, 'ULKK', 'it waits for nothing');
  await world.end(A).fail(asked, codes.KV_NOT_HELD.wire);
  t.is(await waiting, 'KV_ABORTED');
  t.deepEqual(world.end(A).asked(), []);
});

test('what is lost is converted no longer', async (t) => {
  const { world, lock } = await holder({ leaseMs: 2000 });
  const converting = codeOf(lock.convert('read'));
  await world.pass(2000);
  t.is(await converting, 'KV_LOCK_LOST');
  t.false(lock.held);
  t.false((await comesBack(world)).some(({ opcode }) => opcode === 'LCKK'));
});

test('a grant is known by its request; one that the node has converted downward is the same as before', async (t) => {
  const { world, lock } = await holder();
  const failed = codeOf(lock.convert('read'));
  await world.rest();
  await world.end(A).fail(only(world), codes.KV_INTERNAL.wire);
  t.is(await failed, 'KV_INTERNAL');
  t.is(lock.mode, 'protected-read');
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
  t.is(releasedGrant(released), writeIn(asked).sequence - 2, 'the one before the one that failed');
});

test('upward that is given up ends at once: the lock is held as before, and the node hears of it until it answers', async (t) => {
  const { world, lock } = await reader({ leaseMs: 20_000 });
  const stop = new AbortController();
  const converting = codeOf(lock.convert('exclusive', { signal: stop.signal }));
  await world.rest();
  const { messageId } = only(world);
  stop.abort();
  t.is(await converting, 'KV_ABORTED');
  await world.end(A).say(op.LKDK, messageId, number(8, TOKEN + 1n), NOTHING_THERE);
  t.deepEqual([lock.mode, lock.token, lock.held], ['protected-read', TOKEN, true]);
  t.is(only(world).opcode, 'CNCL');
  const [cancel, ...others] = await comesBack(world);
  t.deepEqual(others, []);
  t.is(cancel?.opcode, 'CNCL');
  const next = codeOf(lock.convert('protected-write'));
  t.deepEqual(await pass(world, 500), [], 'under which token is it held?');
  await world.end(A).done(cancel as Asked, TOKEN);
  const asked = world.end(A).asked();
  t.deepEqual(
    asked.map(({ opcode }) => opcode),
    ['WANT', 'LCKK'],
    'whether it is held at all is asked, too',
  );
  t.is(asked[1]?.body.readBigUInt64BE(27), TOKEN);
  await world.end(A).say(op.LKDK, (asked[1] as Asked).messageId, number(8, TOKEN + 3n), NOTHING_THERE);
  t.is(await next, 'done');
  t.deepEqual([lock.mode, lock.token], ['protected-write', TOKEN + 3n]);
});

test('upward that is not answered in time ends then, whatever the node says to that', async (t) => {
  const { world, lock } = await reader();
  const converting = codeOf(lock.convert('exclusive', { waitMs: 0 }));
  await world.rest();
  only(world);
  const asked = await pass(world, TIMEOUT_MS + 100);
  t.is(await converting, 'KV_AMBIGUOUS');
  t.deepEqual(
    asked.map(({ opcode }) => opcode),
    ['CNCL'],
  );
  t.deepEqual([lock.mode, lock.token, lock.held], ['protected-read', TOKEN, true]);
});

test('upward whose lease runs out ends then', async (t) => {
  const { world, lock } = await reader({ leaseMs: 2000 });
  const converting = codeOf(lock.convert('exclusive'));
  await world.rest();
  await world.end(A).say(op.WAIT, only(world).messageId);
  await world.pass(2000);
  t.is(await converting, 'KV_LOCK_LOST');
});

test('who listens is heard anew when the node has done with what was given up', async (t) => {
  const { world, lock } = await reader();
  lock.on('wanted', () => undefined);
  const stop = new AbortController();
  const converting = codeOf(lock.convert('exclusive', { signal: stop.signal }));
  await world.rest();
  stop.abort();
  await converting;
  await world.rest();
  const cancel = world.end(A).asked().at(-1) as Asked;
  t.is(cancel.opcode, 'CNCL');
  await world.end(A).done(cancel, TOKEN);
  t.deepEqual(
    world
      .end(A)
      .asked()
      .map(({ opcode, body }) => [opcode, body.readUIntBE(21, 6)]),
    [
      ['WANT', 0],
      ['WANT', 1],
    ],
  );
});

test('a value that is stored with the release ends the conversion under way, also when it cannot be stored', async (t) => {
  const { world, lock } = await holder();
  await Promise.all([lock.convert('protected-write'), world.rest().then(() => granted(world, TOKEN))]);
  const converting = codeOf(lock.convert('exclusive'));
  await world.rest();
  await world.end(A).say(op.WAIT, only(world).messageId);
  const releasing = codeOf(lock.release({ value: 'x' }));
  await world.rest();
  await world.end(A).done(only(world), TOKEN);
  await world.end(A).fail(only(world), codes.KV_OUT_OF_MEMORY.wire);
  t.is(await releasing, 'KV_OUT_OF_MEMORY');
  t.is(await converting, 'KV_ABORTED');
  t.deepEqual([lock.mode, lock.held], ['protected-write', true]);
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

test('L6: sideways, what was let go of on the way down is asked for no more on the way up', async (t) => {
  const { world, lock } = await reader();
  const converting = codeOf(lock.convert('concurrent-write'));
  await world.rest();
  const down = only(world);
  await lock.release();
  await world.rest();
  const release = only(world);
  t.deepEqual([down.opcode, release.opcode], ['LCKK', 'ULKK']);
  await world.end(A).fail(release, codes.KV_OVERLOADED.wire); // it comes again, and perhaps behind a grant
  await world.end(A).say(op.LKDK, down.messageId, number(8, TOKEN), NOTHING_THERE);
  t.is(await converting, 'KV_ABORTED');
  t.deepEqual(
    (await pass(world, 1000)).map(({ opcode }) => opcode),
    ['ULKK'],
  );
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
