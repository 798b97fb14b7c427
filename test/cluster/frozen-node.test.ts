// A member that neither answers nor goes away, and then is back: SIGSTOP, SIGCONT.
import test, { type ExecutionContext } from 'ava';
import { getk, OWNER } from '../helpers/bodies.ts';
import { servingCluster } from '../helpers/process-cluster.ts';
import { describe, RawClient } from '../helpers/raw-client.ts';
import { codeIn, nextMessageId, RawSession } from '../helpers/raw-session.ts';
import { Counting, primariesOf, replicasOf, statusWith } from './support/counting.ts';

const PORT = 26_100;
const PARTITIONS = 16;
const FROZEN = 1;
const parts = { args: ['--partitions', String(PARTITIONS)] };

test.serial('R18, R19: while a member is frozen the others go on, and it catches up when it wakes', async (t) => {
  const cluster = await servingCluster(t, PORT, parts);
  const kv = await cluster.client({ timeoutMs: 5000 });
  t.teardown(() => kv.close());
  const counting = new Counting(kv);
  await counting.goOn();
  cluster.signal(FROZEN, 'SIGSTOP');
  await counting.goOn(60);
  cluster.signal(FROZEN, 'SIGCONT');
  const isBack = await statusWith(kv, (status) => (primariesOf(status, cluster.addresses)[FROZEN] as number) > 0);
  t.not(isBack, null, 'it is in sync, and has primaries again');
  const { held, acknowledged } = await counting.stop();
  t.deepEqual(counting.complaints, []);
  t.deepEqual(held, acknowledged);
  t.deepEqual(await replicasOf(kv), ['same 3']);
});

const AS_TOLD = 0;
const STRICT = 16;
const LEASE = 32;

function read(key: string, flags: number): Buffer {
  const body = getk(key);
  body[4] = flags;
  return body;
}

/** A key whose primary is the node that `raw` is connected to. */
async function keyOf(t: ExecutionContext, raw: RawClient): Promise<string> {
  for (let at = 0; at < 1000; at += 1) {
    const reply = await raw.request('GETK', nextMessageId(), getk(`key:${at}`));
    if (reply.opcode === 'GOTK') return `key:${at}`;
  }
  return t.fail('it is primary of nothing') as unknown as string;
}

test.serial(
  'R12, R16: a primary that was frozen never answers from the past, nor takes what came meanwhile',
  async (t) => {
    const cluster = await servingCluster(t, PORT + 1, parts);
    const kv = await cluster.client({ timeoutMs: 10_000 });
    t.teardown(() => kv.close());
    const raw = await RawClient.login(cluster.addresses[FROZEN] as string, { flags: 1 });
    t.teardown(() => raw.destroy());
    const key = await keyOf(t, raw);
    const session = new RawSession(raw, PARTITIONS);
    t.is((await session.write('PUTK', { key, payload: 'old' })).opcode, 'DONE');

    cluster.signal(FROZEN, 'SIGSTOP');
    await kv.put(key, 'new'); // its successor has taken over
    const reads = [STRICT, LEASE, AS_TOLD].map((flags) => {
      const messageId = nextMessageId();
      raw.send('GETK', messageId, read(key, flags));
      return messageId;
    });
    const late = await session.body({ key, payload: 'late' });
    const lateId = nextMessageId();
    raw.send('PUTK', lateId, late);
    cluster.signal(FROZEN, 'SIGCONT');

    for (const messageId of reads) {
      const reply = await raw.reply(messageId);
      t.true(['MOVD', 'FAIL'].includes(reply.opcode), `${describe(reply)} ${reply.body.toString('latin1')}`);
    }
    const answer = await raw.reply(lateId);
    t.true(['MOVD', 'KV_AMBIGUOUS', 'KV_NO_QUORUM'].includes(codeIn(answer)), describe(answer));
    t.is(await kv.get(key), 'new');
    // The same write under the same sequence takes effect at the successor, which has the session: once.
    const other = await RawClient.login(cluster.addresses[0] as string, { owner: OWNER });
    t.teardown(() => other.destroy());
    const first = await other.request('PUTK', nextMessageId(), late);
    const again = await other.request('PUTK', nextMessageId(), late);
    t.deepEqual([first.opcode, again.opcode, again.body], ['DONE', 'DONE', first.body]);
    t.is(await kv.get(key), 'late');
  },
);
