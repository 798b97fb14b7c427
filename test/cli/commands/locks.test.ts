/** `keyval locks`, seen from outside: what operators see of locks that other processes hold, and how they take one away. */
import test, { type ExecutionContext } from 'ava';
import { type Client, connect, type RunningNode, startNode } from '../../../src/index.ts';
import { type Ended, fleeting, keyval, type Run, servingNode, startKeyval } from '../../helpers/processes.ts';

let node: RunningNode;
let client: Client;

test.before(async () => {
  // Circles are looked at here, and not resolved.
  node = await startNode({ port: 0, logLevel: 'silent', data: 'none', new: true, deadlockPeriodMs: 0 });
  await node.ready();
  client = await connect([node.address], { name: 'tester:1' });
});

test.after.always(async () => {
  await client.close();
  await node.close();
});

function locks(t: ExecutionContext, ...args: readonly string[]): Promise<Ended> {
  return keyval(t, node.address, ['locks', ...args]);
}

async function document<T>(t: ExecutionContext, ...args: readonly string[]): Promise<T> {
  return JSON.parse((await locks(t, ...args, '--output', 'json')).stdout) as T;
}

/** A command under a lock that prints `held` and goes on until it is ended. */
async function holding(t: ExecutionContext, key: string, ...args: readonly string[]): Promise<Run> {
  const script = 'echo held; sleep 60 & wait';
  const run = startKeyval(t, node.address, ['lock', key, ...args, '--', 'sh', '-c', script]);
  await run.printed(/held/);
  return run;
}

async function untilWaiting(key: string, count = 1): Promise<void> {
  while ((await client.admin().lock(key)).lock?.waiterCount !== count);
}

test('ls and show: who holds, in which mode, with what label, who waits', async (t) => {
  const run = await holding(t, 'seen', '--mode', 'read', '--label', 'the report', '--delay', '2s');
  const waiting = client.lock('seen', { label: 'impatient' });
  await untilWaiting('seen');
  const { code, stdout } = await locks(t, 'ls', '--prefix', 'se');
  t.is(code, 0);
  t.regex(
    stdout,
    /^KEY +MODE +HOLDER +TOKEN +HELD +LEASE LEFT +WAITERS +LABEL\nseen +protected-read +\S+:\d+ +\d+ +\d+m?s +\d+s +1 +the report\n$/,
  );
  const list = await document<{ locks: Record<string, unknown>[]; matching: number }>(t, 'ls', '--prefix', 'se');
  t.is(list.matching, 1);
  t.like(list.locks[0], { key: 'seen', waiterCount: 1, holderCount: 1 });
  const shown = await locks(t, 'show', 'seen');
  t.is(shown.code, 0);
  t.regex(shown.stdout, /^lock seen, partition \d+\n\nHOLDER .*\n\S+:\d+ +protected-read .* 2s .* the report\n\n/);
  t.regex(shown.stdout, /\n1\. +tester:1 +exclusive .* impatient\n/);
  type Shown = { lock: { holders: { token: string; delayMs: number }[]; waiters: { name: string }[] } };
  const { lock } = await document<Shown>(t, 'show', 'seen');
  t.is(lock.holders[0]?.delayMs, 2000);
  t.is(lock.waiters[0]?.name, 'tester:1');
  run.child.kill('SIGTERM');
  await run.ended;
  await (await waiting).release();
});

test('the label is the name of the command, unless another is given', async (t) => {
  const run = await holding(t, 'labelled');
  t.is((await client.admin().lock('labelled')).lock?.holders[0]?.label, 'sh');
  run.child.kill('SIGTERM');
  await run.ended;
  t.deepEqual((await client.admin().lock('labelled')).losses, [], 'the end of the command is no loss');
});

test('nobody holds it, nothing is known: 3', async (t) => {
  const [shown, why, broken] = await Promise.all([
    locks(t, 'show', 'nobody'),
    locks(t, 'why', 'nobody'),
    locks(t, 'break', 'nobody', '--yes'),
  ]);
  t.deepEqual([shown.code, why.code, broken.code], [3, 3, 3]);
  t.regex(shown.stdout, /^lock nobody, partition \d+: nobody holds it\n$/);
  t.regex(why.stdout, /^nothing is known of a loss of nobody; every loss in partition \d+ is known for the last /);
  t.is(broken.stderr, "keyval: KV_NOT_FOUND: nobody holds the lock of 'nobody'\n");
});

test('mistyped: 2', async (t) => {
  const cases: readonly [readonly string[], RegExp][] = [
    [['sho', 'k'], /unknown action 'sho'; did you mean show\?/],
    [['show'], /KEY missing; write: keyval locks show KEY/],
    [['show', ''], /KV_BAD_KEY: the key is empty; a key has 1 to 65,535 bytes/],
    [['break', '', '--yes'], /KV_BAD_KEY: the key is empty; a key has 1 to 65,535 bytes/],
    [['ls', '--json'], /unknown option --json; did you mean --output json\?/],
    [['graph', '--dot', '--output', 'json'], /KV_USAGE: --dot is for Graphviz: it does not go with --output/],
    [['ls', 'k'], /unexpected argument 'k'; write: keyval locks ls \[--prefix P\] \[--limit N\]/],
    [['ls', '--yes'], /--yes belongs to locks break, not to locks ls/],
    [['ls', '--limit', '0'], /--limit is a whole number from 1 to 1000, not '0'/],
    [['break', 'k', '--token', 'x'], /--token is a fencing token/],
    [['why', '--base64-key', '!'], /KEY is not base64/],
  ];
  const ended = await Promise.all(cases.map(([args]) => locks(t, ...args)));
  for (const [at, { code, stderr }] of ended.entries()) {
    t.is(code, 2, stderr);
    t.regex(stderr, cases[at]?.[1] as RegExp);
  }
});

test('break: without --yes nothing is done; with it the command of the holder is ended within a second', async (t) => {
  const run = await holding(t, 'hung', '--conflict-exit-code', '41');
  const next = client.lock('hung');
  await untilWaiting('hung');
  const trial = await locks(t, 'break', 'hung');
  t.is(trial.code, 0);
  t.regex(trial.stdout, /Nothing was done\. To take the lock away, add --yes\.\n$/);
  t.is((await client.admin().lock('hung')).lock?.waiterCount, 1);
  const wrong = await locks(t, 'break', 'hung', '--token', '7', '--yes');
  t.deepEqual([wrong.code, wrong.stderr], [6, 'keyval: KV_NOT_HELD: nobody holds the lock under token 7\n']);

  const broken = locks(t, 'break', 'hung', '--yes');
  const taken = await next;
  const brokenAt = performance.now();
  const { code, stderr } = await run.ended;
  t.true(performance.now() - brokenAt < 1500, 'a second, and what it takes to notice');
  t.is(code, 41);
  t.regex(stderr, /KV_LOCK_LOST: the lock on 'hung' is lost: an operator has taken it away/);
  const { code: done, stdout } = await broken;
  t.is(done, 0);
  t.regex(
    stdout,
    new RegExp(
      `lost it .*: broken by \\S+:\\d+\\n.*\\nHeld now by tester:1 \\(exclusive, token ${taken.token}\\)\\.\n$`,
    ),
  );

  const why = await locks(t, 'why', 'hung');
  t.is(why.code, 0);
  t.regex(why.stdout, /^\d+\w* ago, \S+Z: \S+:\d+ lost it \(exclusive, token \d+, sh, held \d+\w*\): broken by \S+\n/);
  const { losses } = await document<{ losses: Record<string, unknown>[] }>(t, 'why', 'hung');
  t.like(losses[0], { cause: 'broken', mode: 'exclusive', label: 'sh' });
  await taken.release();
});

test('ls: a long key is shortened in the table, and whole in documents', async (t) => {
  const key = `long-${'x'.repeat(800)}`;
  await using _held = await client.lock(key);
  const { stdout } = await locks(t, 'ls', '--prefix', 'long-');
  t.regex(stdout, /\nlong-x{58}… {2}exclusive {2}/);
  const { locks: found } = await document<{ locks: { key: string }[] }>(t, 'ls', '--prefix', 'long-');
  t.is(found[0]?.key, key);
});

test('ls: keys that are no text, or hold control characters, are handed on in base64', async (t) => {
  const keys = [Buffer.from('odd\0b'), Buffer.from([...Buffer.from('odd'), 0xff, 0x41])];
  await using _text = await client.lock(keys[0] as Buffer);
  await using _bytes = await client.lock(keys[1] as Buffer);
  const lines = (await locks(t, 'ls', '--prefix', 'odd', '--output', 'ndjson')).stdout.trim().split('\n');
  const found = lines.map((line) => (JSON.parse(line) as { keyBase64: string }).keyBase64);
  t.deepEqual(found.toSorted(), keys.map((key) => key.toString('base64')).toSorted());
  for (const key of found) {
    const { code, stdout } = await locks(t, 'show', '--base64-key', key);
    t.is(code, 0);
    t.regex(stdout, /tester:1 +exclusive/);
  }
});

test.serial('graph: a circle, as text, as a document and for Graphviz', async (t) => {
  const stop = new AbortController();
  const flow = (first: string, second: string): Promise<unknown> =>
    client.flow(() =>
      client.withLock(first, () => client.lock(second, { signal: stop.signal, waitMs: 30_000 }).catch(() => null)),
    );
  const flows = [flow('left', 'right'), flow('right', 'left')];
  await Promise.all([untilWaiting('left'), untilWaiting('right')]);
  const [text, dot] = await Promise.all([locks(t, 'graph'), locks(t, 'graph', '--dot')]);
  t.is(text.code, 0);
  t.regex(text.stdout, /\ntester:1 flow \d+ +tester:1 flow \d+ +(left|right) +exclusive +exclusive +\S+.* 1\n/);
  t.regex(
    text.stdout,
    /\n\ncycle 1: tester:1 flow (\d+) → (left|right) → tester:1 flow \d+ → (left|right) → tester:1 flow \1\n$/,
  );
  t.regex(dot.stdout, /^digraph locks \{\n[\s\S]*color=red, penwidth=2\];\n\}\n$/);
  const graph = await document<{ cycles: { isCertain: boolean }[]; waits: { cycle: number }[] }>(t, 'graph');
  t.deepEqual(
    graph.cycles.map(({ isCertain }) => isCertain),
    [true],
  );
  t.deepEqual(
    graph.waits.map(({ cycle }) => cycle),
    [1, 1],
  );
  stop.abort();
  await Promise.all(flows);
});

test('a bad mode, label, lease or delay of keyval lock: 2, and the option as it was typed with its limits', async (t) => {
  const time = 'is a time in milliseconds (or 1.5s, 10m, 1h),';
  const cases: readonly (readonly [option: string, value: string, message: string])[] = [
    ['--mode', 'shared', '--mode is exclusive, '],
    ['--label', 'x'.repeat(300), '--label is a text of at most 255 bytes, not of 300\n'],
    ['--lease', '99', `--lease ${time} 100 to 60000, not '99'\n`],
    ['--lease', '0', `--lease ${time} 100 to 60000, not '0'\n`],
    ['--lease', '61s', `--lease ${time} 100 to 60000, not '61s'\n`],
    ['--delay', '3600001', `--delay ${time} 0 to 3600000, not '3600001'\n`],
    ['--delay', '2h', `--delay ${time} 0 to 3600000, not '2h'\n`],
  ];
  for (const [option, value, message] of cases) {
    const { code, stderr } = await keyval(t, node.address, ['lock', 'k', option, value, '--', 'true']);
    t.is(code, 2);
    t.true(stderr.startsWith(`keyval: KV_USAGE: ${message}`), stderr);
  }
  const most = ['--lease', '60s', '--delay', '1h', '--label', 'x'.repeat(255)];
  t.is((await keyval(t, node.address, ['lock', 'limits', ...most, '--', 'true'])).code, 0);
});

test('a break is a line in the log of the node', async (t) => {
  const { run, address } = await servingNode(t, fleeting);
  await using holder = await connect([address], { name: 'holder:7' });
  await using operator = await connect([address], { name: 'operator:8' });
  const held = await holder.lock('logged');
  await operator.admin().breakLock('logged');
  t.like(await run.logged('lock broken'), {
    level: 'warn',
    key: 'logged',
    holder: 'holder:7',
    token: `${held.token}`,
    by: 'operator:8',
  });
});
