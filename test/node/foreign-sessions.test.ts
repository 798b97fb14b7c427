/**
 * A client that claims another's session (L6, R22): attachments are small numbers, and a bit that flips, or a client that mistakes
 * the partition, must not write, lock or release in somebody else's name. Three nodes, so that some requests are handed on.
 */
import test from 'ava';
import * as bodies from '../helpers/bodies.ts';
import { LocalCluster } from '../helpers/local-cluster.ts';
import { RawClient, type RawFrame } from '../helpers/raw-client.ts';
import { codeIn, nextMessageId, partitionOf, RawSession, revisionIn } from '../helpers/raw-session.ts';

const PORT = 24_180;
const PARTITIONS = 16;
const OTHER = Buffer.from('somebody');

const cluster = await LocalCluster.on(PORT, { partitions: PARTITIONS });
const near = cluster.addresses[0] as string;
const victim = await RawClient.login(near, { owner: bodies.OWNER });

test.after.always(async () => {
  victim.destroy();
  await cluster.close();
});

/** A key of each partition: some are served here, the others by nodes that the requests are handed on to. */
const keys = Array.from({ length: PARTITIONS }, (_, partition) => {
  for (let number = 0; ; number += 1)
    if (partitionOf(`key ${number}`, PARTITIONS) === partition) return `key ${number}`;
});

async function stored(key: string): Promise<string> {
  const { body } = await victim.request('GETK', nextMessageId(), bodies.getk(key));
  return body.toString('utf8', body.length - 1);
}

for (const [who, parts] of [
  ['another client', { owner: OTHER }],
  ['a client that has named no session', {}],
] as const) {
  test.serial(`L6: ${who} does nothing in the name of a session, wherever its partition is served`, async (t) => {
    const thief = await RawClient.login(near, parts);
    for (const key of keys) {
      const session = new RawSession(victim, PARTITIONS);
      const token = revisionIn(await session.write('LCKK', { key }));
      const attachment = await session.attachment(key);
      const steal = (opcode: string, more: Partial<bodies.WriteParts>): Promise<RawFrame> =>
        thief.request(opcode, nextMessageId(), bodies.write({ attachment, key, sequence: 2, ...more }));

      const refused = [
        await steal('ULKK', { revision: token }),
        await steal('PUTK', { payload: 'x' }),
        await steal('DELK', {}),
        await steal('INCR', { payload: bodies.i64(1n) }),
        await steal('LCKK', { sequence: 3 }),
        await steal('CNCL', { payload: bodies.u32(1) }),
      ];
      t.deepEqual(
        refused.map(codeIn),
        refused.map(() => 'KV_NO_SESSION'),
      );

      t.is(codeIn(await new RawSession(victim, PARTITIONS).write('LCKK', { key })), 'KV_LOCK_BUSY', 'it is held still');
      const mine = await session.write('PUTK', { key, payload: '1' });
      t.is(mine.opcode, 'DONE');
      t.is(await stored(key), '1', 'nobody has used its sequence up');
      t.is((await session.write('ULKK', { key, revision: token })).opcode, 'DONE');
    }
    thief.destroy();
  });
}

test.serial('L3: a session of another owner is not attached, renewed or ended', async (t) => {
  const session = new RawSession(victim, PARTITIONS);
  const [key = ''] = keys;
  await session.attachment(key);
  const partition = partitionOf(key, PARTITIONS);
  const thief = await RawClient.login(near, { owner: OTHER });
  const attached = await thief.request('ATCH', nextMessageId(), bodies.attach({ partition, session: session.id }));
  const kept = await thief.request('KEEP', nextMessageId(), bodies.keep(session.id, [partition]));
  const left = await thief.request('CLOS', nextMessageId(), bodies.keep(session.id, [partition]));
  t.deepEqual([attached, kept, left].map(codeIn), ['KV_BAD_REQUEST', 'KV_BAD_REQUEST', 'KV_BAD_REQUEST']);
  t.is((await session.write('PUTK', { key, payload: '2' })).opcode, 'DONE', 'it goes on');
  thief.destroy();
});

test.serial('who has named no owner speaks of that of the first session, over KEEP as over ATCH', async (t) => {
  const session = new RawSession(victim, PARTITIONS);
  const [key = ''] = keys;
  const attachment = await session.attachment(key);
  const again = await RawClient.login(near);
  const body = bodies.write({ attachment, key, sequence: 1, payload: '3' });
  t.is(codeIn(await again.request('PUTK', nextMessageId(), body)), 'KV_NO_SESSION');
  await again.request('KEEP', nextMessageId(), bodies.keep(session.id, [partitionOf(key, PARTITIONS)]));
  t.is((await again.request('PUTK', nextMessageId(), body)).opcode, 'DONE');
  again.destroy();
});
