/** What sessions may cost a node: how many one connection brings, and the memory of all. */
import test from 'ava';
import { SESSIONS_PER_CONNECTION_MAX } from '../../src/node/session-requests.ts';
import { attach, frame, getk, keep } from '../helpers/bodies.ts';
import { readyNode } from '../helpers/node.ts';
import { RawClient } from '../helpers/raw-client.ts';
import { codeIn, nextSession } from '../helpers/raw-session.ts';

test('one connection brings so many sessions and no more; those it ends make room', async (t) => {
  const node = await readyNode(t);
  const client = await RawClient.login(node.address);
  const sessions = Array.from({ length: SESSIONS_PER_CONNECTION_MAX }, nextSession);
  const requests = sessions.map((session, index) => frame('ATCH', index, attach({ partition: 7, session })));
  client.sendBytes(Buffer.concat(requests));
  t.is((await client.reply(sessions.length - 1)).opcode, 'DONE');
  const [first] = sessions as [Buffer];
  t.is(codeIn(await client.request('ATCH', 5000, attach({ partition: 7, session: nextSession() }))), 'KV_OVERLOADED');
  const known = await client.request('ATCH', 5001, attach({ partition: 8, session: first }));
  t.is(known.opcode, 'DONE', 'one that is known attaches to other partitions');
  t.is((await client.request('CLOS', 5002, keep(first, []))).opcode, 'KEPT');
  t.is((await client.request('CLOS', 5002, keep(first, [9]))).opcode, 'KEPT');
  const still = await client.request('ATCH', 5004, attach({ partition: 7, session: nextSession() }));
  t.is(codeIn(still), 'KV_OVERLOADED', 'ending nothing, or what it was never attached to, makes no room');
  t.is((await client.request('CLOS', 5002, keep(first, [7, 8]))).opcode, 'KEPT');
  t.is((await client.request('ATCH', 5003, attach({ partition: 7, session: nextSession() }))).opcode, 'DONE');
  client.destroy();
});

test('when the memory is used up sessions attach within a tenth of it, so that new clients can delete', async (t) => {
  const node = await readyNode(t, { maxMemoryBytes: 64 * 1024 });
  const client = await RawClient.login(node.address);
  let attached = 0;
  let refusal = '';
  // The node measures what it has ten times a second.
  for (const until = performance.now() + 10_000; refusal === '' && performance.now() < until; attached += 1) {
    const reply = await client.request('ATCH', attached, attach({ partition: attached % 256, session: nextSession() }));
    if (reply.opcode === 'FAIL') refusal = codeIn(reply);
    if (attached === SESSIONS_PER_CONNECTION_MAX - 1) break;
    if (attached > 20) await new Promise((resolve) => setTimeout(resolve, 1));
  }
  t.is(refusal, 'KV_OUT_OF_MEMORY');
  t.true(attached > 5);
  t.is((await client.request('GETK', 2, getk('key'))).opcode, 'GOTK', 'reads go on');
  client.destroy();
});
