/** `keyval get`, `put`, `del`, `cas`, `incr` against a node: what they print and how they end. */
import test, { type ExecutionContext } from 'ava';
import { type Client, type RunningNode, startNode } from '../../../src/index.ts';
import { type Ended, keyval, type RunOptions, startKeyval } from '../../helpers/processes.ts';

const FENCED =
  'the lock that guards the write is not held under that token, or in a mode that only reads; nothing was written';

let node: RunningNode;
let client: Client<Uint8Array>;

test.before(async () => {
  node = await startNode({ port: 0, logLevel: 'silent' });
  await node.ready();
  client = await node.client({ codec: 'buffer' });
});

test.after.always(async () => {
  await client.close();
  await node.close();
});

function run(t: ExecutionContext, args: readonly string[], options?: RunOptions): Promise<Ended> {
  return keyval(t, node.address, args, options);
}

/** Revision of a key, as text. */
async function revisionOf(key: string): Promise<string> {
  return `${(await client.getEntry(key))?.revision}`;
}

function ok(stdout: string): Ended {
  return { code: 0, signal: null, stdout, stderr: '' };
}

function failure(code: number, stderr: string, stdout = ''): Ended {
  return { code, signal: null, stdout, stderr: `keyval: ${stderr}\n` };
}

test.serial('put prints the revision, get the value', async (t) => {
  const stored = await run(t, ['put', 'greeting', 'grüße']);
  t.deepEqual(stored, ok(`${await revisionOf('greeting')}\n`));
  t.deepEqual(await run(t, ['get', 'greeting']), ok('grüße\n'));
  t.deepEqual(await run(t, ['get', 'greeting', '--raw']), ok('grüße'));
});

test.serial('documents: revisions are text, one line or many', async (t) => {
  const { stdout } = await run(t, ['put', 'a', '1', '--output', 'ndjson', '--ttl', '1h']);
  const revision = await revisionOf('a');
  t.is(stdout, `{"key":"a","revision":"${revision}"}\n`);
  const got = await run(t, ['get', 'a', '--output', 'json']);
  const { ttlMs, ...rest } = JSON.parse(got.stdout);
  t.deepEqual(rest, { key: 'a', value: '1', revision });
  t.true(ttlMs > 3_500_000 && ttlMs <= 3_600_000);
  t.is(got.stdout.split('\n').length, 7);
});

test.serial('get --reads says how fresh the value must be; a stale one comes with its age', async (t) => {
  await run(t, ['put', 'fresh', '1']);
  for (const reads of ['strict', 'lease', 'stale'])
    t.deepEqual(await run(t, ['get', 'fresh', '--reads', reads]), ok('1\n'), reads);
  const stale = JSON.parse((await run(t, ['get', 'fresh', '--reads', 'stale', '--output', 'json'])).stdout);
  t.is(stale.value, '1');
  t.true(stale.staleMs === null || stale.staleMs >= 0);
  const leased = JSON.parse((await run(t, ['get', 'fresh', '--output', 'json'])).stdout);
  t.false('staleMs' in leased);
  t.deepEqual(
    await run(t, ['get', 'fresh', '--reads', 'fresh']),
    failure(2, "KV_USAGE: --reads is strict, lease, stale, not 'fresh'"),
  );
});

test.serial('L9: writes under a fence: 6 when the lock is not held under that token', async (t) => {
  const lock = await client.lock('{job}');
  const held = ['--fence', `${lock.token}`, '--lock-key', '{job}'];
  const former = ['--fence', `${lock.token - 1n}`, '--lock-key', '{job}'];
  const refused = failure(6, `KV_FENCED: ${FENCED} (key '{job}.at')`);
  t.is((await run(t, ['put', '{job}.at', '17', ...held])).code, 0);
  t.deepEqual(await run(t, ['put', '{job}.at', '18', ...former]), refused);
  t.deepEqual(await run(t, ['incr', '{job}.at', ...held]), ok('18\n'));
  t.deepEqual(await run(t, ['incr', '{job}.at', ...former]), refused);
  t.deepEqual(await run(t, ['cas', '{job}.at', await revisionOf('{job}.at'), '1', ...former]), refused);
  t.deepEqual(await run(t, ['del', '{job}.at', ...former]), refused);
  t.deepEqual(await run(t, ['put', '{job}', '1', '--fence', `${lock.token}`]), ok(`${await revisionOf('{job}')}\n`));
  await lock.release({ confirm: true });
  t.deepEqual(await run(t, ['del', '{job}.at', ...held]), refused);
  t.regex(
    (await run(t, ['put', 'elsewhere', '1', ...held])).stderr,
    /^keyval: KV_FENCE_PARTITION: .*'\{job\}elsewhere'/,
  );
  t.deepEqual(
    await run(t, ['put', 'k', '1', '--lock-key', 'l']),
    failure(2, 'KV_USAGE: --lock-key says whose token --fence is: give both'),
  );
  t.regex((await run(t, ['put', 'k', '1', '--fence', 'old'])).stderr, /KV_USAGE: --fence/);
});

test.serial('standard input is stored byte for byte', async (t) => {
  const value = Buffer.from([0xff, 0, 0x0a, 0x0d, 0x80]);
  t.is((await run(t, ['put', 'binary', '-'], { input: value })).code, 0);
  t.deepEqual(await client.get('binary'), value);
  const raw = startKeyval(t, node.address, ['get', 'binary', '--raw']);
  await raw.ended;
  t.deepEqual(raw.stdoutBytes, value);
  const document = await run(t, ['get', 'binary', '--output', 'ndjson']);
  t.like(JSON.parse(document.stdout), { key: 'binary', valueBase64: value.toString('base64') });
});

test.serial('values that look like something else are taken as they are', async (t) => {
  for (const value of ['-5', '--help', '', '007', '1e3', '0x10']) {
    t.is((await run(t, ['put', 'odd', '--', value])).code, 0);
    t.is(`${await client.get('odd')}`, value);
  }
  await run(t, ['put', 'odd', '007']);
  t.is(`${await client.get('odd')}`, '007');
});

test.serial('a key that is no text is given in base64', async (t) => {
  const key = new Uint8Array([0xff, 1]);
  await client.put(key, Buffer.from('found'));
  t.deepEqual(await run(t, ['get', '/wE=', '--base64-key']), ok('found\n'));
  t.deepEqual(await run(t, ['get', '/w', '--base64-key']), failure(3, "KV_NOT_FOUND: there is no key '/w'"));
  t.deepEqual(
    await run(t, ['get', 'no base64', '--base64-key']),
    failure(2, "KV_USAGE: KEY is not base64: 'no base64'"),
  );
});

test.serial('absent: 3', async (t) => {
  t.deepEqual(await run(t, ['get', 'nothing']), failure(3, "KV_NOT_FOUND: there is no key 'nothing'"));
  t.deepEqual(await run(t, ['del', 'nothing']), failure(3, "KV_NOT_FOUND: there is no key 'nothing'"));
});

test.serial('del deletes, under a condition too', async (t) => {
  await client.put('del', Buffer.from('x'));
  t.is((await run(t, ['del', 'del', '--if-revision', '1'])).code, 4);
  t.deepEqual(await run(t, ['del', 'del', '--if-revision', await revisionOf('del')]), ok('deleted\n'));
  t.is(await client.get('del'), null);
});

test.serial('put under conditions: 4 when they do not hold', async (t) => {
  t.is((await run(t, ['put', 'once', '1', '--if-absent'])).code, 0);
  const revision = await revisionOf('once');
  const refused = failure(4, `KV_CONFLICT: the condition does not hold: the key has revision ${revision} (key 'once')`);
  t.deepEqual(await run(t, ['put', 'once', '2', '--if-absent']), refused);
  t.deepEqual(await run(t, ['put', 'once', '2', '--if-revision', '0']), refused);
  t.is((await run(t, ['put', 'once', '2', '--if-revision', revision])).code, 0);
  t.is(`${await client.get('once')}`, '2');
});

test.serial('cas: 0 is absent; a refusal tells the revision', async (t) => {
  const created = await run(t, ['cas', 'counter', '0', '1']);
  const revision = await revisionOf('counter');
  t.deepEqual(created, ok(`${revision}\n`));
  const refusal = `KV_CONFLICT: the key 'counter' has revision ${revision}, it should be absent`;
  t.deepEqual(await run(t, ['cas', 'counter', '0', '2']), failure(4, refusal));
  const document = `{"key":"counter","ok":false,"revision":"${revision}"}\n`;
  t.deepEqual(await run(t, ['cas', 'counter', '0', '2', '--output', 'ndjson']), failure(4, refusal, document));
  t.is((await run(t, ['cas', 'counter', revision, '-'], { input: 'three' })).code, 0);
  t.is(`${await client.get('counter')}`, 'three');
  t.is((await run(t, ['cas', 'counter', 'x', '2'])).code, 2);
});

test.serial('incr adds, and refuses what is no integer with 4', async (t) => {
  t.deepEqual(await run(t, ['incr', 'visits']), ok('1\n'));
  t.deepEqual(await run(t, ['incr', 'visits', '--by', '-3']), ok('-2\n'));
  t.deepEqual(
    await run(t, ['incr', 'visits', '--by', '9223372036854775807', '--output', 'ndjson']),
    ok('{"key":"visits","value":"9223372036854775805"}\n'),
  );
  await client.put('text', Buffer.from('x'));
  const refused = await run(t, ['incr', 'text']);
  t.is(refused.code, 4);
  t.regex(refused.stderr, /^keyval: KV_NOT_INTEGER: .*\n$/);
});

test.serial('bad keys: 2', async (t) => {
  const text = 'KV_BAD_KEY: the key is';
  t.deepEqual(await run(t, ['get', '']), failure(2, `${text} empty; a key has 1 to 65,535 bytes`));
  t.deepEqual(
    await run(t, ['put', 'k'.repeat(65_536), 'v']),
    failure(2, `${text} too long; a key has 1 to 65,535 bytes (key '${'k'.repeat(64)}…')`),
  );
  t.is((await run(t, ['put', 'k'.repeat(65_535), 'v'])).code, 0);
});

test.serial('a value too large: 2, without reading to its end', async (t) => {
  const input = Buffer.alloc(64 * 1024 * 1024 + 1);
  t.deepEqual(
    await run(t, ['put', 'large', '-'], { input }),
    failure(2, 'KV_TOO_LARGE: standard input has more than 67108864 bytes'),
  );
});
