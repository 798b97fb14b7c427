/** `keyval export`, as a process: what it writes, what it does not write over, how an interrupted one goes on. */
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { type Client, type RunningNode, startNode } from '../../../src/index.ts';
import { folderFor, noteWhere } from '../../helpers/notes.ts';
import { type Ended, keyval, startKeyval } from '../../helpers/processes.ts';

let node: RunningNode;
let client: Client<Uint8Array>;

const KEYS = 3000;

test.before(async () => {
  node = await startNode({ port: 0, logLevel: 'silent', partitions: 16 });
  await node.ready();
  client = await node.client({ codec: 'buffer' });
  await client.put(new Uint8Array([0xff, 0x0a]), Buffer.from([0, 0x80]));
  await client.put('ü', Buffer.from('"text"\n'));
  await client.put('large', Buffer.alloc(1_500_000, 0xfe));
  await client.batch(
    Array.from({ length: KEYS - 3 }, (_, at) => ({ put: `key-${at}`, value: Buffer.from(`value-${at}`) })),
  );
});

test.after.always(async () => {
  await client.close();
  await node.close();
});

function run(t: ExecutionContext, args: readonly string[]): Promise<Ended> {
  return keyval(t, node.address, ['export', ...args]);
}

function sortedLines(text: string): string[] {
  return text.split('\n').slice(0, -1).sort();
}

test.serial('to standard output and to a file it is the same', async (t) => {
  const file = join(folderFor(t), 'all.ndjson');
  const { stdout, stderr, code } = await run(t, []);
  t.is(code, 0);
  t.regex(stderr, /^exported 3,000 rows in .* of 16 partitions\n$/);
  const lines = sortedLines(stdout);
  t.is(lines.length, KEYS);
  t.true(lines.includes('{"key64":"/wo=","value64":"AIA="}'));
  t.true(lines.includes('{"key":"ü","value":"\\"text\\"\\n"}'));
  t.like(await run(t, [file, '--output', 'json']), { code: 0, stderr: '' });
  t.deepEqual(sortedLines(readFileSync(file, 'utf8')), lines);
  t.false(existsSync(`${file}.progress`));
});

test.serial('a reader that goes leaves an export that is not complete', async (t) => {
  const gone = startKeyval(t, node.address, ['export']);
  gone.child.stdout?.destroy();
  const { code, stderr } = await gone.ended;
  t.is(code, 1);
  t.regex(stderr, /^keyval: whoever read standard output has gone: \d+ of 16 partitions were written\n$/);
});

test.serial('a prefix, and a file that is there already', async (t) => {
  const file = join(folderFor(t), 'some.ndjson');
  t.is((await run(t, ['--prefix', 'key-29', file])).code, 0);
  t.is(sortedLines(readFileSync(file, 'utf8')).length, 108);
  const refused = await run(t, [file]);
  t.is(refused.code, 2);
  t.regex(refused.stderr, /is there already; --force writes over it/);
});

test.serial('killed in the middle, it goes on behind what is whole', async (t) => {
  const file = join(folderFor(t), 'all.ndjson');
  const first = startKeyval(t, node.address, ['export', '--rate', '2000', file]);
  await noteWhere<{ partitions: number }>(`${file}.progress`, ({ partitions }) => partitions >= 3);
  first.child.kill('SIGKILL');
  await first.ended;
  appendFileSync(`${file}.partial`, '{"key":"torn');
  t.false(existsSync(file));
  const { code, stdout } = await run(t, ['--resume', file]);
  t.is(code, 0);
  t.regex(stdout, /of 16 partitions, 3000 in /);
  const keys = sortedLines(readFileSync(file, 'utf8'));
  t.is(keys.length, KEYS);
  t.is(new Set(keys).size, KEYS);
  t.true(keys.every((line) => line.endsWith('"}') && line.startsWith('{"key')));
  t.false(existsSync(`${file}.progress`));
});

test.serial('Ctrl-C says how to go on', async (t) => {
  const file = join(folderFor(t), 'all.ndjson');
  const first = startKeyval(t, node.address, ['export', '--rate', '1000', file]);
  await noteWhere<{ partitions: number }>(`${file}.progress`, ({ partitions }) => partitions >= 2);
  first.child.kill('SIGINT');
  const { code, stderr } = await first.ended;
  t.is(code, 130);
  t.regex(stderr, /^keyval: \d+ of 16 partitions are in .* go on with: keyval export --resume .*\n$/);
  const { partitions, bytes } = JSON.parse(readFileSync(`${file}.progress`, 'utf8'));
  t.true(partitions >= 2);
  t.is(readFileSync(`${file}.partial`).length, bytes);
  t.false(existsSync(file));
});

test.serial('what was exported can be imported', async (t) => {
  const folder = folderFor(t);
  const [before, after] = [join(folder, 'before.ndjson'), join(folder, 'after.ndjson')];
  await run(t, [before]);
  for await (const { keyBytes } of client.scan({ values: false })) await client.delete(keyBytes);
  t.is((await keyval(t, node.address, ['import', before])).code, 0);
  await run(t, [after]);
  t.deepEqual(sortedLines(readFileSync(after, 'utf8')), sortedLines(readFileSync(before, 'utf8')));
});
