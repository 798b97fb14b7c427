/** L4, L14: a lock that is lost says why, to its holder and on a channel. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import test, { type ExecutionContext } from 'ava';
import { hashSlot, partitionShift } from '../../src/base/hash-slot.ts';
import type { Lock } from '../../src/client/lock.ts';
import { LOCK_LOST_CHANNEL, type LockLoss } from '../../src/client/lock-loss.ts';
import { WRITE_FLAGS, WriteFlag } from '../../src/protocol/client-codec.ts';
import * as op from '../../src/protocol/opcode.ts';
import { bytes, frame, number } from '../../tools/fuzz/world/frames.ts';
import { A, type Asked, ATTACHMENT, B, ClientWorld, NOTHING_THERE } from './support/world.ts';

const LEASE_MS = 3000;
const NO_SESSION = 25;

interface Holder {
  readonly world: ClientWorld;
  readonly lock: Lock;
  /** What the holder was told. */
  readonly told: LockLoss[];
  /** What came on the channel. */
  readonly published: LockLoss[];
}

/** A client that holds the lock of a key in partition 0, whose primary is A. */
async function holder(t: ExecutionContext, key: string): Promise<Holder> {
  const world = await ClientWorld.connected({ version: 1, primaries: [0] }, { leaseMs: LEASE_MS });
  await world.attach(A, key);
  const taking = world.client.lock(key);
  await world.rest();
  await world.end(A).say(op.LKDK, world.end(A).only().messageId, number(8, ATTACHMENT + 5n), NOTHING_THERE);
  const lock = await taking;
  const told: LockLoss[] = [];
  const published: LockLoss[] = [];
  const publish = (message: unknown): void => {
    const loss = message as LockLoss;
    if (loss.key === key) published.push(loss);
  };
  subscribe(LOCK_LOST_CHANNEL, publish);
  t.teardown(() => void unsubscribe(LOCK_LOST_CHANNEL, publish));
  lock.on('lost', (loss) => told.push(loss));
  return { world, lock, told, published };
}

function isTold(t: ExecutionContext, { lock, told, published }: Holder, cause: string, text: RegExp): void {
  const [loss] = told;
  if (loss === undefined || told.length > 1) return t.fail(`told ${told.length} times`);
  const { key, token, cause: given, error } = loss;
  t.deepEqual({ key, token, given }, { key: lock.key, token: lock.token, given: cause } as never);
  t.is(error.code, 'KV_LOCK_LOST');
  t.regex(error.message, text);
  t.is(lock.signal.reason, error);
  t.deepEqual(published, told);
  lock.on('lost', (late) => t.is(late, loss, 'whoever asks later is told at once'));
}

test('lease: no renewal was acknowledged in time', async (t) => {
  const held = await holder(t, 'lease');
  await held.world.pass(LEASE_MS + 1);
  isTold(t, held, 'lease', /the lease ran out without a renewal/);
});

test('session: the node has ended it', async (t) => {
  const held = await holder(t, 'session');
  await held.world.pass(LEASE_MS / 3);
  await held.world.end(A).kept(held.world.end(A).only(), [], []);
  isTold(t, held, 'session', /no longer knows the session/);
});

test('closed: the client was closed', async (t) => {
  const held = await holder(t, 'closed');
  const closing = held.world.client.close();
  await held.world.rest();
  for (let passed = 0; passed < 3000; passed += 50) await held.world.pass(50);
  await closing;
  isTold(t, held, 'closed', /the client was closed/);
});

test('a lock that was released is not lost', async (t) => {
  const held = await holder(t, 'released');
  await held.lock.release();
  await held.world.pass(LEASE_MS + 1);
  t.deepEqual(held.told, []);
  t.deepEqual(held.published, []);
});

test('who lets go of a lock when its lease has run out is told that it is lost, though no timer has come round yet', async (t) => {
  for (const letGo of [(lock: Lock) => lock.release(), (lock: Lock) => lock.release({ confirm: true })]) {
    const held = await holder(t, 'late');
    standStill(held.world, LEASE_MS + 1);
    await t.throwsAsync(letGo(held.lock), { code: 'KV_NOT_HELD', message: /it was lost before/ });
    isTold(t, held, 'lease', /the lease ran out without a renewal/);
  }
  const held = await holder(t, 'late, too');
  standStill(held.world, LEASE_MS + 1);
  await held.lock[Symbol.asyncDispose]();
  isTold(t, held, 'lease', /the lease ran out without a renewal/);
});

test('the signal of a group tells of this very moment, though no timer has come round yet', async (t) => {
  const world = await ClientWorld.connected({ version: 1, primaries: [0] }, { leaseMs: LEASE_MS });
  await world.attach(A, 'one');
  const taking = world.client.lock(['one']);
  await world.rest();
  await world.end(A).say(op.LKDK, world.end(A).only().messageId, number(8, ATTACHMENT + 5n), NOTHING_THERE);
  const group = await taking;
  t.false(group.signal.aborted);
  standStill(world, LEASE_MS + 1);
  t.true(group.signal.aborted);
});

test('the node learns whether what is released was lost before', async (t) => {
  const saysLost = ({ world }: Holder): boolean[] =>
    world
      .end(A)
      .asked()
      .filter(({ opcode }) => opcode === 'ULKK')
      .map(({ body }) => ((body[WRITE_FLAGS] as number) & WriteFlag.givenBack) !== 0);
  const lost = await holder(t, 'given back');
  await lost.world.pass(LEASE_MS + 1);
  t.deepEqual(saysLost(lost), [true]);
  const kept = await holder(t, 'let go of');
  await kept.lock.release();
  await kept.world.rest();
  t.deepEqual(saysLost(kept), [false]);
});

test('L3: a grant that comes together with the next attachment belongs to the one before, and is lost', async (t) => {
  const world = await ClientWorld.connected({ version: 1, primaries: [0] }, { leaseMs: LEASE_MS });
  await world.attach(A, 'job');
  const taking = world.client.lock('job');
  await world.rest();
  const node = world.end(A);
  const lckk = node.only();
  const put = world.client.put('job', 'value');
  await world.rest();
  await node.fail(node.only(), NO_SESSION);
  await world.pass(1000);
  const [atch] = node.asked();
  t.is(atch?.opcode, 'ATCH');
  const granted = frame(op.LKDK, lckk.messageId, number(8, ATTACHMENT + 5n), NOTHING_THERE);
  const attached = frame(op.DONE, atch?.messageId ?? 0, 1, number(8, ATTACHMENT + 9n));
  node.channel.receive(bytes(granted, attached));
  await t.throwsAsync(taking, { code: 'KV_LOCK_LOST' });
  await world.rest();
  const putk = node.asked().find(({ opcode }) => opcode === 'PUTK');
  await node.done(putk as Asked, ATTACHMENT + 10n);
  t.is(await put, ATTACHMENT + 10n);
});

test('L4: of two leases the signal of the one that ends first is in time, also when it was taken last', async (t) => {
  const world = await ClientWorld.connected({ version: 1, primaries: [0, 1] }, { leaseMs: LEASE_MS });
  const locked = async (endpoint: string, key: string): Promise<Lock> => {
    const taking = world.client.lock(key);
    await world.rest();
    const node = world.end(endpoint);
    await node.say(op.LKDK, node.only().messageId, number(8, ATTACHMENT + 5n), NOTHING_THERE);
    return taking;
  };
  await world.attach(A, ofPartition(0));
  await world.attach(B, ofPartition(1));
  await world.pass(LEASE_MS / 3);
  await world.end(A).kept(world.end(A).only(), [0], []);
  t.is(world.end(B).only().opcode, 'KEEP', 'and there is no answer');
  const longer = await locked(A, ofPartition(0));
  const shorter = await locked(B, ofPartition(1));
  const losses: LockLoss[] = [];
  shorter.on('lost', (loss) => losses.push(loss));
  await world.pass(LEASE_MS - LEASE_MS / 3 + 1);
  t.deepEqual(
    losses.map(({ cause }) => cause),
    ['lease'],
  );
  t.true(longer.held);
});

/** So much time passes while the main thread comes round to nothing. */
function standStill({ time }: ClientWorld, ms: number): void {
  const nowMs = time.monotonicMs() + ms;
  time.monotonicMs = () => nowMs;
}

/** A key of one of two partitions. */
function ofPartition(partition: number): string {
  for (let number = 0; ; number += 1) {
    const key = `key ${number}`;
    if (hashSlot(Buffer.from(key), 0, key.length) >>> partitionShift(2) === partition) return key;
  }
}
