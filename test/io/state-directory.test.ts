/** The state directory on a real disk: what is written is there, one process holds it, and trouble is told in words. */
import { spawn } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import type { DiskStep } from '../../src/base/ports.ts';
import { StateDirectory } from '../../src/io/state-directory.ts';
import { DurableLog } from '../../src/raft/durable-log.ts';
import { type Identity, readIdentity } from '../../src/raft/identity.ts';
import { entry } from '../raft/support/messages.ts';

function folder(t: ExecutionContext): string {
  const path = mkdtempSync(join(tmpdir(), 'keyval-state-'));
  t.teardown(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

function written(disk: StateDirectory, ...steps: readonly DiskStep[]): Promise<Error | null> {
  return new Promise((resolve) => disk.write(steps, resolve));
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

test('steps are taken in order, and nothing else is left behind', async (t) => {
  const path = join(folder(t), 'deep', 'data');
  const disk = StateDirectory.open(path);
  t.is(disk.read('a'), null);
  const failure = await written(
    disk,
    { kind: 'create', name: 'a', bytes: bytes('one') },
    { kind: 'append', name: 'a', bytes: bytes(' two') },
    { kind: 'append', name: 'a', bytes: bytes(' three') },
    { kind: 'cut', name: 'a', length: 7 },
    { kind: 'append', name: 'a', bytes: bytes('!') },
    { kind: 'create', name: 'b', bytes: bytes('x') },
    { kind: 'append', name: 'b', bytes: bytes('y') },
    { kind: 'remove', name: 'b' },
    { kind: 'create', name: 'c', bytes: bytes('first') },
    { kind: 'create', name: 'c', bytes: bytes('second') },
  );
  t.is(failure, null);
  t.deepEqual(disk.list().sort(), ['a', 'c', 'lock']);
  t.deepEqual(disk.read('a'), bytes('one two!'));
  t.deepEqual(disk.read('c'), bytes('second'));
  await disk.close();
  t.deepEqual(readdirSync(path).sort(), ['a', 'c']);
});

test('a durable log lives in it across restarts', async (t) => {
  const path = folder(t);
  const identity: Identity = { node: 7, cluster: 'test', promise: new Uint8Array(0) };
  const first = StateDirectory.open(path);
  t.is(readIdentity(first), null);
  const snapshot = { index: 0, term: 0, configuration: { voters: [7], learners: [] }, data: new Uint8Array(0) };
  t.is(await new Promise((resolve) => DurableLog.found(first, identity, snapshot, resolve)), null);
  const { log } = DurableLog.open(first, identity);
  const ready = { hardState: { term: 3, vote: 7, commit: 1 }, snapshot: null, isInstalled: false };
  const rest = { entries: [entry(1, 3, 'x')], messages: [], committed: [], reads: [] };
  t.is(await new Promise((resolve) => log.persist({ ...ready, ...rest }, resolve)), null);
  await first.close();
  const second = StateDirectory.open(path);
  const { state } = DurableLog.open(second, readIdentity(second) as Identity);
  t.deepEqual(state.hardState, ready.hardState);
  t.deepEqual(state.entries, rest.entries);
  await second.close();
});

const holder = `
  const { StateDirectory } = await import(process.argv[1]);
  const disk = StateDirectory.open(process.argv[2]);
  disk.list();
  console.log('held');
  setInterval(() => {}, 1000);
`;
const source = fileURLToPath(new URL('../../src/io/state-directory.ts', import.meta.url));

test('a second process is refused, with the number of the first; one that was killed is no obstacle', async (t) => {
  const path = folder(t);
  const args = ['--no-warnings', '--input-type=module', '-e', holder, source, path];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  t.teardown(() => child.kill('SIGKILL'));
  await new Promise((resolve) => child.stdout.once('data', resolve));
  t.throws(() => StateDirectory.open(path), {
    code: 'KV_USAGE',
    message: new RegExp(`held by process ${child.pid}; stop it, or name another directory`),
  });
  const ended = new Promise((resolve) => child.once('close', resolve));
  child.kill('SIGKILL');
  await ended;
  const disk = StateDirectory.open(path);
  t.regex(readFileSync(join(path, 'lock'), 'utf8'), new RegExp(`^${process.pid} `));
  await disk.close();
});

test('one process does not hold it twice', async (t) => {
  const path = folder(t);
  const disk = StateDirectory.open(path);
  t.throws(() => StateDirectory.open(path), { code: 'KV_USAGE', message: /this process/ });
  await disk.close();
  await StateDirectory.open(path).close();
});

test('a number that another process has taken since is no obstacle', async (t) => {
  if (process.platform !== 'linux') return t.pass('only Linux tells when a process began');
  const path = folder(t);
  writeFileSync(join(path, 'lock'), `${process.ppid} 1\n`);
  await t.notThrowsAsync(StateDirectory.open(path).close());
});

test('a lock that names nobody, or this very number from a former life, is no obstacle', async (t) => {
  for (const text of ['', 'what', `${process.pid} 1\n`]) {
    const path = folder(t);
    writeFileSync(join(path, 'lock'), text);
    await t.notThrowsAsync(StateDirectory.open(path).close());
  }
});

test('a full disk is told in words, and what to do', async (t) => {
  if (process.platform !== 'linux') return t.pass('there is no /dev/full');
  const path = folder(t);
  const disk = StateDirectory.open(path);
  symlinkSync('/dev/full', join(path, 'log'));
  const failure = await written(disk, { kind: 'append', name: 'log', bytes: bytes('x') });
  t.like(failure, { name: 'KeyvalError', code: 'KV_STATE' });
  t.regex(failure?.message ?? '', /the disk is full; free some space/);
  await disk.close();
});

test('a directory that cannot be written is told at the start', (t) => {
  const path = folder(t);
  writeFileSync(join(path, 'file'), '');
  t.throws(() => StateDirectory.open(join(path, 'file')), {
    code: 'KV_STATE',
    message: /there is a file of that name/,
  });
  t.throws(() => StateDirectory.open(join(path, 'file', 'deeper')), {
    code: 'KV_STATE',
    message: /a file of that name/,
  });
  // Root may write anywhere but where the kernel refuses.
  const closed = process.getuid?.() === 0 && process.platform === 'linux' ? '/sys/keyval-data' : join(path, 'closed');
  if (!closed.startsWith('/sys')) {
    mkdirSync(closed);
    chmodSync(closed, 0o500);
  }
  t.throws(() => StateDirectory.open(closed), { code: 'KV_STATE', message: /cannot be used: .*(?:--data)/ });
});

test('a write that fails does not keep the next from being tried', async (t) => {
  const disk = StateDirectory.open(folder(t));
  t.not(await written(disk, { kind: 'cut', name: 'nothing', length: 1 }), null);
  t.is(await written(disk, { kind: 'create', name: 'a', bytes: bytes('x') }), null);
  await disk.close();
});
