/** `keyval scan`: formats, limits, and a reader that has seen enough. */
import { once } from 'node:events';
import test, { type ExecutionContext } from 'ava';
import { type Client, type RunningNode, startNode } from '../../../src/index.ts';
import { type Ended, keyval, startKeyval } from '../../helpers/processes.ts';

let node: RunningNode;
let client: Client<Uint8Array>;

test.before(async () => {
  node = await startNode({ port: 0, logLevel: 'silent' });
  await node.ready();
  client = await node.client({ codec: 'buffer' });
  await client.put('a-1', Buffer.from('one\ttwo\n'));
  await client.put('a-2', Buffer.from([0xff]));
  await client.put(new Uint8Array([0x62, 0xff]), Buffer.from('grüße'), { ttlMs: 3_600_000 });
  await client.batch(Array.from({ length: 3000 }, (_, at) => ({ put: `many-${at}`, value: Buffer.alloc(200, 'x') })));
});

test.after.always(async () => {
  await client.close();
  await node.close();
});

function run(t: ExecutionContext, args: readonly string[]): Promise<Ended> {
  return keyval(t, node.address, ['scan', ...args]);
}

function lines(text: string): string[] {
  return text.split('\n').slice(0, -1);
}

test.serial('a line a key; what is no text is escaped', async (t) => {
  const { stdout, stderr, code } = await run(t, ['--prefix', 'a-']);
  t.deepEqual(lines(stdout).sort(), ['a-1\tone\\ttwo\\n', 'a-2\t\\xff']);
  t.is(stderr, '');
  t.is(code, 0);
  t.deepEqual(lines((await run(t, ['--prefix', 'a-', '--keys-only'])).stdout).sort(), ['a-1', 'a-2']);
});

test.serial('json is one array, ndjson one document a line', async (t) => {
  const { stdout } = await run(t, ['--prefix', 'b', '--output', 'json']);
  const [entry, ...rest] = JSON.parse(stdout);
  t.deepEqual(rest, []);
  t.like(entry, { keyBase64: 'Yv8=', value: 'grüße' });
  t.regex(entry.revision, /^\d+$/);
  t.true(entry.ttlMs > 3_500_000);
  t.deepEqual(JSON.parse((await run(t, ['--prefix', 'none', '--output', 'json'])).stdout), []);
  const many = lines((await run(t, ['--prefix', 'many-', '--output', 'ndjson', '--keys-only'])).stdout);
  t.is(new Set(many.map((line) => JSON.parse(line).key)).size, 3000);
  t.deepEqual(Object.keys(JSON.parse(many[0] ?? '')), ['key', 'revision', 'ttlMs']);
});

test.serial('--limit ends early, over pages too', async (t) => {
  t.is(lines((await run(t, ['--prefix', 'many-', '--limit', '1001'])).stdout).length, 1001);
  t.is(JSON.parse((await run(t, ['--limit', '1', '--output', 'json'])).stdout).length, 1);
  t.regex(
    (await run(t, ['--limit', '0'])).stderr,
    /^keyval: KV_USAGE: --limit is a whole number, 1 or more, not '0'\n$/,
  );
});

test.serial('a reader that goes away ends it quietly', async (t) => {
  const scan = startKeyval(t, node.address, ['scan']);
  await once(scan.child.stdout as NodeJS.ReadableStream, 'data');
  scan.child.stdout?.destroy();
  const { code, stderr } = await scan.ended;
  t.is(stderr, '');
  t.is(code, 0);
});
