/** `keyval check` and `keyval digest`, as processes against three nodes. */
import { createHash } from 'node:crypto';
import test, { type ExecutionContext } from 'ava';
import { checkText } from '../../../src/cli/commands/check.ts';
import type { Client, RunningNode } from '../../../src/index.ts';
import { KeyTable } from '../../../src/store/key-table.ts';
import { LocalCluster } from '../../helpers/local-cluster.ts';
import { type Ended, keyval } from '../../helpers/processes.ts';

let cluster: LocalCluster;
let client: Client<Uint8Array>;

test.before(async () => {
  cluster = await LocalCluster.on(26860, { partitions: 8 });
  client = await (cluster.nodes[0] as RunningNode).client({ codec: 'buffer' });
  for (let index = 0; index < 100; index += 1) await client.put(`key-${index}`, Buffer.from(`${index}`));
});

test.after.always(async () => {
  await client.close();
  await cluster.close();
});

function run(t: ExecutionContext, args: readonly string[]): Promise<Ended> {
  return keyval(t, cluster.addresses.join(','), args);
}

test.serial('replicas that are the same', async (t) => {
  const { code, stdout, stderr } = await run(t, ['check']);
  t.is(stderr, '');
  t.is(stdout, '8 partitions: 8 the same on 3 replicas with 100 keys, 0 differ, 0 could not be compared\n');
  t.is(code, 0);
  const document = JSON.parse((await run(t, ['check', '--output', 'json'])).stdout);
  t.like(document, { same: 8, differ: 0, unknown: 0 });
  t.is(document.partitions[3].replicas.length, 3);
});

test.serial('the digest of a value', async (t) => {
  const value = Buffer.alloc(300_000, 'x');
  await client.put('film', value);
  const sha256 = createHash('sha256').update(value).digest('hex');
  t.like(await run(t, ['digest', 'film']), { stdout: `${sha256}\n`, code: 0 });
  t.like(JSON.parse((await run(t, ['digest', 'film', '--output', 'json'])).stdout), {
    key: 'film',
    sha256,
    bytes: 300_000,
  });
  t.like(await run(t, ['digest', 'nobody']), { code: 3, stdout: '' });
});

test.serial('a replica that differs is found', async (t) => {
  // Each of the three replicas, all in this process, applies the put; the last one gets it wrong.
  const { put } = KeyTable.prototype;
  let applied = 0;
  KeyTable.prototype.put = function (...[key, start, end, value, from, to, ...rest]: Parameters<typeof put>): number {
    const isIt = Buffer.from(key.slice(start, end)).toString() === 'odd';
    applied += isIt ? 1 : 0;
    if (!isIt || applied !== 3) return put.call(this, key, start, end, value, from, to, ...rest);
    return put.call(this, key, start, end, new Uint8Array(to - from), 0, to - from, ...rest);
  };
  t.teardown(() => {
    KeyTable.prototype.put = put;
  });
  await client.put('odd', Buffer.from('value'));
  const { code, stdout } = await run(t, ['check']);
  t.is(applied, 3);
  t.is(code, 1);
  t.regex(stdout, /^8 partitions: 7 the same on 3 replicas with \d+ keys, 1 differ, 0 could not be compared\n/);
  t.is(stdout.split('\n').filter((line) => /^\d+ +differs +127\.0\.0\.\d:26860/.test(line)).length, 3);
});

test.serial('a node that is down leaves partitions that cannot be compared', async (t) => {
  await (cluster.nodes[2] as RunningNode).close();
  const { code, stdout } = await run(t, ['check']);
  t.true(code === 1 || code === 5, 'the one that differs is found or not: it may be that node that has it wrong');
  t.regex(stdout, /^8 partitions: 0 the same on their replicas with 0 keys, [01] differ, [78] could not be compared\n/);
  t.regex(stdout, /^[78] partitions +\d +127\.0\.0\.3:26860: KV_/m);
});

test('what could not be compared is told by reason, not by partition', (t) => {
  const text = (partition: number, reason: string): Parameters<typeof checkText>[0][number] => ({
    partition,
    verdict: 'unknown',
    revision: 0n,
    replicas: [],
    reason,
  });
  const checks = [1, 2, 3].map((partition) =>
    text(partition, `b:1: KV_RESTARTED: partition ${partition}: KV_RESTARTED: lost; x`),
  );
  const lines = checkText([
    ...checks,
    text(4, 'x; b:1: KV_RESTARTED: partition 4: KV_RESTARTED: lost'),
    text(5, 'gone'),
  ]);
  t.deepEqual(lines.split('\n').slice(2), [
    'NOT COMPARED  FOR EXAMPLE  REASON',
    '4 partitions  1            b:1: KV_RESTARTED: lost; x',
    '1 partition   5            gone',
  ]);
});
