/** A client that is being closed: what it holds is let go of before others can have it, and nothing is taken any more. */
import { getEventListeners } from 'node:events';
import test from 'ava';
import type { Lock } from '../../src/client/lock.ts';
import * as op from '../../src/protocol/opcode.ts';
import { number } from '../../tools/fuzz/world/frames.ts';
import { A, ATTACHMENT, ClientWorld, NOTHING_THERE } from './support/world.ts';

async function connected(): Promise<ClientWorld> {
  const world = await ClientWorld.connected({ version: 1, primaries: [0] });
  await world.attach(A, 'key');
  return world;
}

function opcodes(world: ClientWorld): string[] {
  return world
    .end(A)
    .asked()
    .map(({ opcode }) => opcode);
}

async function closed(world: ClientWorld, closing: Promise<void>): Promise<void> {
  for (let passed = 0; passed < 3000; passed += 50) await world.pass(50);
  await closing;
}

test('L4: a lock is held no longer than until the good-bye leaves, however late its answer comes', async (t) => {
  const world = await connected();
  const taking = world.client.lock('key');
  await world.rest();
  await world.end(A).say(op.LKDK, world.end(A).only().messageId, number(8, ATTACHMENT + 5n), NOTHING_THERE);
  const lock: Lock = await taking;
  const closing = world.client.close();
  await world.rest();
  t.deepEqual(opcodes(world), ['CLOS']);
  t.false(lock.held, 'the node has given it to the next in line perhaps');
  t.true(lock.signal.aborted);
  t.throws(() => lock.assertHeld(), { code: 'KV_LOCK_LOST', message: /the client was closed/ });
  await closed(world, closing);
});

test('L3: nobody takes a lock when the good-bye is under way: its session would outlive the client', async (t) => {
  const world = await connected();
  const waiting = t.throwsAsync(world.client.lock('key'), { code: 'KV_CLOSED' });
  await world.rest();
  t.deepEqual(opcodes(world), ['LCKK']);
  const closing = world.client.close();
  const late = t.throwsAsync(
    waiting.then(() => world.client.lock('key')),
    { code: 'KV_CLOSED' },
  );
  await world.rest();
  t.deepEqual(opcodes(world), ['CNCL', 'CLOS']);
  await late;
  await closed(world, closing);
});

test('L3: what is granted in the moment of the close goes with the session', async (t) => {
  const world = await connected();
  const taking = t.throwsAsync(world.client.lock('key'), { code: 'KV_CLOSED' });
  await world.rest();
  const { messageId } = world.end(A).only();
  const granting = world.end(A).say(op.LKDK, messageId, number(8, ATTACHMENT + 5n), NOTHING_THERE);
  const closing = world.client.close();
  await granting;
  await taking;
  t.deepEqual(opcodes(world), ['CLOS']);
  await closed(world, closing);
});

test('what a closed client refuses leaves no listener at the signal of its caller', async (t) => {
  const world = await connected();
  await closed(world, world.client.close());
  const { signal } = new AbortController();
  const { client } = world;
  for (const ask of [client.get('key', { signal }), client.put('key', 'v', { signal }), client.lock('key', { signal })])
    await t.throwsAsync(ask, { code: 'KV_CLOSED' });
  t.is(getEventListeners(signal, 'abort').length, 0);
});
