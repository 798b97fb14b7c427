/** L3: the session goes along when primaries change, and its lease is renewed where they are. */
import test from 'ava';
import * as op from '../../src/protocol/opcode.ts';
import { number } from '../../tools/fuzz/world/frames.ts';
import { A, type Asked, ATTACHMENT, B, C, ClientWorld, NONE, NOTHING_THERE } from './support/world.ts';

const primaryA = { version: 1, primaries: [0] };
const primaryB = { version: 2, primaries: [1] };
const LEASE_MS = 3000;

/** A client that holds the lock of `key` in partition 0, whose primary is A. */
async function holder(): Promise<{ world: ClientWorld; lost: () => boolean }> {
  const world = await ClientWorld.connected(primaryA, { leaseMs: LEASE_MS });
  await world.attach(A, 'key');
  const lock = world.client.lock('key');
  await world.rest();
  await world.end(A).say(op.LKDK, world.end(A).only().messageId, number(8, ATTACHMENT + 5n), NOTHING_THERE);
  const { signal } = await lock;
  return { world, lost: () => signal.aborted };
}

/** The only KEEP since the last look. A primary that is found anew is also asked for each lock (WANT). */
function keepAt(world: ClientWorld, endpoint: string): Asked {
  const keeps = world
    .end(endpoint)
    .asked()
    .filter(({ opcode }) => opcode !== 'WANT');
  if (keeps.length !== 1 || keeps[0]?.opcode !== 'KEEP') throw new Error(`${keeps.length} requests, not one KEEP`);
  return keeps[0];
}

test('a new primary hears of the session at once, and the lease counts from then on', async (t) => {
  const { world, lost } = await holder();
  await world.pass(900);
  await world.end(C).push(primaryB);
  const keep = keepAt(world, B);
  t.is(keep.opcode, 'KEEP');
  await world.end(B).kept(keep, [0], []);
  await world.pass(LEASE_MS - 1);
  t.false(lost());
  await world.pass(2);
  t.true(lost(), 'nobody has answered since');
});

test('L4: the lease counts from when it was asked for, however late the answer comes', async (t) => {
  const { world, lost } = await holder();
  await world.end(C).push(primaryB);
  const keep = keepAt(world, B);
  await world.pass(400);
  await world.end(B).kept(keep, [0], []);
  await world.pass(LEASE_MS - 401);
  t.false(lost());
  await world.pass(2);
  t.true(lost());
});

test('L3: what is not answered is asked again a twelfth of the lease later; each answer counts from its own question', async (t) => {
  const { world, lost } = await holder();
  const asked: Asked[] = [];
  for (const ms of [LEASE_MS / 3, LEASE_MS / 12, LEASE_MS / 12]) {
    await world.pass(ms);
    asked.push(keepAt(world, A));
  }
  const [first, second] = asked as [Asked, Asked];
  await world.end(A).kept(second, [0], []);
  await world.end(A).kept(first, [0], []);
  await world.pass(LEASE_MS / 6);
  t.deepEqual(world.end(A).asked(), [], 'a third after the question that was answered');
  await world.pass(LEASE_MS - LEASE_MS / 4 - 1);
  t.false(lost());
  await world.pass(2);
  t.true(lost(), 'nobody has answered since, and the third question has none');
});

test('one that does not serve yet is asked again soon; nothing is lost', async (t) => {
  const { world, lost } = await holder();
  await world.end(C).push(primaryB);
  await world.end(B).kept(keepAt(world, B), [], [0]);
  await world.pass(100);
  const again = keepAt(world, B);
  t.is(again.opcode, 'KEEP');
  t.false(lost());
  await world.pass(300);
  t.deepEqual(world.end(B).asked(), [], 'not while its answer is awaited');
  await world.end(B).kept(again, [0], []);
  await world.pass(300);
  t.deepEqual(world.end(B).asked(), [], 'it has heard of it');
});

test('a session that the primary does not know is lost', async (t) => {
  const { world, lost } = await holder();
  await world.pass(LEASE_MS / 3);
  await world.end(A).kept(keepAt(world, A), [], []);
  t.true(lost());
});

test('a node without the second list says the same', async (t) => {
  const { world, lost } = await holder();
  await world.pass(LEASE_MS / 3);
  await world.end(A).say(op.KEPT, keepAt(world, A).messageId, number(2, 0));
  t.true(lost());
});

test('what a former primary does not name is not lost', async (t) => {
  const { world, lost } = await holder();
  await world.pass(LEASE_MS / 3);
  const asked = keepAt(world, A);
  await world.end(C).push(primaryB);
  await world.end(A).kept(asked, [], []);
  t.false(lost());
});

test('a primary whose connection broke hears of the session when it is back', async (t) => {
  const { world } = await holder();
  await world.end(A).break();
  await world.pass(500);
  await world.end(A).welcome(primaryA);
  t.is(keepAt(world, A).opcode, 'KEEP');
});

test('without a primary nothing is lost before the lease has run out', async (t) => {
  const { world, lost } = await holder();
  await world.end(C).push({ version: 2, primaries: [NONE] });
  await world.pass(LEASE_MS - 1);
  t.false(lost());
  await world.end(C).push({ version: 3, primaries: [1] });
  await world.end(B).kept(keepAt(world, B), [0], []);
  await world.pass(100);
  t.false(lost());
});

test('a client that leaves asks nobody any more', async (t) => {
  const { world } = await holder();
  await world.end(C).push(primaryB);
  const closed = world.client.close();
  await world.rest();
  await world.end(C).push({ version: 3, primaries: [2] });
  await world.pass(2000);
  await closed;
  t.deepEqual(
    world
      .end(B)
      .asked()
      .map(({ opcode }) => opcode)
      .filter((opcode) => opcode !== 'WANT'),
    ['KEEP', 'CLOS'],
  );
  t.false(
    world
      .end(C)
      .asked()
      .some(({ opcode }) => opcode === 'KEEP' || opcode === 'CLOS'),
  );
});
