/** R22: a request that is sent again takes effect once. */
import test from 'ava';
import { startNode } from '../../src/index.ts';
import * as bodies from '../helpers/bodies.ts';
import { RawClient, type RawFrame } from '../helpers/raw-client.ts';
import { codeIn, nextMessageId, partitionOf, RawSession, revisionIn } from '../helpers/raw-session.ts';

const PARTITIONS = 4;
const WINDOW = 4096;
const node = await startNode({ port: 0, logLevel: 'silent', partitions: PARTITIONS });
await node.ready();
const client = await RawClient.login(node.address);

test.after.always(async () => {
  client.destroy();
  await node.close();
});

async function storedAt(key: string): Promise<string> {
  const { body } = await client.request('GETK', nextMessageId(), bodies.getk(key));
  return body.toString('utf8', 15);
}

/** The same body twice, under two message ids. */
async function twice(opcode: string, body: Buffer): Promise<[RawFrame, RawFrame]> {
  const first = await client.request(opcode, nextMessageId(), body);
  return [first, await client.request(opcode, nextMessageId(), body)];
}

test('the same sequence twice: one increment, the same answer', async (t) => {
  const session = new RawSession(client, PARTITIONS);
  const [first, second] = await twice('INCR', await session.body({ key: 'once', payload: bodies.i64(5n) }));
  t.is(first.opcode, 'DONE');
  t.deepEqual(second.body, first.body);
  t.is(await storedAt('once'), '5');
});

test('both under way at once: one increment, and the answer goes to the later', async (t) => {
  const session = new RawSession(client, PARTITIONS);
  const body = await session.body({ key: 'joined', payload: bodies.i64(5n) });
  const [first, second] = [nextMessageId(), nextMessageId()];
  client.sendBytes(Buffer.concat([bodies.frame('INCR', first, body), bodies.frame('INCR', second, body)]));
  t.is((await client.reply(second)).body.readBigInt64BE(9), 5n);
  t.is(await storedAt('joined'), '5');
});

test('over another connection it is the same request', async (t) => {
  const session = new RawSession(client, PARTITIONS);
  const body = await session.body({ key: 'elsewhere', payload: bodies.i64(5n) });
  const first = await client.request('INCR', nextMessageId(), body);
  const other = await RawClient.login(node.address, { owner: bodies.OWNER });
  t.deepEqual((await other.request('INCR', nextMessageId(), body)).body, first.body);
  t.is(await storedAt('elsewhere'), '5');
  other.destroy();
});

test('a put that is sent again does not undo what came in between', async (t) => {
  const [one, other] = [new RawSession(client, PARTITIONS), new RawSession(client, PARTITIONS)];
  const body = await one.body({ key: 'overtaken', payload: 'first' });
  const first = await client.request('PUTK', nextMessageId(), body);
  await other.write('PUTK', { key: 'overtaken', payload: 'second' });
  t.deepEqual((await client.request('PUTK', nextMessageId(), body)).body, first.body);
  t.is(await storedAt('overtaken'), 'second');
});

test('a compare-and-set that is sent again is still won', async (t) => {
  const session = new RawSession(client, PARTITIONS);
  const body = await session.body({ key: 'won', flags: bodies.IF_REVISION, revision: 0n, payload: 'x' });
  const [first, second] = await twice('CASK', body);
  t.is(first.body.readUInt8(0), 1);
  t.deepEqual(second.body, first.body);
});

test('a delete and its answer, too', async (t) => {
  const session = new RawSession(client, PARTITIONS);
  await session.write('PUTK', { key: 'deleted', payload: 'x' });
  const [first, second] = await twice('DELK', await session.body({ key: 'deleted' }));
  t.not(revisionIn(first), 0n);
  t.deepEqual(second.body, first.body);
});

test('an error that came from the log is kept like an answer', async (t) => {
  const session = new RawSession(client, PARTITIONS);
  await session.write('PUTK', { key: 'no number', payload: 'x' });
  const body = await session.body({ key: 'no number', payload: bodies.i64(1n) });
  t.is(codeIn(await client.request('INCR', nextMessageId(), body)), 'KV_NOT_INTEGER');
  await new RawSession(client, PARTITIONS).write('PUTK', { key: 'no number', payload: '1' });
  t.is(codeIn(await client.request('INCR', nextMessageId(), body)), 'KV_NOT_INTEGER');
});

test('what was refused before it was tried is tried anew', async (t) => {
  const session = new RawSession(client, PARTITIONS);
  const attachment = await session.attachment('anew');
  const parts = { attachment, sequence: 1, key: 'anew', payload: bodies.i64(1n) };
  const late = bodies.write({ ...parts, timeLeftMs: 0 });
  t.is(codeIn(await client.request('INCR', nextMessageId(), late)), 'KV_DEADLINE');
  t.is((await client.request('INCR', nextMessageId(), bodies.write(parts))).opcode, 'DONE');
});

test('below the mark the answer is forgotten: KV_AMBIGUOUS, and no effect', async (t) => {
  const session = new RawSession(client, PARTITIONS);
  const attachment = await session.attachment('forgotten');
  const increment = (sequence: number, mark: number): Promise<RawFrame> => {
    const body = bodies.write({ attachment, sequence, mark, key: 'forgotten', payload: bodies.i64(1n) });
    return client.request('INCR', nextMessageId(), body);
  };
  t.is((await increment(1, 1)).opcode, 'DONE');
  t.is((await increment(2, 2)).opcode, 'DONE');
  t.is(codeIn(await increment(1, 2)), 'KV_AMBIGUOUS');
  t.is(await storedAt('forgotten'), '2');
});

test('the mark never goes back', async (t) => {
  const session = new RawSession(client, PARTITIONS);
  const attachment = await session.attachment('back');
  const put = (sequence: number, mark: number): Promise<RawFrame> =>
    client.request('PUTK', nextMessageId(), bodies.write({ attachment, sequence, mark, key: 'back', payload: 'x' }));
  await put(10, 10);
  t.is((await put(11, 1)).opcode, 'DONE');
  t.is(codeIn(await put(9, 1)), 'KV_AMBIGUOUS');
});

test('sequences may be answered in any order from the mark on', async (t) => {
  const session = new RawSession(client, PARTITIONS);
  const attachment = await session.attachment('order');
  const replies: string[] = [];
  for (const sequence of [3, 1, 2, 1, 3]) {
    const body = bodies.write({ attachment, sequence, mark: 1, key: 'order', payload: bodies.i64(1n) });
    replies.push((await client.request('INCR', nextMessageId(), body)).body.toString('hex', 9));
  }
  t.deepEqual(
    replies.map((sum) => Number.parseInt(sum, 16)),
    [1, 2, 3, 2, 1],
  );
});

test('sequences go round 32 bits', async (t) => {
  const session = new RawSession(client, PARTITIONS);
  const attachment = await session.attachment('round');
  const increment = (sequence: number, mark: number): Promise<RawFrame> => {
    const body = bodies.write({ attachment, sequence, mark, key: 'round', payload: bodies.i64(1n) });
    return client.request('INCR', nextMessageId(), body);
  };
  // Less than half of the numbers lie ahead of the mark: three steps reach the last ones.
  for (const step of [0x7fff_0000, 0xfffe_0000, 0xffff_fffe]) t.is((await increment(step, step)).opcode, 'DONE');
  for (const sequence of [0xffff_ffff, 0, 1]) t.is((await increment(sequence, 0xffff_fffe)).opcode, 'DONE');
  t.is((await increment(0, 0xffff_fffe)).body.readBigInt64BE(9), 5n);
  t.is(codeIn(await increment(0xffff_fffd, 0xffff_fffe)), 'KV_AMBIGUOUS');
});

test('too far ahead of the mark: KV_OVERLOADED', async (t) => {
  const session = new RawSession(client, PARTITIONS);
  const attachment = await session.attachment('ahead');
  const put = (sequence: number, mark: number): Promise<RawFrame> =>
    client.request('PUTK', nextMessageId(), bodies.write({ attachment, sequence, mark, key: 'ahead', payload: 'x' }));
  t.is((await put(1, 1)).opcode, 'DONE');
  t.is((await put(WINDOW, 1)).opcode, 'DONE');
  t.is(codeIn(await put(WINDOW + 1, 1)), 'KV_OVERLOADED');
  t.is((await put(WINDOW + 1, 2)).opcode, 'DONE');
});

test('an attachment that the node does not know: KV_NO_SESSION', async (t) => {
  const session = new RawSession(client, PARTITIONS);
  const attachment = await session.attachment('unknown');
  for (const wrong of [0n, attachment + 1_000_000n, attachment + (1n << 32n), 2n ** 64n - 1n]) {
    const body = bodies.write({ attachment: wrong, sequence: 1, key: 'unknown', payload: 'x' });
    t.is(codeIn(await client.request('PUTK', nextMessageId(), body)), 'KV_NO_SESSION');
  }
  t.is(await storedAt('unknown'), '');
});

test('after the end of its session a retry is KV_NO_SESSION', async (t) => {
  const session = new RawSession(client, PARTITIONS);
  const body = await session.body({ key: 'ended', payload: bodies.i64(1n) });
  await client.request('INCR', nextMessageId(), body);
  t.is((await session.close()).opcode, 'KEPT');
  t.is(codeIn(await client.request('INCR', nextMessageId(), body)), 'KV_NO_SESSION');
  t.is(await storedAt('ended'), '1');
});

test('a session that attaches twice has one attachment; a new one after it has ended has another', async (t) => {
  const session = new RawSession(client, PARTITIONS);
  const partition = partitionOf('again', PARTITIONS);
  const attach = bodies.attach({ partition, session: session.id });
  const first = await session.attachment('again');
  t.is(revisionIn(await client.request('ATCH', nextMessageId(), attach)), first);
  await session.close();
  t.true(revisionIn(await client.request('ATCH', nextMessageId(), attach)) > first);
});

test('KEEP names the partitions where the session is attached, CLOS those it leaves', async (t) => {
  const session = new RawSession(client, PARTITIONS);
  const partition = partitionOf('kept', PARTITIONS);
  await session.attachment('kept');
  const all = [0, 1, 2, 3];
  const named = async (opcode: string): Promise<number[]> => {
    const { body } = await client.request(opcode, nextMessageId(), bodies.keep(session.id, all));
    return all.slice(0, body.readUInt16BE(0)).map((_, index) => body.readUInt16BE(2 + 2 * index));
  };
  t.deepEqual(await named('KEEP'), [partition]);
  t.deepEqual(await named('CLOS'), all, 'where it is unknown it has left already');
  t.deepEqual(await named('KEEP'), []);
});

test('a lease that is not renewed runs out', async (t) => {
  const partition = partitionOf('lease', PARTITIONS);
  const { id } = new RawSession(client, PARTITIONS);
  const attached = await client.request(
    'ATCH',
    nextMessageId(),
    bodies.attach({ partition, session: id, leaseMs: 100 }),
  );
  const body = bodies.write({ attachment: revisionIn(attached), sequence: 1, key: 'lease', payload: 'x' });
  let answer = '';
  while (answer !== 'KV_NO_SESSION') answer = codeIn(await client.request('PUTK', nextMessageId(), body));
  t.is(await storedAt('lease'), 'x');
});
