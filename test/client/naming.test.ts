// Errors say of which key.
import test from 'ava';
import { nameOf, naming } from '../../src/client/naming.ts';
import { type Client, KeyvalError } from '../../src/index.ts';
import { FileNode } from '../helpers/node.ts';

const file = new FileNode();
let kv: Client;

test.before(async () => {
  kv = await file.client();
});

test('the key is named once, with everything else as it was', (t) => {
  const cause = new Error('why');
  const error = new KeyvalError('KV_CONFLICT', 'it was changed', { revision: 7n, outcome: 'unknown', cause });
  const named = naming(error, 'job');
  t.is(named.message, "it was changed (key 'job')");
  t.like(named, { code: 'KV_CONFLICT', revision: 7n, outcome: 'unknown', cause, retryable: error.retryable });
  t.is(naming(named, 'job'), named);
  t.is(naming(error, ''), error);
});

test('keys of any kind are named on one short line', (t) => {
  t.is(nameOf(Buffer.from('größe')), "'größe'");
  t.is(nameOf('a\nb\0'), "'a\\x0ab\\x00'");
  t.is(nameOf(Uint8Array.of(0xff, 0, 1)), '0xff0001');
  t.is(nameOf(new Uint8Array(1000).fill(0xff)), `0x${'ff'.repeat(32)}…`);
  t.is(nameOf('k'.repeat(65)), `'${'k'.repeat(64)}…'`);
  t.is(nameOf(new Uint8Array()), '');
  t.is(nameOf(5 as never), '');
});

test('what a node refuses names the key, and what to do', async (t) => {
  const other = await file.client();
  const lock = await kv.lock('seat 1', { mode: 'read' });
  await t.throwsAsync(other.lock('seat 1', { waitMs: 0 }), { code: 'KV_LOCK_BUSY', message: /locks show.*'seat 1'/ });
  await t.throwsAsync(other.lock(['{seat 1}', 'seat 1'], { waitMs: 0 }), { code: 'KV_LOCK_BUSY', message: /'seat 1'/ });
  await t.throwsAsync(kv.put('seat 1', 'x', { fence: lock }), {
    code: 'KV_FENCED',
    message: /or in a mode that only reads.*'seat 1'/,
  });
  await kv.put('seat 1', 'no number');
  await t.throwsAsync(kv.incr('seat 1', 1), { code: 'KV_NOT_INTEGER', message: /'seat 1'/ });
  const waiting = other.lock('seat 1', { signal: AbortSignal.timeout(20) });
  await t.throwsAsync(waiting, { code: 'KV_ABORTED', message: /wait for the lock was aborted.*'seat 1'/ });
  await lock.release();
});

test('a key that UTF-8 cannot write is refused', async (t) => {
  await t.throwsAsync(kv.put('half \ud800', 'x'), { code: 'KV_BAD_KEY', message: /surrogate/ });
  await kv.put('whole \u{1F511}', 'x');
  t.is(await kv.get(Buffer.from('whole \u{1F511}')), 'x');
});
