/** `keyval locks` while a node does not answer: said on standard error, whatever the form of the output. */
import test, { type ExecutionContext } from 'ava';
import { connect } from '../../../src/index.ts';
import { LocalCluster } from '../../helpers/local-cluster.ts';
import { type Ended, keyval } from '../../helpers/processes.ts';

const PORT = 21_420;
const FORMS = [
  ['ls'],
  ['ls', '--output', 'json'],
  ['ls', '--output', 'ndjson'],
  ['graph'],
  ['graph', '--dot'],
  ['graph', '--output', 'ndjson'],
] as const;

/** On a crowded machine a partition may be without a primary for a moment: then the list is not complete, and is had again. */
async function listed(t: ExecutionContext, addresses: readonly string[], form: readonly string[]): Promise<Ended> {
  const ended = await keyval(t, addresses.join(','), ['locks', ...form]);
  return ended.stderr.includes('had no primary') ? listed(t, addresses, form) : ended;
}

test('one of three nodes is down: exit code 1, the reason on standard error, and whether locks are missing', async (t) => {
  const cluster = await LocalCluster.on(PORT, { partitions: 4 });
  t.teardown(() => cluster.close());
  await using client = await connect(cluster.addresses.slice(0, 2), { timeoutMs: 30_000 });
  await using held = await client.lock('kept');
  t.true(held.held);
  const [, , down = ''] = cluster.addresses;
  await cluster.nodes[2]?.close();
  while ((await client.admin().locks()).silentPartitions > 0);
  const said = new RegExp(
    `^keyval: ${down} does not answer: KV_\\w+: .*\\nkeyval: the list is complete all the same: every partition has answered\\n$`,
  );
  for (const form of FORMS) {
    const { code, stdout, stderr } = await listed(t, cluster.addresses, form);
    t.is(code, 1, form.join(' '));
    t.regex(stderr, said, form.join(' '));
    t.notRegex(stdout.replace(/"errors": \[.*?\]/s, ''), /does not answer|complete/, form.join(' '));
    if (form[0] === 'ls') t.regex(stdout, /kept/);
  }

  await cluster.nodes[1]?.close();
  await using last = await connect(cluster.addresses.slice(0, 1), { timeoutMs: 30_000 });
  while ((await last.admin().locks()).silentPartitions === 0);
  const { code, stderr } = await keyval(t, cluster.addresses.join(','), ['locks', 'ls', '--output', 'ndjson']);
  t.is(code, 1);
  t.regex(stderr, /\nkeyval: the list is not complete: \d partitions? had no primary that answers\n$/);
});
