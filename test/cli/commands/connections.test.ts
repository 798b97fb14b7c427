import test from 'ava';
import { connectionsText } from '../../../src/cli/commands/connections.ts';
import { connect } from '../../../src/index.ts';
import { readyNode } from '../../helpers/node.ts';

test('every connection of a node, and what it costs', async (t) => {
  const node = await readyNode(t);
  await using kv = await connect([node.address], { name: 'who asks' });
  await kv.put('key', 'value');
  const [own] = await kv.connections();
  const facts = own?.connections.find(({ name }) => name === 'who asks');
  t.is(facts?.role, 'client');
  t.true((facts?.framesIn ?? 0) >= 3);
  t.true((facts?.bytesIn ?? 0) > 100);
  t.false(facts?.paused);
  const text = connectionsText(await kv.connections());
  t.regex(text, /NODE +FROM +NAME +ROLE +AGE/);
  t.regex(text, /who asks +client/);
});

test('a node that does not answer hides none of the others', (t) => {
  const error = { code: 'KV_UNREACHABLE', message: '10.0.0.2:6234 does not answer' };
  const text = connectionsText([
    { endpoint: '10.0.0.1:6234', connections: [], error: null },
    { endpoint: '10.0.0.2:6234', connections: [], error },
  ]);
  t.regex(text, /\n10\.0\.0\.2:6234 is down: KV_UNREACHABLE: /);
});
