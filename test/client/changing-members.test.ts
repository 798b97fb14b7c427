/** Members come and go; the client keeps a connection to each, and finds back when all are gone. */
import test from 'ava';
import { KeyvalError } from '../../src/errors.ts';
import * as op from '../../src/protocol/opcode.ts';
import { number } from '../../tools/fuzz/world/frames.ts';
import { A, B, C, ClientWorld } from './support/world.ts';

const D = '127.0.0.4:6234';
const table = { version: 1, primaries: [0] };

test('a new member gets a connection; one that is gone loses it once nothing is awaited from it', async (t) => {
  const world = await ClientWorld.connected({ version: 1, primaries: [2] });
  const get = world.client.get('key');
  const ping = world.client.ping(C);
  await world.rest();
  const [asked, pinged] = world.end(C).asked();
  await world.end(A).push({ version: 2, primaries: [0], members: [A, B, '', D] });
  t.deepEqual(world.dialled, [A, B, C, D]);
  t.false(world.end(C).channel.ending, 'the ping is still awaited');
  await world.end(C).say(op.PONG, pinged?.messageId ?? 0);
  await ping;
  await world.end(C).say(op.GOTK, asked?.messageId ?? 0, 1, number(8, 5n), number(6, 0), 'of a former primary');
  await world.pass(100);
  t.true(world.end(C).channel.closed);
  t.is(world.told.at(-1), `${C} disconnected`);
  const again = world.end(A).only();
  await world.end(A).say(op.GOTK, again.messageId, 0, number(8, 0n), number(6, 0));
  t.is(await get, null);
  await world.pass(5000);
  t.is(world.dialled.filter((endpoint) => endpoint === C).length, 1, 'nobody dials it any more');
});

test('places without a member are left out of ping and status', async (t) => {
  const world = await ClientWorld.connected(table);
  await world.end(A).push({ version: 2, primaries: [0], members: [A, '', C] });
  const ping = world.client.ping();
  const status = world.client.status();
  await world.rest();
  for (const endpoint of [A, C]) {
    const [pinged, asked] = world.end(endpoint).asked();
    await world.end(endpoint).say(op.PONG, pinged?.messageId ?? 0);
    await world.end(endpoint).say(op.STAD, asked?.messageId ?? 0, '{}');
  }
  t.deepEqual(
    (await ping).map(({ node }) => node),
    [A, C],
  );
  t.deepEqual(
    (await status).nodes.map(({ endpoint, state }) => [endpoint, state]),
    [
      [A, 'up'],
      [C, 'up'],
    ],
  );
});

test('one node under two names in the table has one connection', async (t) => {
  const world = await ClientWorld.connected(table);
  await world.end(A).push({ version: 2, primaries: [3], members: [A, B, C, A] });
  const ping = world.client.ping();
  await world.rest();
  t.deepEqual(
    world
      .end(A)
      .asked()
      .map(({ opcode }) => opcode),
    ['PING'],
  );
  void ping.catch(() => undefined);
});

test('an address that was given and is no member: let go while members are reached, come back to otherwise', async (t) => {
  const given = '10.0.0.1:6234';
  const world = new ClientWorld([given]);
  await world.rest();
  await world.end(given).welcome(table);
  t.false(world.end(given).channel.closed, 'no member is reached yet');
  await world.end(A).welcome(table);
  t.true(world.end(given).channel.closed);
  for (const endpoint of [A, B, C]) world.unreachable.add(endpoint);
  for (const endpoint of [A, B, C]) await world.end(endpoint).break();
  t.is(world.dialled.filter((one) => one === given).length, 2);
  await world.end(given).welcome({ version: 7, primaries: [0], members: [D] });
  t.true(world.dialled.includes(D));
  void world.client.get('key').catch(() => undefined);
  await world.rest();
  await world.end(D).welcome({ version: 7, primaries: [0], members: [D] });
  t.is(world.end(D).only().opcode, 'GETK');
});

test('a connection that broke is dialled anew, and its table counts if it is newer', async (t) => {
  const world = await ClientWorld.connected({ version: 5, primaries: [0] });
  await world.end(B).break();
  await world.pass(1000);
  await world.end(B).welcome({ version: 4, primaries: [1] });
  void world.client.get('key').catch(() => undefined);
  await world.rest();
  t.is(world.end(A).only().opcode, 'GETK');
  await world.end(B).break();
  await world.pass(1000);
  await world.end(B).welcome({ version: 6, primaries: [1] });
  t.is(world.end(B).only().opcode, 'GETK');
});

test('a cluster that was founded anew begins its versions anew', async (t) => {
  const world = await ClientWorld.connected({ version: 900, primaries: [0] });
  for (const endpoint of [A, B, C]) await world.end(endpoint).break();
  await world.pass(1000);
  await world.end(B).welcome({ version: 3, primaries: [1] }, 'c2');
  void world.client.get('key').catch(() => undefined);
  await world.rest();
  t.is(world.end(B).only().opcode, 'GETK');
});

test('a node that has an older table of the same cluster does not turn the client back, even alone', async (t) => {
  const world = await ClientWorld.connected({ version: 900, primaries: [0] });
  for (const endpoint of [A, B, C]) await world.end(endpoint).break();
  await world.pass(1000);
  await world.end(B).welcome({ version: 3, primaries: [1] }, 'c1');
  void world.client.get('key').catch(() => undefined);
  await world.rest();
  t.deepEqual(world.end(B).asked(), []);
});

test('a node of another founding is not spoken to while the known cluster is reached', async (t) => {
  const world = await ClientWorld.connected({ version: 5, primaries: [1] });
  const refusals: unknown[] = [];
  world.client.on('status', ({ state, error }) => {
    if (state === 'refused') refusals.push(error?.code);
  });
  await world.end(B).break();
  await world.pass(1000);
  await world.end(B).welcome({ version: 900, primaries: [1] }, 'c2');
  t.deepEqual(refusals, ['KV_WRONG_CLUSTER']);
  void world.client.get('key').catch(() => undefined);
  await world.rest();
  t.deepEqual(world.end(B).asked(), []);
});

test('before the founding requests wait; the first table of the cluster wakes them', async (t) => {
  const world = new ClientWorld([A, B]);
  await world.rest();
  await world.end(A).welcome({ version: 0, primaries: [0xffff], members: [], self: 0xffff }, '');
  await world.end(B).welcome({ version: 0, primaries: [0xffff], members: [A, B], self: 1 }, '');
  const get = world.client.get('key');
  await world.rest();
  t.deepEqual([...world.end(A).asked(), ...world.end(B).asked()], []);
  await world.end(B).push({ version: 1, primaries: [0, 1, 0, 1], members: [A, B] });
  const asked = [A, B].flatMap((endpoint) =>
    world
      .end(endpoint)
      .asked()
      .map((one) => ({ endpoint, ...one })),
  );
  t.is(asked.length, 1);
  const [{ endpoint, messageId }] = asked as [(typeof asked)[0]];
  await world.end(endpoint).say(op.GOTK, messageId, 0, number(8, 0n), number(6, 0));
  t.is(await get, null);
});

test('a check of a partition without a primary says so', async (t) => {
  const world = await ClientWorld.connected(table);
  await world.end(A).push({ version: 2, primaries: [0xffff] });
  for await (const { verdict, reason } of world.client.check()) {
    t.is(verdict, 'unknown');
    t.is(reason, 'the partition has no primary at present');
  }
});

test('a check begins again at the primary that it is sent to', async (t) => {
  const world = await ClientWorld.connected(table);
  const check = world.client.check()[Symbol.asyncIterator]().next();
  await world.rest();
  await world.end(A).moved(world.end(A).only(), 1);
  t.is(world.end(B).only().opcode, 'HASH');
  void check.catch((error: unknown) => t.true(error instanceof KeyvalError));
});

for (const [reads, flag] of [
  ['strict', 16],
  ['lease', 32],
  ['stale', 48],
] as const) {
  test(`reads: '${reads}', by the client or by one request, in GETK and SCAN`, async (t) => {
    const [plain, all] = [await ClientWorld.connected(table), await ClientWorld.connected(table, { reads })];
    void plain.client.get('key').catch(() => undefined);
    void plain.client.getEntry('key', { reads }).catch(() => undefined);
    void plain.client
      .scan({ reads })
      [Symbol.asyncIterator]()
      .next()
      .catch(() => undefined);
    void all.client.get('key').catch(() => undefined);
    void all.client
      .scan({ values: false })
      [Symbol.asyncIterator]()
      .next()
      .catch(() => undefined);
    await plain.rest();
    await all.rest();
    // Stale gets may be asked anywhere.
    const flagsAsked = (world: ClientWorld): (number | undefined)[] =>
      [A, B, C].flatMap((node) => world.end(node).asked()).flatMap(({ body }) => body[4]);
    t.deepEqual(flagsAsked(plain).sort(), [0, flag, flag | 1].sort());
    t.deepEqual(flagsAsked(all), [flag, flag]);
  });
}

test('reads that there are not', async (t) => {
  const world = await ClientWorld.connected(table);
  await t.throwsAsync(world.client.get('key', { reads: 'dirty' as 'stale' }), { code: 'KV_USAGE' });
});
