/** What no well-behaved peer sends, over real sockets: each is told so or closed, the node lives, others do not notice. */
import test from 'ava';
import { startNode } from '../../src/index.ts';
import { CLIENT_FRAME_LENGTH_MAX, FRAME_LENGTH_MAX, LOGIN_FRAME_LENGTH_MAX } from '../../src/protocol/limits.ts';
import { frame, getk, hello, u16, u32 } from '../helpers/bodies.ts';
import { describe, RawClient } from '../helpers/raw-client.ts';
import { codeIn } from '../helpers/raw-session.ts';
import { Witness } from '../helpers/witness.ts';

const node = await startNode({ port: 0, logLevel: 'silent' });
await node.ready();
const witness = await Witness.of(node.address);

test.afterEach.always(() => witness.check());
test.after.always(async () => {
  await witness.close();
  await node.close();
});

const empty = Buffer.alloc(0);

/** Nobody could mean these as frames: title, bytes. */
const garbage: readonly [title: string, bytes: Uint8Array][] = [
  ['a length of 0', frame('HELO', 0, empty, 0)],
  ['a length of 7', frame('HELO', 0, empty, 7)],
  ['a length of 2³²−1', frame('HELO', 0, empty, 0xffff_ffff)],
  ['a TLS client hello', Buffer.from('16030100f8010000f40303', 'hex')],
  ['a Redis command', Buffer.from('*1\r\n$4\r\nPING\r\n')],
  ['bytes of 0xff', Buffer.alloc(10_000, 0xff)],
  ['bytes of 0', Buffer.alloc(10_000)],
];

const tooLongBeforeLogin: readonly [title: string, bytes: Uint8Array][] = [
  ['a frame over the limit before the login', frame('HELO', 0, empty, LOGIN_FRAME_LENGTH_MAX + 1)],
  ['an oversized HELO', frame('HELO', 0, Buffer.concat([hello(), Buffer.alloc(LOGIN_FRAME_LENGTH_MAX)]))],
];

for (const [title, bytes] of [...garbage, ...tooLongBeforeLogin]) {
  test(`before the login, ${title}: KV_BAD_FRAME, closed`, async (t) => {
    const client = await RawClient.connect(node.address);
    client.sendBytes(bytes);
    const said = await client.next();
    t.is(codeIn(said), 'KV_BAD_FRAME');
    t.is(said.messageId, 0);
    t.regex(describe(said), /a frame of \d+ bytes was announced; 8 to 4096 are allowed before the login/);
    await client.closed;
  });
}

const tooLongAfterLogin: readonly [title: string, bytes: Uint8Array][] = [
  ['an HTTP request', Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')],
  ['a length over the limit of clients', frame('PUTK', 1, empty, CLIENT_FRAME_LENGTH_MAX + 1)],
  ['a length over the limit', frame('PUTK', 1, empty, FRAME_LENGTH_MAX + 1)],
];

for (const [title, bytes] of [...garbage, ...tooLongAfterLogin]) {
  test(`after the login, ${title}: KV_BAD_FRAME, closed`, async (t) => {
    const client = await RawClient.login(node.address);
    client.sendBytes(bytes);
    const said = await client.next();
    t.is(codeIn(said), 'KV_BAD_FRAME');
    t.is(said.messageId, 0);
    await client.closed;
  });
}

test('what was asked before the garbage is answered', async (t) => {
  const client = await RawClient.login(node.address);
  client.sendBytes(
    Buffer.concat([frame('PING', 1), frame('GETK', 2, getk('key')), frame('PING', 3, empty, 3), frame('PING', 4)]),
  );
  t.is((await client.next()).opcode, 'PONG');
  t.is((await client.next()).opcode, 'GOTK');
  t.is(codeIn(await client.next()), 'KV_BAD_FRAME');
  await client.closed;
});

/** First frames that are frames, and not what a login begins with: title, bytes, code. */
const badLogins: readonly [title: string, bytes: Uint8Array, code: string][] = [
  ['a request', frame('GETK', 5, getk('key')), 'KV_BAD_FRAME'],
  ['a frame between nodes', frame('APND', 0, Buffer.alloc(100)), 'KV_BAD_FRAME'],
  ['a proof that nobody asked for', frame('PROV', 0, Buffer.alloc(32)), 'KV_BAD_FRAME'],
  ['an unknown opcode', frame('\0\xff\n ', 0), 'KV_BAD_FRAME'],
  ['an empty HELO', frame('HELO', 0), 'KV_BAD_REQUEST'],
  ['a HELO cut short', frame('HELO', 0, hello().subarray(0, -1)), 'KV_BAD_REQUEST'],
  [
    'a name that is not UTF-8',
    frame('HELO', 0, Buffer.concat([hello({ name: '' }).subarray(0, -1), Buffer.from([1, 0xff])])),
    'KV_BAD_REQUEST',
  ],
  ['a role that does not exist', frame('HELO', 0, hello({ role: 9 })), 'KV_BAD_REQUEST'],
];

for (const [title, bytes, code] of badLogins) {
  test(`${title} instead of a login: ${code}, closed`, async (t) => {
    const client = await RawClient.connect(node.address);
    client.sendBytes(bytes);
    t.is(codeIn(await client.next()), code);
    await client.closed;
  });
}

test('a second login on one connection is an unknown request', async (t) => {
  const client = await RawClient.login(node.address);
  t.is(codeIn(await client.request('HELO', 1, hello())), 'KV_UNKNOWN_OPCODE');
  client.destroy();
});

for (const opcode of ['ZZZZ', 'getk', '\0\0\0\0', '\xff\xff\xff\xff', 'GOTK', 'DONE', 'FAIL', 'APND', 'BEAT']) {
  test(`${JSON.stringify(opcode)} from a client: KV_UNKNOWN_OPCODE, and the connection stays`, async (t) => {
    const client = await RawClient.login(node.address);
    const said = await client.request(opcode, 77, Buffer.alloc(20, 1));
    t.is(codeIn(said), 'KV_UNKNOWN_OPCODE');
    t.is((await client.request('PING', 78)).opcode, 'PONG');
    client.destroy();
  });
}

test('whoever announces a frame and sends nothing more holds up nobody', async (t) => {
  const clients = await Promise.all(Array.from({ length: 20 }, () => RawClient.login(node.address)));
  for (const client of clients)
    client.sendBytes(Buffer.concat([u32(CLIENT_FRAME_LENGTH_MAX), Buffer.from('PUTK'), u32(1)]));
  await witness.check();
  for (const client of clients) client.destroy();
  t.pass();
});

test('who asks and sends no more is answered, then closed', async (t) => {
  const client = await RawClient.login(node.address);
  const asked = Array.from({ length: 5000 }, (_, index) => frame('GETK', index, getk('key')));
  client.socket.end(Buffer.concat(asked));
  await client.reply(0);
  t.is((await client.reply(4999)).opcode, 'GOTK');
  await client.closed;
});

test('a bad frame and the end of the stream in one packet are answered', async (t) => {
  const client = await RawClient.connect(node.address);
  client.socket.end(Buffer.alloc(100, 0xff));
  t.is(codeIn(await client.next()), 'KV_BAD_FRAME');
  await client.closed;
});

test.serial('connections that come and go in the middle of frames leave nothing behind', async (t) => {
  const before = node.status().connections;
  for (let round = 0; round < 50; round += 1) {
    const client = await RawClient.login(node.address);
    client.sendBytes(frame('GETK', 1, getk('key')).subarray(0, round));
    client.destroy();
    await client.closed;
  }
  await witness.check();
  const after = await connectionsOf(before);
  t.is(after, before);
});

/** The node's connections, once they are what they should be. */
async function connectionsOf(expected: unknown): Promise<unknown> {
  for (let look = 0; look < 100 && node.status().connections !== expected; look += 1) await witness.check();
  return node.status().connections;
}

test('a key longer than its request is KV_BAD_REQUEST', async (t) => {
  const client = await RawClient.login(node.address);
  const body = Buffer.concat([u32(1000), Buffer.from([0]), u16(65_535), Buffer.from('short')]);
  t.is(codeIn(await client.request('GETK', 1, body)), 'KV_BAD_REQUEST');
  client.destroy();
});

test('a key of 0 bytes is KV_BAD_KEY', async (t) => {
  const client = await RawClient.login(node.address);
  t.is(codeIn(await client.request('GETK', 1, getk(''))), 'KV_BAD_KEY');
  t.is((await client.request('PING', 2)).opcode, 'PONG');
  client.destroy();
});
