/** Values too large for one frame: staged towards the node, in fragments from it. */
import test from 'ava';
import { connect, startNode } from '../../src/index.ts';
import { INLINE_VALUE_BYTES_MAX, VALUE_BYTES_MAX } from '../../src/protocol/limits.ts';
import { getk, STAGED, STORE, stage, stageReference } from '../helpers/bodies.ts';
import { RawClient } from '../helpers/raw-client.ts';
import { codeIn, nextMessageId, RawSession, revisionIn } from '../helpers/raw-session.ts';

const PARTITIONS = 4;
const PIECE_BYTES = 65_536;
const node = await startNode({ port: 0, logLevel: 'silent', partitions: PARTITIONS });
await node.ready();

test.after.always(() => node.close());

function numbered(bytes: number): Buffer {
  return Buffer.from(Array.from({ length: bytes }, (_, index) => index % 253));
}

interface Peer {
  readonly client: RawClient;
  readonly session: RawSession;
}

async function peer(): Promise<Peer> {
  const client = await RawClient.login(node.address);
  return { client, session: new RawSession(client, PARTITIONS) };
}

/** Sends a value in pieces; gives the reply to the last. */
async function sendStage(client: RawClient, number: number, value: Buffer): Promise<string> {
  const id = nextMessageId();
  for (let offset = 0; offset < value.length; offset += PIECE_BYTES) {
    client.send('STGE', id, stage(number, value.length, offset, value.subarray(offset, offset + PIECE_BYTES)));
  }
  return codeIn(await client.reply(id));
}

/** The value of a key, put together from its fragments. */
async function getLarge(client: RawClient, key: string): Promise<Buffer> {
  const id = nextMessageId();
  const head = await client.request('GETK', id, getk(key));
  if (head.body.readUInt8(0) !== 3) throw new Error(`flags ${head.body.readUInt8(0)}`);
  const value = Buffer.alloc(head.body.readUInt32BE(15));
  for (let received = 0; received < value.length; ) {
    const { opcode, body } = await client.reply(id);
    if (opcode !== 'FRAG' || body.readUInt32BE(0) !== received) throw new Error(`${opcode} at ${received}`);
    received += body.copy(value, received, 4);
  }
  return value;
}

test('a value over 64 KiB in one frame is KV_TOO_LARGE, and the connection stays', async (t) => {
  const { client, session } = await peer();
  const refused = await session.write('PUTK', { key: 'inline', payload: Buffer.alloc(INLINE_VALUE_BYTES_MAX + 1) });
  t.is(codeIn(refused), 'KV_TOO_LARGE');
  t.is((await session.write('PUTK', { key: 'inline', payload: Buffer.alloc(INLINE_VALUE_BYTES_MAX) })).opcode, 'DONE');
  client.destroy();
});

test('a staged value is stored whole, and read in fragments', async (t) => {
  const { client, session } = await peer();
  const value = numbered(3 * PIECE_BYTES + 5);
  t.is(await sendStage(client, 7, value), 'STGD');
  const reply = await session.write('PUTK', { key: 'large', flags: STAGED, payload: stageReference(7, value.length) });
  t.is(reply.opcode, 'DONE');
  t.is(Buffer.compare(await getLarge(client, 'large'), value), 0);
  client.destroy();
});

test('L8: a release stores a staged value; one that is staged and not stored is KV_BAD_REQUEST', async (t) => {
  const { client, session } = await peer();
  const value = numbered(2 * PIECE_BYTES);
  const token = revisionIn(await session.write('LCKK', { key: 'released' }));
  const payload = stageReference(9, value.length);
  t.is(
    codeIn(await session.write('ULKK', { key: 'released', revision: token, flags: STAGED, payload })),
    'KV_BAD_REQUEST',
  );
  t.is(await sendStage(client, 9, value), 'STGD');
  const stored = await session.write('ULKK', { key: 'released', revision: token, flags: STAGED | STORE, payload });
  t.is(stored.opcode, 'DONE');
  t.is(Buffer.compare(await getLarge(client, 'released'), value), 0);
  t.is((await session.write('LCKK', { key: 'released' })).opcode, 'LKDK', 'it is free');
  client.destroy();
});

test('other frames pass between the pieces of two values', async (t) => {
  const { client, session } = await peer();
  const [one, other] = [numbered(2 * PIECE_BYTES), Buffer.alloc(2 * PIECE_BYTES, 9)];
  const [oneId, otherId] = [nextMessageId(), nextMessageId()];
  for (const offset of [0, PIECE_BYTES]) {
    client.send('STGE', oneId, stage(1, one.length, offset, one.subarray(offset, offset + PIECE_BYTES)));
    t.is((await client.request('PING', nextMessageId())).opcode, 'PONG');
    client.send('STGE', otherId, stage(2, other.length, offset, other.subarray(offset, offset + PIECE_BYTES)));
  }
  t.is((await client.reply(oneId)).opcode, 'STGD');
  t.is((await client.reply(otherId)).opcode, 'STGD');
  for (const [number, key] of [
    [1, 'one'],
    [2, 'other'],
  ] as const) {
    await session.write('PUTK', { key, flags: STAGED, payload: stageReference(number, 2 * PIECE_BYTES) });
  }
  t.is(Buffer.compare(await getLarge(client, 'one'), one), 0);
  t.is(Buffer.compare(await getLarge(client, 'other'), other), 0);
  client.destroy();
});

test('a value over 64 MiB is KV_TOO_LARGE at its first piece; pieces behind it are refused, the connection stays', async (t) => {
  const { client } = await peer();
  t.is(codeIn(await client.request('STGE', 1, stage(1, VALUE_BYTES_MAX + 1, 0, Buffer.alloc(100)))), 'KV_TOO_LARGE');
  t.is(codeIn(await client.request('STGE', 2, stage(1, 0xffff_ffff, 0, Buffer.alloc(100)))), 'KV_TOO_LARGE');
  t.is(
    codeIn(await client.request('STGE', 3, stage(1, VALUE_BYTES_MAX + 1, 100, Buffer.alloc(100)))),
    'KV_BAD_REQUEST',
  );
  t.is((await client.request('PING', 4)).opcode, 'PONG');
  client.destroy();
});

test('pieces that do not follow each other are refused, and the stage is gone', async (t) => {
  const { client, session } = await peer();
  const bad: readonly [title: string, body: Buffer][] = [
    ['no piece before it', stage(1, 100, 50, Buffer.alloc(10))],
    ['a gap', stage(2, 100, 60, Buffer.alloc(10))],
    ['another total', stage(2, 99, 50, Buffer.alloc(10))],
    ['past the total', stage(2, 100, 50, Buffer.alloc(51))],
  ];
  for (const [title, body] of bad) {
    client.send('STGE', nextMessageId(), stage(2, 100, 0, Buffer.alloc(50)));
    t.is(codeIn(await client.request('STGE', nextMessageId(), body)), 'KV_BAD_REQUEST', title);
  }
  const named = await session.write('PUTK', { key: 'gone', flags: STAGED, payload: stageReference(2, 100) });
  t.is(codeIn(named), 'KV_BAD_REQUEST');
  client.destroy();
});

test('offset 0 starts a stage afresh', async (t) => {
  const { client, session } = await peer();
  client.send('STGE', nextMessageId(), stage(1, 100, 0, Buffer.alloc(50, 1)));
  const value = Buffer.alloc(80_000, 2);
  t.is(await sendStage(client, 1, value), 'STGD');
  await session.write('PUTK', { key: 'afresh', flags: STAGED, payload: stageReference(1, value.length) });
  t.is(Buffer.compare(await getLarge(client, 'afresh'), value), 0);
  client.destroy();
});

test('a stage that is not there, not whole, or used up is KV_BAD_REQUEST', async (t) => {
  const { client, session } = await peer();
  const put = (number: number): ReturnType<typeof session.write> =>
    session.write('PUTK', { key: 'staged', flags: STAGED, payload: stageReference(number, 70_000) });
  t.is(codeIn(await put(1)), 'KV_BAD_REQUEST');
  client.send('STGE', nextMessageId(), stage(2, 70_000, 0, Buffer.alloc(10)));
  t.is(codeIn(await put(2)), 'KV_BAD_REQUEST');
  await sendStage(client, 3, Buffer.alloc(70_000));
  t.is((await put(3)).opcode, 'DONE');
  t.is(codeIn(await put(3)), 'KV_BAD_REQUEST');
  client.destroy();
});

test('stages belong to their connection', async (t) => {
  const [one, other] = [await peer(), await peer()];
  await sendStage(one.client, 1, Buffer.alloc(70_000));
  const stolen = await other.session.write('PUTK', {
    key: 'stolen',
    flags: STAGED,
    payload: stageReference(1, 70_000),
  });
  t.is(codeIn(stolen), 'KV_BAD_REQUEST');
  one.client.destroy();
  other.client.destroy();
});

test('a fifth large value under way is KV_OVERLOADED', async (t) => {
  const { client, session } = await peer();
  for (const number of [1, 2, 3, 4]) t.is(await sendStage(client, number, Buffer.alloc(70_000)), 'STGD');
  t.is(codeIn(await client.request('STGE', nextMessageId(), stage(5, 70_000, 0, Buffer.alloc(10)))), 'KV_OVERLOADED');
  await session.write('PUTK', { key: 'fifth', flags: STAGED, payload: stageReference(1, 70_000) });
  t.is(await sendStage(client, 5, Buffer.alloc(70_000)), 'STGD');
  client.destroy();
});

test('a write that is refused uses its stage up', async (t) => {
  const { client, session } = await peer();
  for (let number = 1; number <= 10; number += 1) {
    t.is(await sendStage(client, number, Buffer.alloc(70_000)), 'STGD');
    const late = { key: 'late', flags: STAGED, payload: stageReference(number, 70_000), timeLeftMs: 0 };
    t.is(codeIn(await session.write('PUTK', late)), 'KV_DEADLINE');
  }
  client.destroy();
});

test('a stage that nobody will name is dropped', async (t) => {
  const { client, session } = await peer();
  for (let number = 1; number <= 10; number += 1) {
    t.is(await sendStage(client, number, Buffer.alloc(70_000)), 'STGD');
    client.send('DROP', number);
  }
  const named = await session.write('PUTK', { key: 'dropped', flags: STAGED, payload: stageReference(10, 70_000) });
  t.is(codeIn(named), 'KV_BAD_REQUEST');
  client.destroy();
});

test('a value too large for the memory limit is KV_OUT_OF_MEMORY before it is sent', async (t) => {
  const small = await startNode({ port: 0, logLevel: 'silent', partitions: 1, maxMemoryBytes: 4 * 1024 * 1024 });
  await small.ready();
  const client = await RawClient.login(small.address);
  const piece = stage(1, 8 * 1024 * 1024, 0, Buffer.alloc(100));
  t.is(codeIn(await client.request('STGE', 1, piece)), 'KV_OUT_OF_MEMORY');
  t.is((await new RawSession(client, 1).write('PUTK', { key: 'small', payload: 'x' })).opcode, 'DONE');
  client.destroy();
  await small.close();
});

test('far more than a connection queues is answered, whether or not there is a socket in between', async (t) => {
  const remote = await connect(`keyval://${node.address}`, { codec: 'buffer' });
  const local = await node.client<Uint8Array>({ codec: 'buffer' });
  const value = Buffer.alloc(60_000, 1);
  await remote.put('asked often', value);
  for (const kv of [remote, local]) {
    const values = await Promise.all(Array.from({ length: 300 }, () => kv.get('asked often')));
    t.true(values.every((one) => one?.length === value.length));
    await kv.close();
  }
});

test('a node that closes sends a large value that is under way to its end', async (t) => {
  const closing = await startNode({ port: 0, logLevel: 'silent', partitions: 1 });
  await closing.ready();
  const kv = await closing.client<Uint8Array>({ codec: 'buffer' });
  const value = Buffer.alloc(16 * 1024 * 1024, 3);
  await kv.put('under way', value);
  const client = await RawClient.login(closing.address);
  const reading = getLarge(client, 'under way');
  await client.request('PING', nextMessageId());
  await Promise.all([closing.close(), kv.close()]);
  t.is(Buffer.compare(await reading, value), 0);
  await client.closed;
});

test('the library sends and reads large values, up to 64 MiB', async (t) => {
  const kv = await connect(`keyval://${node.address}`, { codec: 'buffer', timeoutMs: 20_000 });
  for (const bytes of [INLINE_VALUE_BYTES_MAX, INLINE_VALUE_BYTES_MAX + 1, VALUE_BYTES_MAX]) {
    const value = Buffer.alloc(bytes, bytes & 255);
    await kv.put('library', value);
    t.is(Buffer.compare((await kv.get('library')) as Buffer, value), 0, String(bytes));
  }
  await t.throwsAsync(kv.put('library', Buffer.alloc(VALUE_BYTES_MAX + 1)), { code: 'KV_TOO_LARGE' });
  await kv.close();
});
