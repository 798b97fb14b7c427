/** LOST: who is told that its lock was broken, and over which connection. */
import test, { type ExecutionContext } from 'ava';
import { type Client, connect, type RunningNode } from '../../src/index.ts';
import { keep } from '../helpers/bodies.ts';
import { readyNode } from '../helpers/node.ts';
import { RawClient, type RawFrame } from '../helpers/raw-client.ts';
import { nextMessageId, partitionOf, RawSession, revisionIn } from '../helpers/raw-session.ts';

const PARTITIONS = 4;
const ROUTES = 1;

interface Holding {
  readonly node: RunningNode;
  readonly operator: Client;
  readonly holder: RawClient;
  readonly session: RawSession;
  readonly token: bigint;
}

/** Somebody holds the lock `job`. */
async function holding(t: ExecutionContext, flags: number): Promise<Holding> {
  const node = await readyNode(t, { partitions: PARTITIONS });
  const operator = await connect([node.address]);
  const holder = await RawClient.login(node.address, { flags });
  t.teardown(async () => {
    holder.destroy();
    await operator.close();
  });
  const session = new RawSession(holder, PARTITIONS);
  const token = revisionIn(await session.write('LCKK', { key: 'job' }));
  return { node, operator, holder, session, token };
}

function renew(client: RawClient, { id }: RawSession): Promise<RawFrame> {
  return client.request('KEEP', nextMessageId(), keep(id, [partitionOf('job', PARTITIONS)]));
}

/** All that comes until the node has answered a PING, by opcode. */
async function unasked(client: RawClient): Promise<RawFrame[]> {
  const id = nextMessageId();
  client.send('PING', id);
  const frames: RawFrame[] = [];
  for (let frame = await client.next(); frame.opcode !== 'PONG'; frame = await client.next()) frames.push(frame);
  return frames.filter(({ opcode }) => opcode === 'LOST');
}

function isLost(t: ExecutionContext, frames: readonly RawFrame[], token: bigint): void {
  t.is(frames.length, 1);
  const [{ messageId, body }] = frames as [RawFrame];
  t.is(messageId, 0);
  t.is(body.length, 11);
  t.is(body.readUInt16BE(0), partitionOf('job', PARTITIONS));
  t.is(body.readBigUInt64BE(2), token);
  t.is(body[10], 1);
}

test('the holder is told over its connection', async (t) => {
  const { operator, holder, token } = await holding(t, ROUTES);
  await operator.admin().breakLock('job');
  isLost(t, await unasked(holder), token);
});

test('whoever does not find primaries itself is not told', async (t) => {
  const { operator, holder, session } = await holding(t, 0);
  await operator.admin().breakLock('job');
  t.deepEqual(await unasked(holder), []);
  await renew(holder, session);
  t.deepEqual(await unasked(holder), []);
});

test('told again over the connection that comes after one that broke, and not with every renewal', async (t) => {
  const { node, operator, holder, session, token } = await holding(t, ROUTES);
  const { lock } = await operator.admin().lock('job');
  t.regex(lock?.holders[0]?.from ?? '', /^127\.0\.0\.1:/);
  holder.destroy();
  await holder.closed;
  while ((await operator.admin().lock('job')).lock?.holders[0]?.from !== null);
  await operator.admin().breakLock('job');
  const again = await RawClient.login(node.address, { flags: ROUTES });
  t.teardown(() => again.destroy());
  t.is((await renew(again, session)).opcode, 'KEPT');
  isLost(t, await unasked(again), token);
  await renew(again, session);
  t.deepEqual(await unasked(again), []);
});
