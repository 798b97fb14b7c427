/** What a program gets wrong is told as such. */
import test from 'ava';
import { connect, KeyvalError } from '../../src/index.ts';
import { readyNode } from '../helpers/node.ts';

// biome-ignore lint/suspicious/noExplicitAny: programs without types pass anything
const wrong = (value: unknown): any => value;

test('load takes text or bytes and nothing else', async (t) => {
  const node = await readyNode(t);
  await using kv = await connect([node.address]);
  for (const chunk of [null, undefined, 5, [{ key: 'a', value: 'b' }], { key: 'a' }]) {
    const error = await t.throwsAsync<KeyvalError>(kv.load(wrong(chunk)), { instanceOf: KeyvalError });
    t.is(error?.code, 'KV_USAGE');
  }
  t.deepEqual(await kv.load('{"key":"a","value":"b"}'), { rows: 1, failed: 0, failures: [] });
});

test('a prefix is text or bytes', async (t) => {
  const node = await readyNode(t);
  await using kv = await connect([node.address]);
  for (const walk of [kv.scan({ prefix: wrong(5) }), kv.export({ prefix: wrong(5) })]) {
    const error = await t.throwsAsync<KeyvalError>(async () => {
      for await (const one of walk) t.fail(`${one}`);
    });
    t.is(error?.code, 'KV_USAGE');
  }
});
