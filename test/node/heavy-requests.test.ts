/** Requests that are much work are counted as that, so that many of them on one connection hold up nobody else. */
import test from 'ava';
import { connect } from '../../src/index.ts';
import * as codec from '../../src/protocol/client-codec.ts';
import * as exported from '../../src/protocol/export-codec.ts';
import { SCAN_PAGE_SLOTS_MAX } from '../../src/protocol/limits.ts';
import { frame, scan } from '../helpers/bodies.ts';
import { readyNode } from '../helpers/node.ts';
import { RawClient } from '../helpers/raw-client.ts';
import { codeIn } from '../helpers/raw-session.ts';

const MIB = 1024 * 1024;

test('while one connection asks for many digests of a large value, another is answered in between', async (t) => {
  const node = await readyNode(t);
  await using client = await connect([node.address], { codec: 'buffer' });
  await client.put('large', Buffer.alloc(16 * MIB, 7));
  const heavy = await RawClient.login(node.address);
  const light = await RawClient.login(node.address);
  const body = Buffer.alloc(exported.HASH_KEY + 5);
  body.writeUInt32BE(60_000, 0);
  body[exported.HASH_KIND] = exported.HashKind.value;
  body.writeUInt16BE(5, exported.HASH_KEY_LENGTH);
  body.write('large', exported.HASH_KEY);
  const count = 200;
  heavy.sendBytes(Buffer.concat(Array.from({ length: count }, (_, id) => frame('HASH', id, body))));
  const answers = Array.from({ length: count }, (_, id) => heavy.reply(id));
  let last = false;
  void Promise.all(answers).then(() => {
    last = true;
  });
  t.is((await light.request('PING', 1)).opcode, 'PONG');
  t.false(last);
  const codes = new Set(
    (await Promise.all(answers)).map((reply) => (reply.opcode === 'FAIL' ? codeIn(reply) : reply.opcode)),
  );
  t.true(codes.has('HSHD'));
  codes.delete('HSHD');
  t.deepEqual(
    [...codes].filter((code) => code !== 'KV_OVERLOADED'),
    [],
  );
  heavy.destroy();
  light.destroy();
});

test('a page of a scan looks at so many slots, those in use or not', async (t) => {
  const node = await readyNode(t, { partitions: 1 });
  await using client = await connect([node.address]);
  const count = SCAN_PAGE_SLOTS_MAX + 1000;
  const lines = Array.from({ length: count }, (_, index) => `{"key":"key-${index}","value":""}`);
  for (let at = 0; at < count; at += 5000)
    await client.load(`${lines.slice(at, at + 5000).join('\n')}\n`, { timeoutMs: 30_000 });
  const raw = await RawClient.login(node.address);
  const page = await raw.request('SCAN', 1, scan({ partition: 0, prefix: 'nothing', cursor: 0 }));
  t.is(page.body.readUInt32BE(codec.SCANNED_COUNT), 0);
  t.is(page.body.readUInt32BE(codec.SCANNED_CURSOR), SCAN_PAGE_SLOTS_MAX);
  const keys: string[] = [];
  for await (const { key } of client.scan({ prefix: `key-${count - 1}` })) keys.push(key);
  t.deepEqual(keys, [`key-${count - 1}`]);
  raw.destroy();
});
