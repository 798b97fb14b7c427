/** `keyval lock`: whose exit code is returned, who gets which signal, and that nothing runs on without the lock. */
import { execFile } from 'node:child_process';
import { constants } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import { type Client, connect, type RunningNode, startNode } from '../../../src/index.ts';
import { startedNode } from '../../helpers/node.ts';
import { type Ended, keyval, type Run, servingNode, startKeyval } from '../../helpers/processes.ts';

const execute = promisify(execFile);

let node: RunningNode;
let client: Client;

test.before(async () => {
  node = await startNode({ port: 0, logLevel: 'silent' });
  await node.ready();
  client = await connect([node.address], { timeoutMs: 30_000 }); // many processes start beside it
});

test.after.always(async () => {
  await client.close();
  await node.close();
});

/** `args`: KEY and options; `script` is run by the shell. */
function start(t: ExecutionContext, args: readonly string[], script: string, endpoint: string = node.address): Run {
  return startKeyval(t, endpoint, ['lock', ...args, '--', 'sh', '-c', script]);
}

function run(t: ExecutionContext, args: readonly string[]): Promise<Ended> {
  return keyval(t, node.address, ['lock', ...args]);
}

/** Shell commands that do not end by themselves; without a child in front, of whose end by a signal the shell would tell. */
const forever = 'sleep 60 & wait';

/** Resolves when so many wait for locks. */
async function untilWaiting(count: number): Promise<void> {
  while (node.status().waiters !== count) await client.ping();
}

test('the command gets token and key; the lock is free afterwards', async (t) => {
  const first = await start(t, ['token'], 'echo "$KEYVAL_FENCE $KEYVAL_LOCK_KEY"').ended;
  t.is(first.stderr, '');
  t.is(first.code, 0);
  const [, token = '', key] = /^(\d+) (.*)\n$/.exec(first.stdout) ?? [];
  t.is(key, 'token');
  await using next = await client.lock('token', { waitMs: 0 });
  t.true(next.token > BigInt(token));
});

test('its exit code is returned, 128 + n when a signal ended it, and the lock is free', async (t) => {
  const ends = ['exit 7', 'kill -9 $$', 'kill -TERM $$'].map((script) => start(t, [script], script).ended);
  const codes = (await Promise.all(ends)).map(({ code, stderr }) => [code, stderr]);
  t.deepEqual(codes, [
    [7, ''],
    [137, ''],
    [143, ''],
  ]);
  await using freed = await client.lock('exit 7', { waitMs: 0 });
  t.true(freed.held);
});

test('what cannot be run: 127 and 126, and the lock is free', async (t) => {
  const [missing, folder, file] = await Promise.all([
    run(t, ['run', '--', 'no-such-command']),
    run(t, ['run-2', '--', '/']),
    run(t, ['run-3', '--', '/etc/passwd']),
  ]);
  t.deepEqual(
    [missing.code, missing.stderr],
    [127, "keyval: KV_USAGE: cannot run 'no-such-command': command not found\n"],
  );
  t.deepEqual([folder.code, folder.stderr], [126, "keyval: KV_USAGE: cannot run '/': it is not executable\n"]);
  t.deepEqual([file.code, file.stderr], [126, "keyval: KV_USAGE: cannot run '/etc/passwd': it is not executable\n"]);
  await using freed = await client.lock('run', { waitMs: 0 });
  t.true(freed.held);
});

test('nothing to run, a bad option: 2', async (t) => {
  const cases = [
    ['k'],
    ['k', '--'],
    ['k', '--', ''],
    ['k', '--lease', '99', '--', 'true'],
    ['k', '--conflict-exit-code', '256', '--', 'true'],
  ];
  for (const { code, stderr } of await Promise.all(cases.map((args) => run(t, args)))) {
    t.is(code, 2);
    t.regex(stderr, /^keyval: KV_USAGE: .*\n$/);
  }
  t.regex((await run(t, ['k', '--', ''])).stderr, /KV_USAGE: no command: what to run is missing; write: /);
  t.regex((await run(t, ['k', 'true'])).stderr, /unexpected argument 'true'; write: keyval lock KEY -- COMMAND…/);
});

test('busy: 6, or --conflict-exit-code; the command does not run', async (t) => {
  await using _held = await client.lock('busy');
  const [now, later] = await Promise.all([
    start(t, ['busy', '--wait', '0'], 'echo ran').ended,
    start(t, ['busy', '--wait', '50', '--conflict-exit-code', '17'], 'echo ran').ended,
  ]);
  t.deepEqual([now.code, now.stdout, later.code, later.stdout], [6, '', 17, '']);
  for (const { stderr } of [now, later]) t.regex(stderr, /^keyval: KV_LOCK_BUSY: .*\n$/);
});

test('no node answers, another cluster, mistakes: the exit codes of every command, not that of a conflict', async (t) => {
  const nowhere = '127.0.0.1:21411';
  const args = ['lock', 'k', '--conflict-exit-code', '17', '--timeout', '100ms'];
  const ends = await Promise.all([
    keyval(t, nowhere, [...args, '--', 'echo', 'ran']),
    keyval(t, node.address, ['lock', 'k', '--cluster', 'other', '--', 'echo', 'ran']),
    keyval(t, node.address, ['lock', '', '--', 'echo', 'ran']),
  ]);
  t.deepEqual(
    ends.map(({ code, stdout, stderr }) => [code, stdout, /^keyval: (KV_\w+): .*\n$/.exec(stderr)?.[1]]),
    [
      [1, '', 'KV_UNREACHABLE'],
      [1, '', 'KV_WRONG_CLUSTER'],
      [2, '', 'KV_BAD_KEY'],
    ],
  );
});

test('too few replicas to grant the lock: 5', async (t) => {
  const [listen, missing] = ['127.0.0.1:21412', '127.0.0.2:21412'];
  await startedNode(t, { peers: [listen, missing], listen, partitions: 1 });
  const { code, stderr } = await keyval(t, listen, ['lock', 'k', '--timeout', '1s', '--wait', '0', '--', 'true']);
  t.is(code, 5, stderr);
});

test('--help says what a kill of the wrapper means, when --conflict-exit-code counts, and how long --wait lasts', async (t) => {
  const { stdout } = await keyval(t, node.address, ['lock', '--help']);
  const said = stdout.replaceAll(/\s+/g, ' ');
  t.regex(said, /killed with SIGKILL, or stopped, cannot end its command, .* beside the next holder.* KEYVAL_FENCE/);
  t.regex(
    said,
    /--conflict-exit-code when others held the lock for the whole --wait, or it was lost; 1, 2, 5 for other/,
  );
  t.regex(said, /--wait longest wait for the lock while others hold it: .* is bounded by --timeout/);
  t.regex(said, /--lease .*: milliseconds, or 100ms to 60s .*--delay .*: milliseconds, or up to 1h/);
});

test.serial('a signal ends the wait with 128 + n, and leaves nothing behind', async (t) => {
  const held = await client.lock('awaited');
  const waiting = start(t, ['awaited'], 'echo ran');
  await untilWaiting(1);
  waiting.child.kill('SIGTERM');
  const { code, stdout, stderr } = await waiting.ended;
  t.deepEqual([code, stdout, stderr], [143, '', '']);
  await untilWaiting(0);
  await held.release();
  await using next = await client.lock('awaited', { waitMs: 0 });
  t.true(next.held);
});

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2', 'SIGWINCH'] as const) {
  test(`passes ${signal} on, and the command decides`, async (t) => {
    const job = start(
      t,
      [signal],
      `trap 'echo caught; kill $! 2>&-; exit 41' ${signal.slice(3)}; echo ready; ${forever}`,
    );
    await job.printed(/ready/);
    job.child.kill(signal);
    const { code, stdout, stderr } = await job.ended;
    t.deepEqual([code, stdout, stderr], [41, 'ready\ncaught\n', '']);
  });
}

test('a signal that the command does not catch ends it with its children, and the lock is free', async (t) => {
  const jobs = (['SIGUSR1', 'SIGUSR2'] as const).map((signal) => {
    const job = start(t, [`uncaught ${signal}`], `echo ready; ${forever}`);
    return { signal, job };
  });
  await Promise.all(jobs.map(({ job }) => job.printed(/ready/)));
  for (const { signal, job } of jobs) job.child.kill(signal);
  // A run has ended when nobody holds its standard output any more: no child is left.
  const ends = await Promise.all(jobs.map(({ job }) => job.ended));
  t.deepEqual(
    ends.map(({ code, stderr }) => [code, stderr]),
    [
      [128 + constants.signals.SIGUSR1, ''],
      [128 + constants.signals.SIGUSR2, ''],
    ],
  );
  await using freed = await client.lock('uncaught SIGUSR2', { waitMs: 0 });
  t.true(freed.held);
});

test.serial('SIGUSR2 ends the wait, SIGWINCH does not', async (t) => {
  const held = await client.lock('awaited still');
  const waiting = start(t, ['awaited still'], 'echo ran');
  await untilWaiting(1);
  waiting.child.kill('SIGWINCH');
  await client.ping();
  waiting.child.kill('SIGUSR2');
  const { code, stdout, stderr } = await waiting.ended;
  t.deepEqual([code, stdout, stderr], [128 + constants.signals.SIGUSR2, '', '']);
  await untilWaiting(0);
  await held.release();
});

test('--help says which signals are passed on', async (t) => {
  const { code, stdout } = await keyval(t, node.address, ['lock', '--help']);
  t.is(code, 0);
  const said = stdout.replaceAll(/\s+/g, ' ');
  t.true(said.includes('SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2 and SIGWINCH are passed on'), said);
});

test('the lock is lost: the command and its children are ended, also when they will not hear SIGTERM', async (t) => {
  const { run: victim, address } = await servingNode(t);
  const stubborn = `trap '' TERM; echo ready; sleep 60 & while :; do sleep 60; done`;
  const gentle = `trap 'echo told; exit 0' TERM; echo ready; ${forever}`;
  const jobs = [
    start(t, ['stubborn', '--lease', '300'], stubborn, address),
    start(t, ['gentle', '--lease', '300', '--conflict-exit-code', '99'], gentle, address),
  ];
  await Promise.all(jobs.map((job) => job.printed(/ready/)));
  victim.child.kill('SIGKILL');
  // A run has ended when nobody holds its standard output any more: no child is left.
  const ends = await Promise.all(jobs.map((job) => job.ended));
  t.deepEqual(
    ends.map(({ code }) => code),
    [6, 99],
  );
  t.regex(ends[1]?.stdout ?? '', /told/);
  for (const { stderr } of ends) t.regex(stderr, /^keyval: KV_LOCK_LOST: the lock on '\w+' is lost: .*\n$/);
});

/**
 * A program that starts no others: a shell that is stopped while it starts one waits for that to have begun, and counts as
 * busy, not as stopped.
 */
const ticking = `exec '${process.execPath}' -e '
  process.on("SIGTERM", () => process.exit(43));
  process.stdout.write("pid " + process.pid + "\\n");
  setInterval(() => process.stdout.write("tick\\n"), 50);
'`;

function ticks({ stdout }: Run): number {
  return stdout.split('tick').length - 1;
}

/** Resolves when the command is stopped. */
async function untilStopped(job: Run): Promise<void> {
  const [, pid = ''] = await job.printed(/pid (\d+)\n/);
  while (!(await execute('ps', ['-o', 'stat=', '-p', pid])).stdout.startsWith('T')) await delay(10);
}

test.serial(
  'Ctrl-Z stops the command as well: it does not go on without the lock, which passes on meanwhile',
  async (t) => {
    const job = start(t, ['suspended', '--lease', '300'], ticking);
    await job.printed(/tick/);
    job.child.kill('SIGTSTP');
    await untilStopped(job);
    await using next = await client.lock('suspended');
    const stopped = ticks(job);
    job.child.kill('SIGCONT');
    const { code, stderr } = await job.ended;
    t.is(code, 6);
    t.regex(stderr, /^keyval: KV_LOCK_LOST: .*\n$/);
    t.true(ticks(job) <= stopped + 1, 'it ends when it goes on');
    t.true(next.held);
  },
);

test.serial('Ctrl-Z within the lease: the command goes on where it was', async (t) => {
  const job = start(t, ['suspended for a moment', '--lease', '60s'], ticking);
  await job.printed(/tick/);
  job.child.kill('SIGTSTP');
  await untilStopped(job);
  const stopped = ticks(job);
  job.child.kill('SIGCONT');
  await job.until(() => (ticks(job) > stopped + 2 ? true : undefined));
  job.child.kill('SIGTERM');
  const { code, stderr } = await job.ended;
  t.deepEqual([code, stderr], [43, '']);
});

test('the node is gone when the command ends before the lease: its exit code counts', async (t) => {
  const { run: victim, address } = await servingNode(t);
  const job = start(t, ['k', '--lease', '60s'], `trap "exit 5" HUP; echo ready; ${forever}`, address);
  await job.printed(/ready/);
  victim.child.kill('SIGKILL');
  await victim.ended;
  job.child.kill('SIGHUP');
  const { code, stderr } = await job.ended;
  t.deepEqual([code, stderr], [5, '']);
});
