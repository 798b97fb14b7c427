/** The load generator as a program: what it prints and how it ends. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { startCluster } from './loadgen/cluster.ts';

const entry = fileURLToPath(new URL('../../tools/loadgen/loadgen.ts', import.meta.url));

interface Ending {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function start(args: readonly string[]): { child: ChildProcess; end: Promise<Ending> } {
  const child = spawn(process.execPath, [entry, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk) => {
    stdout += chunk;
  });
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  return { child, end: once(child, 'close').then(([code]) => ({ code, stdout, stderr })) };
}

test('a wrong option ends with 2 and says which', async (t) => {
  const { code, stdout, stderr } = await start(['--threads', '0']).end;
  t.is(code, 2);
  t.is(stdout, '');
  t.regex(stderr, /^loadgen: KV_USAGE: --threads is a whole number from 1 to 64, not '0'\n$/);
});

test('--help ends with 0', async (t) => {
  const { code, stdout } = await start(['--help']).end;
  t.is(code, 0);
  t.regex(stdout, /--value-bytes.*Examples:.*Exit codes:/s);
});

test('no node: KV_UNREACHABLE with the address, and 1', async (t) => {
  const { code, stderr } = await start(['--endpoints', '127.0.0.1:22999']).end;
  t.is(code, 1);
  t.regex(stderr, /^loadgen: KV_UNREACHABLE: .*127\.0\.0\.1:22999/);
});

test('SIGTERM ends a run with its result', async (t) => {
  const nodes = await startCluster(22_450);
  const [first] = nodes;
  const endpoint = first?.address as string;
  const args = ['--endpoints', endpoint, '--seconds', 'Infinity', '--keys', '10', '--loops', '4', '--verify'];
  const { child, end } = start([...args, '--output', 'json']);
  const client = await first?.client();
  while ((await client?.get('loadgen:key:9')) === null) await delay(20);
  child.kill('SIGTERM');
  const { code, stdout, stderr } = await end;
  t.is(stderr, '');
  t.is(code, 0);
  t.like(JSON.parse(stdout), { errors: [], increments: { lost: 0 } });
  await client?.close();
  await Promise.all(nodes.map((node) => node.close()));
});
