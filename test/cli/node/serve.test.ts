/** The life of a `keyval-node` process: how it is stopped, what it finishes first, and how it ends when it fails. */
import test, { type ExecutionContext } from 'ava';
import { connect, KeyvalError } from '../../../src/index.ts';
import { fleeting, keyval, type Run, type RunOptions, servingNode, startKeyvalNode } from '../../helpers/processes.ts';

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  test(`${signal} stops it with 0, with clients connected`, async (t) => {
    const { run, address } = await servingNode(t);
    const client = await connect([address]);
    await client.put('k', 'v');
    run.child.kill(signal);
    const { code, stderr } = await run.ended;
    t.deepEqual([code, stderr], [0, '']);
    t.is((await run.logged('stopping')).reason, signal);
    t.deepEqual(run.log.at(-1)?.msg, 'stopped');
    await client.close();
  });
}

test('a node that waits for its peers stops too', async (t) => {
  const peers = '127.0.0.1:21401,127.0.0.2:21401';
  const node = startKeyvalNode(t, ['--peers', peers, '--listen', '127.0.0.1:21401', ...fleeting]);
  await node.logged('waiting');
  node.child.kill('SIGTERM');
  t.is((await node.ended).code, 0);
});

interface Pair {
  readonly primary: Run;
  readonly backup: Run;
  /** Of the primary of the only partition. */
  readonly address: string;
}

/** Two nodes that keep one partition. */
async function pair(t: ExecutionContext, port: number): Promise<Pair> {
  const addresses = [`127.0.0.1:${port}`, `127.0.0.2:${port}`];
  const runs = addresses.map((own) =>
    startKeyvalNode(t, ['--peers', addresses.join(','), '--listen', own, '--partitions', '1', ...fleeting]),
  );
  await Promise.all(runs.map((run) => run.logged('serving')));
  const client = await connect(addresses);
  const { nodes } = await client.status();
  await client.close();
  const at = nodes.findIndex((node) => node.state === 'up' && node.partitions.primary === 1);
  const address = nodes[at]?.endpoint as string;
  const primary = runs[addresses.indexOf(address)] as Run;
  return { primary, backup: runs.find((run) => run !== primary) as Run, address };
}

/** A put that the primary has taken and that its frozen backup keeps from being answered. */
async function putUnderWay({ backup, address }: Pair): Promise<{ done: Promise<unknown>; close: () => Promise<void> }> {
  const client = await connect([address]);
  await client.put('k', 'before');
  backup.child.kill('SIGSTOP');
  const done = client.put('k', 'after').catch((error: unknown) => error);
  await client.ping(address); // answered after what was sent before it was taken
  return { done, close: () => client.close() };
}

test('SIGTERM: what is in flight is finished and answered', async (t) => {
  const nodes = await pair(t, 21402);
  const put = await putUnderWay(nodes);
  nodes.primary.child.kill('SIGTERM');
  await nodes.primary.logged('stopping');
  nodes.backup.child.kill('SIGCONT');
  t.is(typeof (await put.done), 'bigint');
  t.is((await nodes.primary.ended).code, 0);
  await put.close();
});

for (const [second, code] of [
  ['SIGTERM', 143],
  ['SIGINT', 130],
] as const) {
  test(`a second signal, ${second}, ends it at once with ${code}`, async (t) => {
    const nodes = await pair(t, second === 'SIGTERM' ? 21403 : 21404);
    const put = await putUnderWay(nodes);
    nodes.primary.child.kill('SIGTERM');
    await nodes.primary.logged('stopping');
    nodes.primary.child.kill(second);
    t.is((await nodes.primary.ended).code, code);
    await put.close();
    const outcome = await put.done;
    t.true(outcome instanceof KeyvalError && outcome.code === 'KV_AMBIGUOUS', String(outcome));
  });
}

/** Loaded into the node: SIGUSR2 makes it fail. */
function withBug(statement: string): RunOptions {
  const code = `process.on('SIGUSR2', () => { ${statement} });`;
  return { ipc: true, nodeArgs: ['--import', `data:text/javascript,${encodeURIComponent(code)}`] };
}

for (const [origin, statement] of [
  ['uncaughtException', "throw new TypeError('a bug')"],
  ['unhandledRejection', "Promise.reject(new TypeError('a bug'))"],
] as const) {
  test(`${origin}: one structured line, 70`, async (t) => {
    const node = startKeyvalNode(t, ['--port', '0', '--log-level', 'error'], withBug(statement));
    await node.until(() => node.messages[0]);
    node.child.kill('SIGUSR2');
    const { code, stdout, stderr } = await node.ended;
    t.is(code, 70);
    t.is(stdout.trimEnd().split('\n').length, 1);
    t.like(JSON.parse(stdout), { level: 'fatal', code: 'KV_INTERNAL', origin, error: 'a bug' });
    t.is(stderr, '');
    t.like(node.messages, [{ type: 'ready' }], 'it had started');
  });
}

test('the launcher hears when it serves; its end stops the node where that is asked for', async (t) => {
  const asked = startKeyvalNode(t, ['--port', '0'], { ipc: true, env: { KEYVAL_EXIT_WITH_PARENT: '1' } });
  const independent = startKeyvalNode(t, ['--port', '0'], { ipc: true });
  const [first, second] = await Promise.all([asked.logged('serving'), independent.logged('serving')]);
  await Promise.all([asked, independent].map((run) => run.until(() => run.messages[0])));
  t.deepEqual(asked.messages, [{ type: 'ready', address: first.address }]);
  for (const run of [asked, independent]) run.child.disconnect();
  t.is((await asked.ended).code, 0);
  t.is((await asked.logged('stopping')).reason, 'the launcher is gone');
  t.is((await keyval(t, `${second.address}`, ['ping'])).code, 0);
});

test('a log that nobody reads does not end it', async (t) => {
  const { run, address } = await servingNode(t);
  run.child.stdout?.destroy();
  const client = await connect([address]);
  await client.put('k', 'v');
  await client.close();
  run.child.kill('SIGTERM');
  const { code, stderr } = await run.ended;
  t.deepEqual([code, stderr], [0, '']);
});
