/** LCKK, ULKK, CNCL and WAIT over real sockets. */
import test from 'ava';
import { startNode } from '../../src/index.ts';
import * as bodies from '../helpers/bodies.ts';
import { RawClient, type RawFrame } from '../helpers/raw-client.ts';
import { codeIn, nextMessageId, RawSession, revisionIn } from '../helpers/raw-session.ts';

const PARTITIONS = 4;
/** Longest wait: for ever. */
const FOREVER_MS = 2 ** 48 - 1;
const node = await startNode({ port: 0, logLevel: 'silent', partitions: PARTITIONS });
await node.ready();
const client = await RawClient.login(node.address);

test.after.always(async () => {
  client.destroy();
  await node.close();
});

function newSession(): RawSession {
  return new RawSession(client, PARTITIONS);
}

/** Takes a free lock; gives its token. */
async function taken(session: RawSession, key: string): Promise<bigint> {
  const reply = await session.write('LCKK', { key });
  if (reply.opcode !== 'LKDK') throw new Error(codeIn(reply));
  return revisionIn(reply);
}

/** Queues for a lock that is held. */
async function queued(session: RawSession, key: string, span = FOREVER_MS): Promise<{ id: number; body: Buffer }> {
  const id = nextMessageId();
  const body = await session.body({ key, span });
  client.send('LCKK', id, body);
  const reply = await client.reply(id);
  if (reply.opcode !== 'WAIT') throw new Error(codeIn(reply));
  return { id, body };
}

function release(session: RawSession, key: string, token: bigint): Promise<RawFrame> {
  return session.write('ULKK', { key, revision: token });
}

test('a free lock is granted, a held one is busy, a released one is free', async (t) => {
  const [one, other] = [newSession(), newSession()];
  const token = await taken(one, 'free');
  t.is(codeIn(await other.write('LCKK', { key: 'free' })), 'KV_LOCK_BUSY');
  t.is((await release(one, 'free', token)).opcode, 'DONE');
  t.true((await taken(other, 'free')) > token, 'tokens grow');
});

test('L13: a lock-delay has an upper bound, and a lock that asks for more is not taken', async (t) => {
  const session = newSession();
  const [longest, longer] = [3_600_000, 3_600_001].map((delayMs) => bodies.lockOf(5, { delayMs }));
  for (const span of [0, FOREVER_MS]) {
    const refusal = await session.write('LCKK', { key: 'delayed', span, payload: longer as Buffer });
    t.is(codeIn(refusal), 'KV_BAD_REQUEST');
    t.regex(refusal.body.toString(), /lock-delay of 3600001 ms for 'delayed'; 0 to 3600000 are allowed/);
  }
  const token = revisionIn(await session.write('LCKK', { key: 'delayed', payload: longest as Buffer }));
  const down = { key: 'delayed', revision: token, payload: bodies.conversionOf(3, 0) };
  t.is((await session.write('LCKK', down)).opcode, 'LKDK', 'of a conversion these bytes are no delay');
});

test('a lock needs no value and makes none', async (t) => {
  await taken(newSession(), 'no value');
  const { body } = await client.request('GETK', nextMessageId(), bodies.getk('no value'));
  t.is(body.readUInt8(0), 0);
});

test('WAIT comes at once, LKDK under the same message id, first come first served', async (t) => {
  const [holder, first, second] = [newSession(), newSession(), newSession()];
  const token = await taken(holder, 'line');
  const [one, other] = [await queued(first, 'line'), await queued(second, 'line')];
  await release(holder, 'line', token);
  const granted = await client.reply(one.id);
  t.is(granted.opcode, 'LKDK');
  t.true(revisionIn(granted) > token);
  await release(first, 'line', revisionIn(granted));
  t.true(revisionIn(await client.reply(other.id)) > revisionIn(granted));
});

test('a wait that has ended is KV_LOCK_BUSY under its message id', async (t) => {
  const holder = newSession();
  await taken(holder, 'short');
  const { id } = await queued(newSession(), 'short', 1);
  t.is(codeIn(await client.reply(id)), 'KV_LOCK_BUSY');
});

test('a lock is not re-entrant', async (t) => {
  const session = newSession();
  const token = await taken(session, 'again');
  t.is(codeIn(await session.write('LCKK', { key: 'again' })), 'KV_LOCK_BUSY');
  const { id } = await queued(session, 'again');
  await release(session, 'again', token);
  t.is((await client.reply(id)).opcode, 'LKDK');
});

test('only the holder releases, and only with its token', async (t) => {
  const [holder, other] = [newSession(), newSession()];
  const token = await taken(holder, 'mine');
  t.is(codeIn(await release(other, 'mine', token)), 'KV_NOT_HELD');
  t.is(codeIn(await release(holder, 'mine', token + 1n)), 'KV_NOT_HELD');
  t.is(codeIn(await release(holder, 'never locked', token)), 'KV_NOT_HELD');
  t.is(codeIn(await other.write('LCKK', { key: 'mine' })), 'KV_LOCK_BUSY', 'nothing has changed');
  t.is((await release(holder, 'mine', token)).opcode, 'DONE');
  t.is(codeIn(await release(holder, 'mine', token)), 'KV_NOT_HELD');
});

test('LCKK that is sent again is the same grant', async (t) => {
  const session = newSession();
  const body = await session.body({ key: 'granted', span: FOREVER_MS });
  const first = await client.request('LCKK', nextMessageId(), body);
  const second = await client.request('LCKK', nextMessageId(), body);
  t.is(first.opcode, 'LKDK');
  t.deepEqual(second.body, first.body);
});

test('a wait is picked up on a new connection, also when the mark has passed it', async (t) => {
  const [holder, waiter] = [newSession(), newSession()];
  const token = await taken(holder, 'moved');
  const { body } = await queued(waiter, 'moved');
  await waiter.write('PUTK', { key: '{moved}', payload: 'the mark passes' });
  const other = await RawClient.login(node.address, { owner: bodies.OWNER });
  t.is((await other.request('LCKK', 5, body)).opcode, 'WAIT');
  await release(holder, 'moved', token);
  const granted = await other.reply(5);
  t.is(granted.opcode, 'LKDK');
  const again = await other.request('LCKK', 6, body);
  t.deepEqual(again.body, granted.body, 'granted meanwhile: the same token');
  other.destroy();
});

test('CNCL ends a wait, and says so to it', async (t) => {
  const [holder, waiter, next] = [newSession(), newSession(), newSession()];
  const token = await taken(holder, 'cancelled');
  const { id, body } = await queued(waiter, 'cancelled');
  const later = await queued(next, 'cancelled');
  const cancel = await waiter.body({ key: 'cancelled', payload: body.subarray(12, 16) });
  t.is((await client.request('CNCL', nextMessageId(), cancel)).opcode, 'DONE');
  t.is(codeIn(await client.reply(id)), 'KV_LOCK_BUSY');
  t.is((await client.request('CNCL', nextMessageId(), cancel)).opcode, 'DONE', 'again: nothing to end');
  await release(holder, 'cancelled', token);
  t.is((await client.reply(later.id)).opcode, 'LKDK', 'the next in line');
});

test('CNCL that comes too late releases what was granted', async (t) => {
  const [holder, next] = [newSession(), newSession()];
  const body = await holder.body({ key: 'late', span: FOREVER_MS });
  await client.request('LCKK', nextMessageId(), body);
  const { id } = await queued(next, 'late');
  const cancel = await holder.body({ key: 'late', payload: body.subarray(12, 16) });
  t.is((await client.request('CNCL', nextMessageId(), cancel)).opcode, 'DONE');
  t.is((await client.reply(id)).opcode, 'LKDK');
});

test('the end of a session passes its locks on and ends its waits', async (t) => {
  const [holder, waiter, next] = [newSession(), newSession(), newSession()];
  await taken(holder, 'ends');
  const first = await queued(waiter, 'ends');
  const second = await queued(next, 'ends');
  await waiter.close();
  t.is(codeIn(await client.reply(first.id)), 'KV_NO_SESSION');
  await holder.close();
  t.is((await client.reply(second.id)).opcode, 'LKDK');
});

test('a broken connection keeps what its session holds', async (t) => {
  const other = await RawClient.login(node.address);
  const holder = new RawSession(other, PARTITIONS);
  t.is((await holder.write('LCKK', { key: 'keeps' })).opcode, 'LKDK');
  other.destroy();
  await other.closed;
  t.is(codeIn(await newSession().write('LCKK', { key: 'keeps' })), 'KV_LOCK_BUSY');
});
