/** L14: a client whose lock is broken, and what operators learn and do through `client.admin()`. */
import test, { type ExecutionContext } from 'ava';
import { codes } from '../../src/errors.ts';
import { type Client, connect, KeyvalError, type LockLoss, type NodeOptions } from '../../src/index.ts';
import * as op from '../../src/protocol/opcode.ts';
import { number } from '../../tools/fuzz/world/frames.ts';
import { readyNode } from '../helpers/node.ts';
import { A, type Asked, ATTACHMENT, ClientWorld, NOTHING_THERE } from './support/world.ts';

async function pair(t: ExecutionContext, options: NodeOptions = {}): Promise<{ holder: Client; other: Client }> {
  const node = await readyNode(t, options);
  const holder = await connect([node.address], { name: 'holder:1' });
  const other = await connect([node.address], { name: 'other:2' });
  t.teardown(() => Promise.all([holder.close(), other.close()]));
  return { holder, other };
}

async function codeOf(act: () => Promise<unknown>): Promise<string> {
  try {
    await act();
    return 'nothing';
  } catch (error) {
    return error instanceof KeyvalError ? error.code : String(error);
  }
}

test('who holds a lock, who waits, and what they call it', async (t) => {
  const { holder, other } = await pair(t);
  await using held = await holder.lock('job', { label: 'nightly', delayMs: 5000 });
  const waiting = other.lock('job', { mode: 'read', label: 'me, too' });
  const admin = holder.admin();
  while ((await admin.waitedLocks()).locks.length === 0);
  const { lock, losses } = await admin.lock('job');
  t.deepEqual(losses, []);
  const [one] = lock?.holders ?? [];
  t.like(one, {
    name: 'holder:1',
    mode: 'exclusive',
    token: held.token,
    label: 'nightly',
    delayMs: 5000,
    leaseMs: 10_000,
  });
  t.regex(one?.from ?? '', /^127\.0\.0\.1:\d+$/);
  t.true((one?.leaseLeftMs ?? 0) > 5000);
  t.is(one?.abandonedForMs, null);
  t.like(lock?.waiters[0], { name: 'other:2', mode: 'protected-read', label: 'me, too', holds: null });
  const list = await admin.locks();
  t.like(list, { matching: 1, truncated: false, silentPartitions: 0, errors: [] });
  t.like(list.locks[0], { key: 'job', waiterCount: 1, holderCount: 1 });
  t.deepEqual((await admin.locks({ prefix: 'x' })).locks, []);
  t.is(await codeOf(() => admin.locks({ limit: 0 })), 'KV_USAGE');
  await held.release();
  await (await waiting).release();
});

test('a broken lock is lost at once, with its cause; the next in line has it; writes under it are refused', async (t) => {
  const { holder, other } = await pair(t);
  const held = await holder.lock('job', { label: 'nightly' });
  const next = other.lock('job');
  const admin = other.admin();
  while ((await admin.waitedLocks()).locks.length === 0);
  const told = new Promise<LockLoss>((resolve) => held.on('lost', resolve));
  const { broken, lock } = await admin.breakLock('job');
  t.deepEqual(
    broken.map(({ name, token, cause, by, label }) => [name, token, cause, by, label]),
    [['holder:1', held.token, 'broken', 'other:2', 'nightly']],
  );
  const loss = await told;
  t.like(loss, { key: 'job', token: held.token, cause: 'broken' });
  t.is(held.signal.reason, loss.error);
  t.is(await codeOf(() => held.put('x')), 'KV_LOCK_LOST');
  t.is(await codeOf(() => holder.put('job', 'x', { fence: { key: 'job', token: held.token } })), 'KV_FENCED');
  const taken = await next;
  t.is(lock?.holders[0]?.token, taken.token);
  t.is((await admin.lock('job')).losses[0]?.cause, 'broken');
  // The same token again: as after an answer that was lost.
  t.is((await admin.breakLock('job', { token: held.token })).broken.length, 1);
  t.true(taken.held);
  await taken.release();
});

test('nobody holds it, nobody under that token', async (t) => {
  const { holder } = await pair(t);
  const admin = holder.admin();
  t.is(await codeOf(() => admin.breakLock('free')), 'KV_NOT_FOUND');
  t.is(await codeOf(() => admin.breakLock('free', { token: 7n })), 'KV_NOT_HELD');
  t.is(await codeOf(() => admin.lock('')), 'KV_BAD_KEY');
});

test('only one of several holders', async (t) => {
  const { holder, other } = await pair(t);
  const first = await holder.lock('shared', { mode: 'read' });
  const second = await other.lock('shared', { mode: 'read' });
  const lost = new Promise((resolve) => second.on('lost', resolve));
  await holder.admin().breakLock('shared', { token: second.token });
  await lost;
  t.true(first.held);
  t.is((await holder.admin().lock('shared')).lock?.holderCount, 1);
  await first.release();
});

test('a session closed while it held a lock, and a lease that ran out at the client, are losses', async (t) => {
  const { holder, other } = await pair(t);
  await holder.lock('closed');
  await other.lock('not renewed', { renew: false, leaseMs: 1000 });
  await holder.close();
  const admin = other.admin();
  let { losses } = await admin.lock('not renewed');
  while (losses.length === 0) ({ losses } = await admin.lock('not renewed'));
  t.is(losses[0]?.cause, 'given-back');
  const closed = await admin.lock('closed');
  t.like(closed.losses[0], { cause: 'closed', name: 'holder:1', mode: 'exclusive', by: '' });
  t.is(closed.lock, null);
  t.true(closed.lossesKnownMs > 0);
});

const NOT_HELD = 24;

/** Of a client world whose locks lie in partition 0, at A: what it asks there, a WANT that only asks. */
function isAsked(t: ExecutionContext, world: ClientWorld, sequence: number): Asked {
  const asked = world.end(A).only();
  t.is(asked.opcode, 'WANT');
  t.is(asked.body.readUIntBE(21, 6), 1, 'only asked for');
  t.is(asked.body.readInt32BE(asked.body.length - 4), sequence);
  return asked;
}

test('a LOST makes the client ask for each of its locks there, and lose what is not held any more', async (t) => {
  const world = await ClientWorld.connected({ version: 1, primaries: [0] }, { leaseMs: 3000 });
  await world.attach(A, 'job');
  const taking = world.client.lock('job');
  await world.rest();
  const token = ATTACHMENT + 5n;
  await world.end(A).say(op.LKDK, world.end(A).only().messageId, number(8, token), NOTHING_THERE);
  const held = await taking;
  const told: string[] = [];
  held.on('lost', ({ cause }) => told.push(cause));
  const push = (partition: number, cause: number): Promise<void> =>
    world.end(A).say(op.LOST, 0, number(2, partition), number(8, token), number(1, cause));
  await push(1, 1);
  await push(0, 9);
  await world.end(A).say(op.LOST, 0, number(2, 0));
  await world.pass(1);
  t.deepEqual(world.end(A).asked(), [], 'nothing that is meant for it');
  await push(0, 1);
  await world.pass(1);
  await world.end(A).done(isAsked(t, world, 2), token);
  t.true(held.held, 'it was another one');
  await push(0, 1);
  await world.pass(1);
  await world.end(A).fail(isAsked(t, world, 2), NOT_HELD);
  t.deepEqual(told, ['broken']);
  t.false(held.held);
});

test('a connection that was made anew: what was told over the former one is asked for', async (t) => {
  const world = await ClientWorld.connected({ version: 1, primaries: [0] }, { leaseMs: 60_000 });
  await world.attach(A, 'job');
  const taking = world.client.lock('job');
  await world.rest();
  await world.end(A).say(op.LKDK, world.end(A).only().messageId, number(8, ATTACHMENT + 5n), NOTHING_THERE);
  const held = await taking;
  await world.end(A).break();
  await world.pass(2000);
  await world.end(A).welcome({ version: 1, primaries: [0] });
  await world.pass(1);
  const wants = world
    .end(A)
    .asked()
    .filter(({ opcode }) => opcode === 'WANT');
  t.is(wants.length, 1);
  await world.end(A).fail(wants[0] as Asked, NOT_HELD);
  t.false(held.held);
  t.is((held.signal.reason as KeyvalError).code, 'KV_LOCK_LOST');
});

test('taken away in the moment of the grant', async (t) => {
  const world = await ClientWorld.connected({ version: 1, primaries: [0] });
  await world.attach(A, 'job');
  const taking = world.client.lock('job');
  await world.rest();
  const token = ATTACHMENT + 5n;
  const lckk = world.end(A).only();
  await world.end(A).say(op.LOST, 0, number(2, 0), number(8, token), number(1, 1));
  await world.end(A).say(op.LKDK, lckk.messageId, number(8, token), NOTHING_THERE);
  const held = await taking;
  await world.pass(1);
  await world.end(A).fail(isAsked(t, world, 2), NOT_HELD);
  t.false(held.held);
});

test('taken away while a value is stored with its release, which then cannot be done', async (t) => {
  const token = ATTACHMENT + 5n;
  for (const isToldFirst of [true, false]) {
    const world = await ClientWorld.connected({ version: 1, primaries: [0] });
    await world.attach(A, 'job');
    const taking = world.client.lock('job');
    await world.rest();
    await world.end(A).say(op.LKDK, world.end(A).only().messageId, number(8, token), NOTHING_THERE);
    const held = await taking;
    const lost = (): Promise<void> => world.end(A).say(op.LOST, 0, number(2, 0), number(8, token), number(1, 1));
    if (isToldFirst) await lost();
    await world.pass(1);
    const want = isToldFirst ? isAsked(t, world, 2) : null;
    const storing = t.throwsAsync(held.release({ value: 'v' }), { code: 'KV_OUT_OF_MEMORY' });
    await world.rest();
    const store = world.end(A).only();
    if (want !== null) await world.end(A).fail(want, NOT_HELD);
    else await lost();
    await world.end(A).fail(store, codes.KV_OUT_OF_MEMORY.wire);
    await storing;
    await world.pass(1);
    await world.end(A).fail(isAsked(t, world, 2), NOT_HELD);
    t.false(held.held);
  }
});

test('taken away while it is being converted', async (t) => {
  const { holder, other } = await pair(t);
  const lock = await holder.lock('converted', { mode: 'read' });
  const reader = await other.lock('converted', { mode: 'read' });
  const lost = new Promise<string>((resolve) => {
    lock.on('lost', ({ cause }) => resolve(cause));
  });
  const converted = codeOf(() => lock.convert('exclusive'));
  await other.admin().breakLock('converted', { token: lock.token });
  t.not(await converted, 'nothing');
  t.is(await lost, 'broken');
  t.false(lock.held);
  await reader.release();
});
