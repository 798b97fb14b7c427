/** L9: fenced writes over real sockets: what a node takes, and what it refuses before anything is appended. */
import test from 'ava';
import { connect, startNode } from '../../src/index.ts';
import { INLINE_VALUE_BYTES_MAX } from '../../src/protocol/limits.ts';
import { FENCED, fence, i64, STAGED, stage, stageReference, u16 } from '../helpers/bodies.ts';
import { RawClient } from '../helpers/raw-client.ts';
import { codeIn, nextMessageId, partitionOf, RawSession, revisionIn } from '../helpers/raw-session.ts';

const PARTITIONS = 4;
const node = await startNode({ port: 0, logLevel: 'silent', partitions: PARTITIONS });
await node.ready();
const client = await RawClient.login(node.address);
const session = new RawSession(client, PARTITIONS);
const TOKEN = revisionIn(await session.write('LCKK', { key: '{job}' }));
const GUARDED = '{job}.state';

test.after.always(async () => {
  client.destroy();
  await node.close();
});

/** Whatever a request's payload is, with a fence behind it. */
function fenced(opcode: string, payload: Uint8Array, key = GUARDED, flags = 0): Promise<string> {
  return session.write(opcode, { key, flags: flags | FENCED, payload }).then(codeIn);
}

test('writes under the lock are taken, under a former token refused', async (t) => {
  const holding = fence(TOKEN, '{job}');
  const former = fence(TOKEN - 1n, '{job}');
  for (const [opcode, payload, key] of [
    ['PUTK', Buffer.from('value'), GUARDED],
    ['INCR', i64(1n), '{job}.n'],
    ['DELK', Buffer.alloc(0), '{job}.n'],
  ] as const) {
    t.is(await fenced(opcode, Buffer.concat([payload, former]), key), 'KV_FENCED', opcode);
    t.is(await fenced(opcode, Buffer.concat([payload, holding]), key), 'DONE', opcode);
  }
});

test('the longest value and a large one', async (t) => {
  const longest = Buffer.alloc(INLINE_VALUE_BYTES_MAX, 1);
  t.is(await fenced('PUTK', Buffer.concat([longest, fence(TOKEN, '{job}')])), 'DONE');
  t.is(await fenced('PUTK', Buffer.concat([longest, Buffer.alloc(1), fence(TOKEN, '{job}')])), 'KV_TOO_LARGE');
  for (const [token, answer] of [
    [TOKEN - 1n, 'KV_FENCED'],
    [TOKEN, 'DONE'],
  ] as const) {
    const id = nextMessageId();
    client.send('STGE', id, stage(5, 100, 0, Buffer.alloc(100, 7)));
    t.is((await client.reply(id)).opcode, 'STGD');
    const named = Buffer.concat([stageReference(5, 100), fence(token, '{job}')]);
    t.is(await fenced('PUTK', named, GUARDED, STAGED), answer);
  }
  const reader = await connect(node.address);
  t.is(await reader.get(GUARDED), '\x07'.repeat(100));
  await reader.close();
});

test('a lock of another partition is refused, whoever sends it', async (t) => {
  const elsewhere = Array.from({ length: 99 }, (_, index) => `k${index}`).find(
    (key) => partitionOf(key, PARTITIONS) !== partitionOf('{job}', PARTITIONS),
  );
  t.is(await fenced('PUTK', fence(TOKEN, elsewhere)), 'KV_FENCE_PARTITION');
  t.is(await fenced('DELK', fence(TOKEN, elsewhere)), 'KV_FENCE_PARTITION');
});

test('what is no fence is KV_BAD_REQUEST, and the connection stays', async (t) => {
  const bad: readonly [string, string, Uint8Array][] = [
    ['none', 'PUTK', Buffer.alloc(0)],
    ['too short', 'PUTK', Buffer.alloc(9)],
    ['a lock key longer than the rest', 'PUTK', Buffer.concat([Buffer.alloc(8), u16(1)])],
    ['a lock key longer than everything', 'PUTK', Buffer.concat([Buffer.alloc(8), u16(65_535)])],
    ['no summand before it', 'INCR', fence(TOKEN, '{job}')],
    ['something before it', 'DELK', Buffer.concat([i64(1n), fence(TOKEN, '{job}')])],
    ['no place for it', 'LCKK', fence(TOKEN, '{job}')],
    ['no place for it', 'ULKK', fence(TOKEN, '{job}')],
  ];
  for (const [title, opcode, payload] of bad)
    t.is(await fenced(opcode, payload), 'KV_BAD_REQUEST', `${opcode}: ${title}`);
  t.is(await fenced('PUTK', Buffer.concat([Buffer.from('v'), fence(TOKEN, '{job}')])), 'DONE');
});
