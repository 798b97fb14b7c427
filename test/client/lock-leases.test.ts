// L3: locks with a lease of their own, and without renewal. The clock stands still until it is moved.
import test from 'ava';
import { connect, startNode } from '../../src/index.ts';
import * as op from '../../src/protocol/opcode.ts';
import { number } from '../../tools/fuzz/world/frames.ts';
import { A, ATTACHMENT, ClientWorld, NOTHING_THERE } from './support/world.ts';

const LEASE_MS = 3000;

test('L3: there is one session for each lease, and it ends with the client', async (t) => {
  await using node = await startNode({ port: 0, logLevel: 'silent' });
  await node.ready();
  await using other = await connect(node.address);
  const client = await connect(node.address);
  const sessions = async (): Promise<number> => {
    const { nodes } = await other.status();
    return nodes.reduce((sum, one) => sum + (one.state === 'up' ? one.sessions : 0), 0);
  };
  const first = await client.lock('{lease}1', { leaseMs: 2000 });
  const second = await client.lock('{lease}2', { leaseMs: 2000 });
  const third = await client.lock('{lease}3', { leaseMs: 3000 });
  t.is(await sessions(), 2, 'all locks are in one partition');
  t.is(await client.tryLock('{lease}1'), null);
  await Promise.all([first, second, third].map((lock) => lock.put('guarded')));
  const closing = client.close();
  for (const leaseMs of [2000, 4000]) {
    await t.throwsAsync(client.lock('late', { leaseMs }), { code: 'KV_CLOSED' });
    await closing;
  }
  t.false(first.held);
  const next = await other.lock('{lease}1');
  t.is(next.value, 'guarded');
});

test('without renewal a lock ends with its lease, unless it is extended', async (t) => {
  const world = await ClientWorld.connected({ version: 1, primaries: [0] }, { leaseMs: LEASE_MS });
  const node = world.end(A);
  await world.attach(A, 'k');
  const taking = world.client.lock('k', { renew: false });
  await world.rest();
  await node.say(op.LKDK, node.only().messageId, number(8, ATTACHMENT + 5n), NOTHING_THERE);
  const lock = await taking;
  const losses: string[] = [];
  lock.on('lost', ({ cause, error }) => losses.push(`${cause}: ${error.message}`));
  const renew = async (): Promise<void> => {
    await world.pass(LEASE_MS / 2);
    for (const asked of node.asked()) if (asked.opcode === 'KEEP') await node.kept(asked, [0], []);
  };
  for (let times = 0; times < 4; times += 1) {
    await renew();
    lock.extend();
  }
  t.true(lock.held, 'longer than its lease');
  t.throws(() => lock.extend(0), { code: 'KV_USAGE' });
  t.throws(() => lock.extend(60_001), { code: 'KV_USAGE' });
  lock.extend(LEASE_MS / 2 + 100);
  await renew();
  t.true(lock.held);
  await world.pass(100);
  t.deepEqual(losses, [
    "lease: the lock on 'k' is lost: its lease ran out, and it was taken without renewal (renew: false)",
  ]);
  t.false(lock.held);
  t.throws(() => lock.extend(), { code: 'KV_LOCK_LOST' });
  t.true(
    node.asked().some(({ opcode }) => opcode === 'ULKK'),
    'it is given back',
  );
});

test('without renewal a lock lasts for its lease from its grant on, however long it was waited for', async (t) => {
  const world = await ClientWorld.connected({ version: 1, primaries: [0] }, { leaseMs: LEASE_MS });
  const node = world.end(A);
  await world.attach(A, 'k');
  const taking = world.client.lock('k', { renew: false });
  await world.rest();
  const asked = node.only();
  await node.say(op.WAIT, asked.messageId);
  const pass = async (ms: number): Promise<void> => {
    for (let passed = 0; passed < ms; passed += 500) {
      await world.pass(500);
      for (const one of node.asked()) if (one.opcode === 'KEEP') await node.kept(one, [0], []);
    }
  };
  await pass(2 * LEASE_MS);
  await node.say(op.LKDK, asked.messageId, number(8, ATTACHMENT + 5n), NOTHING_THERE);
  const lock = await taking;
  await pass(LEASE_MS - 500);
  t.true(lock.held);
  await pass(500);
  t.false(lock.held);
});
