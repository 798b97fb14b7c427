/** The README's example of a service that refuses late requests, over real sockets, files and locks. */
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { type Client, type RunningNode, startNode } from '../../src/index.ts';
import { asHolder, LateRequestError, reportService } from './fenced-service.ts';
import { type HolderTask, PausedHolder } from './support/paused.ts';

const LEASE_MS = 600;
const late = { instanceOf: LateRequestError };

let node: RunningNode;
let kv: Client;

test.before('a node', async () => {
  node = await startNode({ port: 0, logLevel: 'silent' });
  await node.ready();
  kv = await node.client();
});

test.after.always('stop it', async () => {
  await kv.close();
  await node.close();
});

interface Service {
  readonly url: string;
  readonly server: Server;
}

async function serve(t: ExecutionContext, file: string): Promise<Service> {
  const server = await reportService(file);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => stop(server));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/report`, server };
}

function stop(server: Server): void {
  server.close();
  server.closeAllConnections();
}

function fileFor(t: ExecutionContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'keyval-report-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  return join(folder, 'report.json');
}

function holder(token: bigint): { readonly token: bigint; readonly signal: AbortSignal } {
  return { token, signal: new AbortController().signal };
}

async function status(url: string, token: string | null, method = 'PUT'): Promise<number> {
  const headers: Record<string, string> = token === null ? {} : { 'Fencing-Token': token };
  const response = await fetch(url, { method, headers, body: method === 'PUT' ? 'text' : null });
  await response.text();
  return response.status;
}

function task(key: string, write: HolderTask['write'], url: string): HolderTask {
  return { address: node.address, key, leaseMs: LEASE_MS, write, url };
}

test('a holder that was paused sends late and is refused', async (t) => {
  const { url } = await serve(t, fileFor(t));
  const former = await PausedHolder.of(t, task('report', 'request', url));
  await using lock = await kv.lock('report');
  t.true(lock.token > former.token);
  await asHolder(url, lock, 'of the next holder');
  t.deepEqual(await former.goOn(), { outcome: 'LateRequestError', held: false, another: true });
  t.is(await asHolder(url, lock, null), 'of the next holder');
});

test('the signal may stop it before, and nothing comes of it either way', async (t) => {
  const { url } = await serve(t, fileFor(t));
  const former = await PausedHolder.of(t, task('signalled', 'requestWithSignal', url));
  await using lock = await kv.lock('signalled');
  await asHolder(url, lock, 'of the next holder');
  const { outcome, held, another } = await former.goOn();
  t.true(['LateRequestError', 'KeyvalError'].includes(outcome), outcome);
  t.false(held);
  t.true(another);
  t.is(await asHolder(url, lock, null), 'of the next holder');
});

test('who has only read shuts out those before', async (t) => {
  const { url } = await serve(t, fileFor(t));
  await asHolder(url, holder(7n), 'first');
  t.is(await asHolder(url, holder(9n), null), 'first');
  await t.throwsAsync(asHolder(url, holder(8n), 'late'), { ...late, message: 'token 9 was here' });
  await t.throwsAsync(asHolder(url, holder(8n), null), late);
  t.is(await asHolder(url, holder(9n), 'second'), 'second');
});

test('the largest token outlives the service, whether it came with a text or not', async (t) => {
  const file = fileFor(t);
  const first = await serve(t, file);
  await asHolder(first.url, holder(7n), 'kept');
  stop(first.server);
  const second = await serve(t, file);
  await t.throwsAsync(asHolder(second.url, holder(6n), 'late'), late);
  t.is(await asHolder(second.url, holder(9n), null), 'kept');
  stop(second.server);
  const third = await serve(t, file);
  await t.throwsAsync(asHolder(third.url, holder(8n), 'late'), late);
  t.is(await (await fetch(third.url)).text(), 'kept');
});

test('all 64 bits of a token count', async (t) => {
  const { url } = await serve(t, fileFor(t));
  await asHolder(url, holder(2n ** 64n - 2n), 'text');
  await asHolder(url, holder(2n ** 64n - 1n), 'text');
  await t.throwsAsync(asHolder(url, holder(2n ** 64n - 2n), 'late'), late);
});

test('a request without a token, or with something else', async (t) => {
  const { url } = await serve(t, fileFor(t));
  t.is(await status(url, null), 428);
  for (const token of ['-1', '1.5', '0x10', '7n', ' ', String(2n ** 64n), '1'.repeat(21)])
    t.is(await status(url, token), 400, token);
  t.is(await status(url, null, 'GET'), 200);
  t.is(await status(url, 'x', 'GET'), 400);
});

test('many at a time: nothing older is stored after something newer', async (t) => {
  const file = fileFor(t);
  const { url } = await serve(t, file);
  const tokens = Array.from({ length: 40 }, (_, index) => BigInt(1 + ((index * 17) % 40)));
  const stored = await Promise.all(
    tokens.map((token) =>
      asHolder(url, holder(token), `text ${token}`).then(
        () => true,
        (error) => (error instanceof LateRequestError ? false : Promise.reject(error)),
      ),
    ),
  );
  t.true(stored[tokens.indexOf(40n)]);
  t.deepEqual(JSON.parse(readFileSync(file, 'utf8')), { token: '40', text: 'text 40' });
});

test('a disk that fails: nothing is told as stored, and nobody older gets in', async (t) => {
  const folder = fileFor(t); // not there: no file can be written in it
  const { url } = await serve(t, join(folder, 'report.json'));
  t.is(await status(url, '9'), 500);
  t.is(await status(url, '8'), 412);
  t.is(await (await fetch(url)).text(), '');
});

test('a file that cannot be read: the service does not begin without its token', async (t) => {
  const file = fileFor(t);
  writeFileSync(file, '{"token":');
  await t.throwsAsync(reportService(file), { instanceOf: SyntaxError });
  t.deepEqual(readdirSync(join(file, '..')), ['report.json']);
});
