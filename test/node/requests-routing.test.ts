/** Any node takes any request: serves it, forwards it, or says who is primary. Three nodes. */
import { setTimeout } from 'node:timers/promises';
import test from 'ava';
import * as bodies from '../helpers/bodies.ts';
import { LocalCluster } from '../helpers/local-cluster.ts';
import { RawClient, type RawFrame } from '../helpers/raw-client.ts';
import { codeIn, nextMessageId, partitionOf, RawSession, type SessionWrite } from '../helpers/raw-session.ts';

const PORT = 24_110;
const PARTITIONS = 16;
/** Flag of HELO. */
const ROUTES = 1;
const PASSING: ReadonlySet<string> = new Set(['KV_NO_QUORUM', 'KV_UNAVAILABLE', 'KV_AMBIGUOUS']);

const cluster = await LocalCluster.on(PORT, { partitions: PARTITIONS });
const [near] = cluster.addresses as [string, string, string];
const plain = await RawClient.login(near);
const routing = await RawClient.login(near, { flags: ROUTES });
const primaries = primariesIn((await plain.request('TABL', nextMessageId())).body);
const session = new RawSession(plain, PARTITIONS);

test.after.always(async () => {
  plain.destroy();
  routing.destroy();
  await cluster.close();
});

/** By partition: index of the member that is primary. */
function primariesIn(table: Buffer): number[] {
  const start = table.length - 2 * PARTITIONS;
  return Array.from({ length: PARTITIONS }, (_, partition) => table.readUInt16BE(start + 2 * partition));
}

/** A key whose primary is this member. */
function keyAt(member: number, name: string): string {
  for (let number = 0; ; number += 1) {
    const key = `${name} ${number}`;
    if (primaries[partitionOf(key, PARTITIONS)] === member) return key;
  }
}

/** A node that the machine leaves without a processor for long is passed over for a moment: asked again, it is the same. */
async function ask(request: () => Promise<RawFrame>): Promise<RawFrame> {
  let reply = await request();
  for (let again = 0; again < 50 && PASSING.has(codeIn(reply)); again += 1) {
    await setTimeout(100);
    reply = await request();
  }
  return reply;
}

function get(client: RawClient, key: string): Promise<RawFrame> {
  return ask(() => client.request('GETK', nextMessageId(), bodies.getk(key)));
}

async function write(by: RawSession, opcode: string, parts: SessionWrite): Promise<RawFrame> {
  const body = await by.body(parts);
  return ask(() => plain.request(opcode, nextMessageId(), body));
}

test('every node is primary of something', (t) => {
  t.deepEqual([...new Set(primaries)].sort(), [0, 1, 2]);
});

for (const member of [0, 1, 2]) {
  const where = member === 0 ? 'of this node' : `of member ${member}`;

  test(`without routing, writes and reads of a key ${where} are answered`, async (t) => {
    const key = keyAt(member, 'plain');
    t.is((await write(session, 'PUTK', { key, payload: 'value' })).opcode, 'DONE');
    t.is((await get(plain, key)).body.toString('utf8', 15), 'value');
    const sum = await write(session, 'INCR', { key: keyAt(member, 'sum'), payload: bodies.i64(3n) });
    t.is(sum.body.readBigInt64BE(9), 3n);
    t.is((await write(session, 'DELK', { key })).opcode, 'DONE');
    t.is((await get(plain, key)).body.readUInt8(0), 0);
  });

  test(`without routing, locks of a key ${where} are granted and waited for`, async (t) => {
    const key = keyAt(member, 'lock');
    const held = await write(session, 'LCKK', { key });
    t.is(held.opcode, 'LKDK');
    const other = new RawSession(plain, PARTITIONS);
    const id = nextMessageId();
    t.is(codeIn(await other.write('LCKK', { key, span: 60_000 }, id)), 'WAIT');
    await write(session, 'ULKK', { key, revision: held.body.readBigUInt64BE(0) });
    t.is((await plain.reply(id)).opcode, 'LKDK');
  });

  test(`without routing, a partition ${where} is scanned`, async (t) => {
    const key = keyAt(member, 'scan');
    await write(session, 'PUTK', { key, payload: 'value' });
    const partition = partitionOf(key, PARTITIONS);
    const page = await plain.request('SCAN', nextMessageId(), bodies.scan({ partition, prefix: 'scan' }));
    t.is(page.opcode, 'SCND');
    t.true(page.body.readUInt32BE(14) >= 1);
  });

  test(`without routing, errors about a key ${where} come back`, async (t) => {
    const key = keyAt(member, 'text');
    await write(session, 'PUTK', { key, payload: 'text' });
    t.is(codeIn(await write(session, 'INCR', { key, payload: bodies.i64(1n) })), 'KV_NOT_INTEGER');
    t.is(codeIn(await write(session, 'PUTK', { key, attachment: 5n, payload: 'x' })), 'KV_NO_SESSION');
  });
}

for (const member of [1, 2]) {
  test(`with routing, a key of member ${member} is MOVD there, and nothing is done`, async (t) => {
    const key = keyAt(member, 'routes');
    const partition = partitionOf(key, PARTITIONS);
    const attachment = await session.attachment(key);
    const requests: readonly [string, Buffer][] = [
      ['GETK', bodies.getk(key)],
      ['PUTK', bodies.write({ attachment, sequence: 500, mark: 1, key, payload: 'x' })],
      ['LCKK', bodies.write({ attachment, sequence: 501, mark: 1, key })],
      ['ATCH', bodies.attach({ partition, session: session.id })],
      ['SCAN', bodies.scan({ partition })],
    ];
    for (const [opcode, body] of requests) {
      const moved = await routing.request(opcode, nextMessageId(), body);
      t.is(moved.opcode, 'MOVD', opcode);
      t.deepEqual(moved.body, Buffer.concat([bodies.u16(partition), bodies.u16(member), Buffer.of(0)]));
    }
    t.is((await get(plain, key)).body.readUInt8(0), 0);
  });
}

test('with routing, a key of this node is served', async (t) => {
  t.is((await get(routing, keyAt(0, 'served'))).opcode, 'GOTK');
});

test('a retry that takes another way is the same request', async (t) => {
  const key = keyAt(1, 'retry');
  const body = await session.body({ key, payload: bodies.i64(1n) });
  const forwarded = await plain.request('INCR', nextMessageId(), body);
  const direct = await RawClient.login(cluster.addresses[1] as string, { flags: ROUTES, owner: bodies.OWNER });
  t.deepEqual((await direct.request('INCR', nextMessageId(), body)).body, forwarded.body);
  t.is((await get(plain, key)).body.toString('utf8', 15), '1');
  direct.destroy();
});

test('a staged value is not forwarded: MOVD, also without routing', async (t) => {
  const key = keyAt(1, 'staged');
  const id = nextMessageId();
  plain.send('STGE', id, bodies.stage(1, 70_000, 0, Buffer.alloc(70_000)));
  t.is((await plain.reply(id)).opcode, 'STGD');
  const put = await session.write('PUTK', { key, flags: bodies.STAGED, payload: bodies.stageReference(1, 70_000) });
  t.is(put.opcode, 'MOVD');
  t.is(put.body.readUInt16BE(2), 1);
});

test('a large value is read at its primary: KV_MOVED by another way', async (t) => {
  const key = keyAt(2, 'large');
  const direct = await RawClient.login(cluster.addresses[2] as string);
  const own = new RawSession(direct, PARTITIONS);
  const id = nextMessageId();
  direct.send('STGE', id, bodies.stage(1, 70_000, 0, Buffer.alloc(70_000)));
  t.is((await direct.reply(id)).opcode, 'STGD');
  const put = await own.write('PUTK', { key, flags: bodies.STAGED, payload: bodies.stageReference(1, 70_000) });
  t.is(put.opcode, 'DONE');
  t.is((await get(direct, key)).body.readUInt8(0), 3);
  t.is(codeIn(await get(plain, key)), 'KV_MOVED');
  direct.destroy();
});

test('KEEP renews what the node that gets it is primary of', async (t) => {
  const own = new RawSession(plain, PARTITIONS);
  for (const member of [0, 1, 2]) await own.attachment(keyAt(member, 'keep'));
  const partitions = [0, 1, 2].map((member) => partitionOf(keyAt(member, 'keep'), PARTITIONS));
  // A primary renews only while it holds its lease (R12), which a busy machine may let lapse for a moment.
  const keep = (): Promise<RawFrame> => plain.request('KEEP', nextMessageId(), bodies.keep(own.id, partitions));
  let { body } = await keep();
  while (body.readUInt16BE(0) === 0) ({ body } = await keep());
  const [renewed, ...elsewhere] = partitions as [number, number, number];
  t.deepEqual(body, Buffer.concat([1, renewed, 2, ...elsewhere].map(bodies.u16)));
});

test('a batch is answered from all nodes', async (t) => {
  const keys = [0, 1, 2].map((member) => keyAt(member, 'batch'));
  const ids = keys.map(() => nextMessageId());
  const frames = keys.map((key, index) => bodies.frame('GETK', ids[index] as number, bodies.getk(key)));
  plain.send('BTCH', nextMessageId(), Buffer.concat(frames));
  for (const id of ids) t.is((await plain.reply(id)).opcode, 'GOTK');
});

test('nobody who left before the answer holds anything up', async (t) => {
  const key = keyAt(1, 'left');
  for (let round = 0; round < 20; round += 1) {
    const client = await RawClient.login(near);
    client.sendBytes(Buffer.concat(Array.from({ length: 50 }, (_, id) => bodies.frame('GETK', id, bodies.getk(key)))));
    client.destroy();
  }
  t.is((await get(plain, key)).opcode, 'GOTK');
});
