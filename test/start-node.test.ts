/** `startNode` and its state directory: whose it is, when it is let go, and what is said when it cannot be had. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { KeyvalError, startNode } from '../src/index.ts';
import { startedNode } from './helpers/node.ts';
import { startKeyvalNode } from './helpers/processes.ts';

function folder(t: ExecutionContext): string {
  const path = mkdtempSync(join(tmpdir(), 'keyval-'));
  t.teardown(() => rmSync(path, { recursive: true }));
  return path;
}

test('a node makes its directory, holds it while it runs and lets it go', async (t) => {
  const data = join(folder(t), 'deep', 'state');
  const first = await startedNode(t, { data });
  t.true(existsSync(data));
  const refused = await t.throwsAsync(startNode({ port: 0, data, logLevel: 'silent' }), { instanceOf: KeyvalError });
  t.like(refused, {
    code: 'KV_USAGE',
    message: `--data: ${data} is held by this process (${process.pid}); stop it, or name another directory for this node`,
  });
  await first.close();
  await startedNode(t, { data });
  t.pass();
});

test('a directory that cannot be used: the path and what to do; the address is free again', async (t) => {
  const file = join(folder(t), 'file');
  writeFileSync(file, '');
  const listen = '127.0.0.1:26910';
  await t.throwsAsync(startNode({ listen, data: file, logLevel: 'silent' }), {
    instanceOf: KeyvalError,
    code: 'KV_STATE',
    message: `the state directory ${file} cannot be used: there is a file of that name; name a directory with --data`,
  });
  await startedNode(t, { listen });
  t.pass();
});

test('alone and embedded a node keeps nothing', async (t) => {
  const node = await startedNode(t, { listen: '127.0.0.1:26911' });
  await node.ready();
  t.false(existsSync('./keyval-data/127.0.0.1-26911'));
});

test('a client of an embedded node is not made for a caller who has given up', async (t) => {
  const node = await startedNode(t, {});
  await t.throwsAsync(node.client({ signal: AbortSignal.abort() }), { code: 'KV_ABORTED' });
});

test('a process says where it keeps its state, or that it will not found a cluster', async (t) => {
  const data = folder(t);
  const keeps = startKeyvalNode(t, ['--port', '0', '--data', data]);
  const joins = startKeyvalNode(t, [
    ...['--peers', '127.0.0.1:26912,127.0.0.2:26912', '--listen', '127.0.0.1:26912'],
    ...['--data', 'none'],
  ]);
  t.is((await keeps.logged('state directory')).path, data);
  const locks = await keeps.until(() => keeps.log.find(({ msg }) => /^the directory is empty: .*--new/.test(`${msg}`)));
  t.is(locks.forMs, 60_000);
  const warning = await joins.logged(
    'without a state directory this node joins a cluster, but neither founds one nor votes',
  );
  t.is(warning.level, 'warn');
});
