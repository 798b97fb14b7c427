// What `console.log` shows of locks.
import { inspect } from 'node:util';
import test from 'ava';
import type { Client } from '../../src/index.ts';
import { FileNode } from '../helpers/node.ts';

const file = new FileNode();
let kv: Client;

test.before(async () => {
  kv = await file.client();
});

const oneLine = { breakLength: Number.POSITIVE_INFINITY };

test('a lock shows its key, mode, token, and whether it is held', async (t) => {
  const lock = await kv.lock('shown', { mode: 'read' });
  const text = `Lock { key: 'shown', mode: 'protected-read', token: ${lock.token}n, held: `;
  t.is(inspect(lock, oneLine), `${text}true }`);
  await lock.release();
  t.is(inspect({ lock }, oneLine), `{ lock: ${text}false } }`);
});

test('several locks show each of them', async (t) => {
  await using group = await kv.lock(['one', 'two']);
  const texts = group.locks.map((lock) => inspect(lock, oneLine));
  t.is(inspect(group, { ...oneLine, compact: 9 }), `LockGroup { held: true, locks: [ ${texts.join(', ')} ] }`);
});
