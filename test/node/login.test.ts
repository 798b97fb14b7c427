/** Who is let in, over real sockets. */
import { createHmac } from 'node:crypto';
import test from 'ava';
import { type ConnectOptions, connect, KeyvalError, startNode } from '../../src/index.ts';
import { frame, hello, peerHello } from '../helpers/bodies.ts';
import { describe, RawClient, type RawFrame } from '../helpers/raw-client.ts';
import { codeIn } from '../helpers/raw-session.ts';
import { Witness } from '../helpers/witness.ts';

const SECRET = 'the secret of this cluster';

const open = await startNode({ port: 0, logLevel: 'silent' });
const secured = await startNode({ port: 0, logLevel: 'silent', secret: SECRET, cluster: 'vault' });
await Promise.all([open.ready(), secured.ready()]);
const witness = await Witness.of(open.address);

test.afterEach.always(() => witness.check());
test.after.always(async () => {
  await witness.close();
  await Promise.all([open.close(), secured.close()]);
});

/** What a node says to a first frame; the connection is closed afterwards. */
async function refusal(address: string, body: Uint8Array): Promise<RawFrame> {
  const client = await RawClient.connect(address);
  client.send('HELO', 0, body);
  const said = await client.next();
  await client.closed;
  return said;
}

async function connectError(address: string, options: ConnectOptions): Promise<KeyvalError> {
  try {
    const client = await connect(`keyval://${address}`, { connectTimeoutMs: 3000, ...options });
    await client.close();
  } catch (error) {
    if (error instanceof KeyvalError) return error;
  }
  throw new Error('it was let in');
}

test('another cluster: KV_WRONG_CLUSTER, and both names', async (t) => {
  const said = await refusal(open.address, hello({ cluster: 'another' }));
  t.is(codeIn(said), 'KV_WRONG_CLUSTER');
  t.regex(describe(said), /'keyval'.*'another'/);
});

test('the library says so too', async (t) => {
  t.is((await connectError(open.address, { cluster: 'another' })).code, 'KV_WRONG_CLUSTER');
});

test('versions that do not meet: KV_VERSION, and both ranges', async (t) => {
  const said = await refusal(open.address, hello({ versionOldest: 2, version: 9 }));
  t.is(codeIn(said), 'KV_VERSION');
  t.regex(describe(said), /versions 2 to 9, this node 1 to 1/);
  t.is(codeIn(await refusal(open.address, hello({ versionOldest: 0, version: 0 }))), 'KV_VERSION');
});

test('a newer caller that still understands version 1 is let in with it', async (t) => {
  const client = await RawClient.connect(open.address);
  client.send('HELO', 0, Buffer.concat([hello({ version: 7 }), Buffer.from('what version 7 appends')]));
  const welcome = await client.next();
  t.is(welcome.opcode, 'WLCM');
  t.is(welcome.body.readUInt16BE(0), 1);
  client.destroy();
});

test('the right secret proves both sides', async (t) => {
  const client = await RawClient.connect(secured.address);
  const own = hello({ cluster: 'vault' });
  client.send('HELO', 0, own);
  const challenge = await client.next();
  t.is(challenge.opcode, 'CHAL');
  const proof = (side: string): Buffer =>
    createHmac('sha256', SECRET).update(side).update(own).update(challenge.body).digest();
  client.send('PROV', 0, proof('caller'));
  const welcome = await client.next();
  t.is(welcome.opcode, 'WLCM');
  t.deepEqual(welcome.body.subarray(10, 42), proof('callee'));
  t.is((await client.request('PING', 1)).opcode, 'PONG');
  client.destroy();
});

for (const [title, proof] of [
  ['a wrong secret', Buffer.alloc(32, 1)],
  ['an empty proof', Buffer.alloc(0)],
  ['a proof that is too long', Buffer.alloc(100)],
] as const) {
  test(`${title}: KV_UNAUTHORIZED, closed`, async (t) => {
    const client = await RawClient.connect(secured.address);
    client.send('HELO', 0, hello({ cluster: 'vault' }));
    t.is((await client.next()).opcode, 'CHAL');
    client.send('PROV', 0, proof);
    t.is(codeIn(await client.next()), 'KV_UNAUTHORIZED');
    await client.closed;
  });
}

test('who goes on without a proof is closed', async (t) => {
  for (const [opcode, body] of [
    ['PING', Buffer.alloc(0)],
    ['HELO', hello({ cluster: 'vault' })],
  ] as const) {
    const client = await RawClient.connect(secured.address);
    client.sendBytes(Buffer.concat([frame('HELO', 0, hello({ cluster: 'vault' })), frame(opcode, 1, body)]));
    t.is((await client.next()).opcode, 'CHAL');
    t.is(codeIn(await client.next()), 'KV_BAD_FRAME');
    await client.closed;
  }
});

test('a missing or a wrong secret in the library: KV_UNAUTHORIZED', async (t) => {
  const missing = await connectError(secured.address, { cluster: 'vault' });
  t.is(missing.code, 'KV_UNAUTHORIZED');
  t.regex(missing.message, /--secret-file/);
  t.is((await connectError(secured.address, { cluster: 'vault', secret: 'wrong' })).code, 'KV_UNAUTHORIZED');
});

test('a node without a secret is refused by a client that has one', async (t) => {
  t.is((await connectError(open.address, { secret: SECRET })).code, 'KV_UNAUTHORIZED');
});

test('with the secret the library is let in', async (t) => {
  const client = await connect(`keyval://${secured.address}`, { cluster: 'vault', secret: SECRET });
  await client.put('key', 'value');
  t.is(await client.get('key'), 'value');
  await client.close();
});

test('a node must prove itself before it is compared', async (t) => {
  const peer = peerHello({ address: '10.0.0.9:6234', members: ['10.0.0.9:6234'] });
  const client = await RawClient.connect(secured.address);
  client.send('HELO', 0, hello({ cluster: 'vault', role: 1, peer }));
  t.is((await client.next()).opcode, 'CHAL');
  client.send('PROV', 0, Buffer.alloc(32));
  t.is(codeIn(await client.next()), 'KV_UNAUTHORIZED');
  await client.closed;
});

test('who does not log in is closed after a while, whether it says nothing or half of it', async (t) => {
  const silent = await RawClient.connect(open.address);
  const slow = await RawClient.connect(open.address);
  slow.sendBytes(frame('HELO', 0, hello()).subarray(0, 20));
  const unproven = await RawClient.connect(secured.address);
  unproven.send('HELO', 0, hello({ cluster: 'vault' }));
  await Promise.all([silent.closed, slow.closed, unproven.closed]);
  t.pass();
});

test('one connection too many is refused with KV_OVERLOADED, and there is room again when one has gone', async (t) => {
  const small = await startNode({ port: 0, logLevel: 'silent', maxConnections: 2 });
  const clients: RawClient[] = [];
  let refused: RawFrame | null = null;
  while (refused === null && clients.length < 20) {
    const client = await RawClient.connect(small.address);
    client.send('HELO', 0, hello());
    const said = await client.next();
    if (said.opcode !== 'WLCM') refused = said;
    else clients.push(client);
  }
  t.is(refused === null ? '' : codeIn(refused), 'KV_OVERLOADED');
  t.true(clients.length >= 2);
  for (const client of clients) t.is((await client.request('PING', 1)).opcode, 'PONG');
  clients[0]?.destroy();
  await untilLetIn(small.address, clients[1] as RawClient);
  for (const client of clients) client.destroy();
  await small.close();
});

/** The node hears a moment later that a connection has gone: `other` keeps it busy until then. */
async function untilLetIn(address: string, other: RawClient): Promise<void> {
  for (let opcode = '', round = 1; opcode !== 'WLCM'; round += 1) {
    for (let id = 1; id <= round; id += 1) await other.request('PING', id);
    const client = await RawClient.connect(address);
    client.send('HELO', 0, hello());
    opcode = (await client.next()).opcode;
    client.destroy();
    await client.closed;
  }
}
