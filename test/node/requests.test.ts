/** Every request over a real socket, as PROTOCOL.md has it. */
import test from 'ava';
import { connect, startNode } from '../../src/index.ts';
import * as bodies from '../helpers/bodies.ts';
import { RawClient, type RawFrame } from '../helpers/raw-client.ts';
import { codeIn, nextMessageId, partitionOf, RawSession, revisionIn } from '../helpers/raw-session.ts';

const PARTITIONS = 4;
const node = await startNode({ port: 0, logLevel: 'silent', partitions: PARTITIONS });
await node.ready();
const client = await RawClient.login(node.address);
const session = new RawSession(client, PARTITIONS);

test.after.always(async () => {
  client.destroy();
  await node.close();
});

function request(opcode: string, body?: Uint8Array): Promise<RawFrame> {
  return client.request(opcode, nextMessageId(), body);
}

/** Flags, revision, time to live, value. */
async function get(
  key: string | Uint8Array,
): Promise<{ found: boolean; revision: bigint; ttlMs: number; value: Buffer }> {
  const { opcode, body } = await request('GETK', bodies.getk(key));
  if (opcode !== 'GOTK') throw new Error(opcode);
  return {
    found: body.readUInt8(0) === 1,
    revision: body.readBigUInt64BE(1),
    ttlMs: body.readUIntBE(9, 6),
    value: body.subarray(15),
  };
}

/** Outcome and revision of a DONE. */
function done(reply: RawFrame): { applied: boolean; revision: bigint } {
  if (reply.opcode !== 'DONE') throw new Error(codeIn(reply));
  return { applied: reply.body.readUInt8(0) === 1, revision: revisionIn(reply) };
}

const everyByte = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));

for (const [title, key, value] of [
  ['any byte', everyByte, everyByte],
  ['a NUL', Buffer.from([0]), Buffer.from([0])],
  ['bytes that are no UTF-8', Buffer.from([0xff, 0xfe, 0xc0]), Buffer.from([0xff, 0xc0, 0x80])],
  ['an empty value', Buffer.from('empty'), Buffer.alloc(0)],
  ['the longest key', Buffer.alloc(65_535, 0x6b), Buffer.from('value')],
  ['the largest value of one frame', Buffer.from('64 KiB'), Buffer.alloc(65_536, 0xee)],
] as const) {
  test(`${title}: stored and found as it was`, async (t) => {
    const { applied, revision } = done(await session.write('PUTK', { key, payload: value }));
    t.true(applied);
    const found = await get(key);
    t.true(found.found);
    t.is(found.revision, revision);
    t.is(found.ttlMs, 0);
    t.is(Buffer.compare(found.value, value), 0);
  });
}

test('a key that is not there has no value and revision 0', async (t) => {
  t.deepEqual(await get('never stored'), { found: false, revision: 0n, ttlMs: 0, value: Buffer.alloc(0) });
});

test('revisions grow with every write', async (t) => {
  const first = done(await session.write('PUTK', { key: 'grows', payload: 'a' }));
  const second = done(await session.write('PUTK', { key: 'grows', payload: 'b' }));
  t.true(second.revision > first.revision);
});

test('ifRevision 0: only if the key is absent', async (t) => {
  const absent = { key: 'absent', flags: bodies.IF_REVISION, revision: 0n };
  const first = done(await session.write('PUTK', { ...absent, payload: 'first' }));
  const second = done(await session.write('PUTK', { ...absent, payload: 'second' }));
  t.true(first.applied);
  t.deepEqual(second, { applied: false, revision: first.revision });
  t.is((await get('absent')).value.toString(), 'first');
});

test('compare and set: under its revision, once', async (t) => {
  const stored = done(await session.write('PUTK', { key: 'swap', payload: 'a' }));
  const swap = { key: 'swap', flags: bodies.IF_REVISION, revision: stored.revision };
  const swapped = done(await session.write('CASK', { ...swap, payload: 'b' }));
  t.true(swapped.applied);
  t.deepEqual(done(await session.write('CASK', { ...swap, payload: 'c' })), {
    applied: false,
    revision: swapped.revision,
  });
  t.is((await get('swap')).value.toString(), 'b');
});

test('a delete says whether there was anything, and may have a condition', async (t) => {
  const { revision } = done(await session.write('PUTK', { key: 'gone', payload: 'x' }));
  const wrong = done(await session.write('DELK', { key: 'gone', flags: bodies.IF_REVISION, revision: revision + 1n }));
  t.deepEqual(wrong, { applied: false, revision });
  const right = done(await session.write('DELK', { key: 'gone', flags: bodies.IF_REVISION, revision }));
  t.true(right.applied && right.revision > revision);
  t.deepEqual(done(await session.write('DELK', { key: 'gone' })), { applied: true, revision: 0n });
  t.false((await get('gone')).found);
});

test('INCR adds to decimal text, and says the sum', async (t) => {
  const add = async (by: bigint): Promise<bigint> => {
    const reply = await session.write('INCR', { key: 'count', payload: bodies.i64(by) });
    return reply.body.readBigInt64BE(9);
  };
  t.is(await add(5n), 5n);
  t.is(await add(-7n), -2n);
  t.is((await get('count')).value.toString(), '-2');
});

test('INCR of a text, or past 64 bits, is KV_NOT_INTEGER and changes nothing', async (t) => {
  await session.write('PUTK', { key: 'text', payload: 'twelve' });
  t.is(codeIn(await session.write('INCR', { key: 'text', payload: bodies.i64(1n) })), 'KV_NOT_INTEGER');
  await session.write('PUTK', { key: 'most', payload: String(2n ** 63n - 1n) });
  t.is(codeIn(await session.write('INCR', { key: 'most', payload: bodies.i64(1n) })), 'KV_NOT_INTEGER');
  t.is((await get('most')).value.toString(), String(2n ** 63n - 1n));
});

test('a time to live is told, and ends', async (t) => {
  await session.write('PUTK', { key: 'minute', payload: 'x', span: 60_000 });
  const { ttlMs } = await get('minute');
  t.true(ttlMs > 0 && ttlMs <= 60_000);
  await session.write('PUTK', { key: 'moment', payload: 'x', span: 1 });
  while ((await get('moment')).found);
  t.pass();
});

const withoutTime: readonly [opcode: string, body: () => Promise<Buffer>][] = [
  ['GETK', async () => bodies.getk('late', 0)],
  ['SCAN', async () => bodies.scan({ partition: 0, timeLeftMs: 0 })],
  ['ATCH', async () => bodies.attach({ partition: 0, session: session.id, timeLeftMs: 0 })],
  ['PUTK', () => session.body({ key: 'late', payload: 'x', timeLeftMs: 0 })],
  ['DELK', () => session.body({ key: 'late', timeLeftMs: 0 })],
  ['LCKK', () => session.body({ key: 'late', timeLeftMs: 0 })],
];

for (const [opcode, body] of withoutTime) {
  test(`${opcode} without time left is not started: KV_DEADLINE`, async (t) => {
    t.is(codeIn(await request(opcode, await body())), 'KV_DEADLINE');
    t.false((await get('late')).found);
  });
}

test('requests of one batch are answered one by one, in order', async (t) => {
  const [first, second, third] = [nextMessageId(), nextMessageId(), nextMessageId()];
  const put = await session.body({ key: 'batched', payload: 'x' });
  const inner = [
    bodies.frame('PUTK', first, put),
    bodies.frame('GETK', second, bodies.getk('batched')),
    bodies.frame('GETK', third, bodies.getk('')),
  ];
  client.send('BTCH', nextMessageId(), Buffer.concat(inner));
  t.is((await client.reply(first)).opcode, 'DONE');
  t.is((await client.reply(second)).body.toString('utf8', 15), 'x');
  t.is(codeIn(await client.reply(third)), 'KV_BAD_KEY');
});

test('a batch inside a batch, or one that is cut, is KV_BAD_REQUEST, and none of it is handled', async (t) => {
  const ping = (id: number): Buffer => bodies.frame('PING', id);
  for (const broken of [
    bodies.frame('BTCH', 1, ping(2)),
    ping(1).subarray(0, -1),
    bodies.frame('PING', 1, Buffer.alloc(0), 7),
    bodies.frame('PING', 1, Buffer.alloc(0), 9),
  ]) {
    const own = await RawClient.login(node.address);
    own.send('BTCH', 7, Buffer.concat([ping(8), broken]));
    const first = await own.next();
    t.deepEqual([first.messageId, codeIn(first)], [7, 'KV_BAD_REQUEST']);
    own.destroy();
  }
});

test('a scan brings every key of a partition once, page by page', async (t) => {
  const keys = Array.from({ length: 50 }, (_, index) => `scan:{same}:${index}`);
  for (const key of keys) await session.write('PUTK', { key, payload: key.toUpperCase() });
  const partition = partitionOf('{same}', PARTITIONS);
  const found: [string, string][] = [];
  let cursor = 0;
  do {
    const page = await request('SCAN', bodies.scan({ partition, cursor, entriesMax: 7, prefix: 'scan:' }));
    t.is(page.opcode, 'SCND');
    const entries = entriesOf(page.body);
    t.true(entries.length <= 7);
    found.push(...entries);
    cursor = page.body.readUInt32BE(10);
  } while (cursor !== 0);
  t.deepEqual(found.sort(), keys.map((key): [string, string] => [key, key.toUpperCase()]).sort());
});

/** Key and value of every entry of a page. */
function entriesOf(body: Buffer): [string, string][] {
  const entries: [string, string][] = [];
  let at = 18;
  for (let left = body.readUInt32BE(14); left > 0; left -= 1) {
    const keyEnd = at + 20 + body.readUInt16BE(at);
    const valueEnd = keyEnd + body.readUInt32BE(at + 2);
    entries.push([body.toString('utf8', at + 20, keyEnd), body.toString('utf8', keyEnd, valueEnd)]);
    at = valueEnd;
  }
  if (at !== body.length) throw new Error('bytes behind the last entry');
  return entries;
}

test('a scan without values, from any cursor, is answered', async (t) => {
  await session.write('PUTK', { key: 'cursor', payload: 'x' });
  const partition = partitionOf('cursor', PARTITIONS);
  for (const cursor of [0, 1, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff]) {
    t.is((await request('SCAN', bodies.scan({ partition, cursor, values: false }))).opcode, 'SCND');
  }
  const page = await request('SCAN', bodies.scan({ partition, values: false, prefix: 'cursor' }));
  t.is(page.body.readUInt32BE(18 + 2), 0xffff_ffff);
});

test('PING comes back as it was', async (t) => {
  const { opcode, body } = await request('PING', everyByte);
  t.is(opcode, 'PONG');
  t.deepEqual(body, everyByte);
});

test('STAT is a JSON object, TABL the table of the welcome', async (t) => {
  const stat = await request('STAT');
  t.like(JSON.parse(stat.body.toString()), { cluster: 'keyval', keptIn: 'memory' });
  const table = await request('TABL');
  t.is(table.opcode, 'TABL');
  t.is(table.body.readUInt16BE(4), PARTITIONS);
});

test('a key of 65,536 bytes cannot be said on the wire; the library refuses it with KV_BAD_KEY', async (t) => {
  const kv = await connect(`keyval://${node.address}`);
  for (const key of ['k'.repeat(65_536), Buffer.alloc(65_536), 'é'.repeat(32_768), '']) {
    await t.throwsAsync(kv.get(key), { code: 'KV_BAD_KEY' });
    await t.throwsAsync(kv.put(key, 'x'), { code: 'KV_BAD_KEY' });
  }
  await kv.put('k'.repeat(65_535), 'x');
  t.is(await kv.get('k'.repeat(65_535)), 'x');
  await kv.close();
});
