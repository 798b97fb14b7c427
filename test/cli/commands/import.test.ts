/** `keyval import`, as a process: what is stored, what is told of wrong lines, how an interrupted one goes on. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { type Client, type RunningNode, startNode } from '../../../src/index.ts';
import { folderFor, noteWhere } from '../../helpers/notes.ts';
import { type Ended, keyval, type RunOptions, startKeyval } from '../../helpers/processes.ts';

let node: RunningNode;
let client: Client<Uint8Array>;

test.before(async () => {
  node = await startNode({ port: 0, logLevel: 'silent', partitions: 8 });
  await node.ready();
  client = await node.client({ codec: 'buffer' });
});

test.after.always(async () => {
  await client.close();
  await node.close();
});

function run(t: ExecutionContext, args: readonly string[], options: RunOptions = {}): Promise<Ended> {
  return keyval(t, node.address, ['import', ...args], options);
}

async function storedAt(key: string | Uint8Array): Promise<string | null> {
  return (await client.get(key))?.toString() ?? null;
}

function rows(name: string, count: number): string {
  return Array.from({ length: count }, (_, index) => `{"key":"${name}-${index}","value":"${index}"}\n`).join('');
}

test.serial('rows of a file are stored: text, base64, times to live', async (t) => {
  const file = join(folderFor(t), 'rows.ndjson');
  const value64 = Buffer.alloc(1_200_000, 0xfe).toString('base64');
  writeFileSync(
    file,
    `{"key":"a","value":"grüße\\n"}\n{"key64":"/wA=","value64":"gA==","ttlMs":3600000}\r\n\n{"key":"large","value64":"${value64}"}\n{"value":"","key":"last"}`,
  );
  const { code, stdout, stderr } = await run(t, [file]);
  t.is(stderr, '');
  t.regex(stdout, /^imported 4 rows in [\d.]+ s \([\d,]+ rows\/s\), 0 failed\n$/);
  t.is(code, 0);
  t.is(await storedAt('a'), 'grüße\n');
  t.deepEqual([...((await client.get(new Uint8Array([0xff, 0]))) ?? [])], [0x80]);
  t.true(((await client.getEntry(new Uint8Array([0xff, 0])))?.ttlMs ?? 0) > 3_000_000);
  t.is((await client.get('large'))?.length, 1_200_000);
  t.is(await storedAt('last'), '');
  t.false(existsSync(`${file}.import-progress`));
});

test.serial('standard input, and the result as a document', async (t) => {
  const { code, stdout } = await run(t, ['-', '--output', 'json'], { input: rows('piped', 3000) });
  t.like(JSON.parse(stdout), { rows: 3000, failed: 0, complete: true });
  t.is(code, 0);
  t.is(await storedAt('piped-2999'), '2999');
});

test.serial('wrong lines are told by their number, and the others are stored', async (t) => {
  const lines = rows('good', 2000).split('\n');
  lines[16] = '{"key":"","value":"x"}';
  lines[1500] = 'no json';
  lines[1700] = '{"key":"k","value":"v","color":"red"}';
  const { code, stdout, stderr } = await run(t, ['--concurrency', '1', '--rate', '8000', '-'], {
    input: lines.join('\n'),
  });
  t.is(code, 1);
  t.regex(stdout, /^imported 1,997 rows in .* 3 failed\n$/);
  const told = stderr.split('\n').map((line) => line.split(':').slice(0, 2).join(':'));
  t.deepEqual(told, ['line 17: KV_BAD_KEY', 'line 1501: KV_BAD_REQUEST', 'line 1701: KV_BAD_REQUEST', '']);
  t.is(await storedAt('good-15'), '15');
  t.is(await storedAt('good-16'), null);
  t.is(await storedAt('good-1999'), '1999');
});

test.serial('too many wrong lines end it; --dry-run stores nothing', async (t) => {
  const input = `${'wrong\n'.repeat(500)}${rows('dry', 10)}`;
  const stopped = await run(t, ['--max-errors', '150', '-'], { input });
  t.is(stopped.code, 1);
  t.is(stopped.stderr.split('\n').filter((line) => line.startsWith('line ')).length, 151);
  t.regex(stopped.stderr, /more than 150 wrong lines: given up/);
  const all = await run(t, ['--max-errors', '500', '-'], { input });
  t.regex(all.stdout, /^imported 10 rows .* 500 failed\n$/);
  t.is(new Set(all.stderr.split('\n')).size, 501);
  const dry = await run(t, ['--dry-run', '-'], { input: rows('never', 10) });
  t.regex(dry.stdout, /^checked 10 rows .* 0 failed\n$/);
  t.is(await storedAt('never-1'), null);
});

interface Note {
  readonly lines: number;
}

test.serial('killed in the middle, it goes on where it was', async (t) => {
  const file = join(folderFor(t), 'rows.ndjson');
  writeFileSync(file, rows('killed', 6000));
  const first = startKeyval(t, node.address, ['import', '--rate', '4000', file]);
  const note = await noteWhere<Note>(`${file}.import-progress`, ({ lines }) => lines >= 1000);
  first.child.kill('SIGKILL');
  await first.ended;
  t.true(note.lines < 6000);
  // What is stored is not stored again: a key deleted meanwhile stays away.
  await client.delete('killed-0');
  const { code, stdout } = await run(t, ['--resume', file, '--output', 'json']);
  t.is(code, 0);
  t.like(JSON.parse(stdout), { rows: 6000, complete: true });
  t.is(await storedAt('killed-0'), null);
  for (const index of [1, 999, 1000, 3000, 5999]) t.is(await storedAt(`killed-${index}`), `${index}`);
  t.false(existsSync(`${file}.import-progress`));
});

test.serial('a restart of the cluster meanwhile is told, and nothing is gone on with after it', async (t) => {
  const options = { listen: '127.0.0.1:26851', logLevel: 'silent', partitions: 4 } as const;
  const first = await startNode(options);
  await first.ready();
  const file = join(folderFor(t), 'rows.ndjson');
  writeFileSync(file, rows('restarted', 20_000));
  const running = startKeyval(t, first.address, ['import', '--rate', '2000', file]);
  await noteWhere<Note>(`${file}.import-progress`, ({ lines }) => lines >= 500);
  await first.close();
  const second = await startNode(options);
  t.teardown(() => second.close());
  const { code, stderr } = await running.ended;
  t.is(code, 5);
  t.regex(
    stderr,
    /^keyval: KV_RESTARTED: 127\.0\.0\.1:26851 was restarted while rows were being stored: .* from the start\n$/,
  );
  const resumed = await keyval(t, second.address, ['import', '--resume', file]);
  t.is(resumed.code, 2);
  t.regex(
    resumed.stderr,
    /^keyval: KV_USAGE: .* was restarted since .* import the file from the start, without --resume\n$/,
  );
});

test.serial('with --concurrency 1 the last line of a key wins', async (t) => {
  const input = Array.from({ length: 10 }, (_, at) => [
    JSON.stringify({ key: `twice-${at}`, value: 'L'.repeat(100_000) }),
    JSON.stringify({ key: `twice-${at}`, value: 'last' }),
  ]);
  t.is((await run(t, ['--concurrency', '1', '-'], { input: input.flat().join('\n') })).code, 0);
  for (let at = 0; at < 10; at += 1) t.is(await storedAt(`twice-${at}`), 'last');
});

test.serial('Ctrl-C keeps the progress and says how to go on', async (t) => {
  const file = join(folderFor(t), 'rows.ndjson');
  writeFileSync(file, rows('interrupted', 6000));
  const first = startKeyval(t, node.address, ['import', '--rate', '2000', file]);
  await noteWhere<Note>(`${file}.import-progress`, ({ lines }) => lines >= 500);
  first.child.kill('SIGINT');
  const { code, stdout, stderr } = await first.ended;
  t.is(code, 130);
  t.regex(stderr, /^keyval: [\d,]+ lines of .* are done, .* go on with: keyval import --resume .*rows\.ndjson\n$/);
  t.regex(stdout, /0 failed, not complete\n$/);
});

interface WholeNote extends Note {
  readonly offset: number;
  readonly rows: number;
  readonly failed: number;
}

test.serial('given up for wrong lines, it goes on behind the last one told, and tells the others', async (t) => {
  const file = join(folderFor(t), 'rows.ndjson');
  const lines = rows('resumed', 400).trimEnd().split('\n');
  for (let at = 0; at < 400; at += 10) lines[at] = `wrong ${at}`;
  writeFileSync(file, lines.join('\n'));
  const first = await run(t, ['--max-errors', '2', file]);
  t.is(first.code, 1);
  t.regex(first.stderr, /\nkeyval: 21 lines of .* are done, .* go on with: keyval import --resume /);
  t.regex(first.stdout, / 3 failed, not complete\n$/);
  const note = JSON.parse(readFileSync(`${file}.import-progress`, 'utf8')) as WholeNote;
  t.like(note, { offset: lines.slice(0, 21).join('\n').length + 1, lines: 21, rows: 18, failed: 3 });
  const second = await run(t, ['--resume', file]);
  t.is(second.code, 1);
  t.regex(second.stdout, /^imported 342 rows .* 37 failed \(3 before\)\n$/);
  const told = [first, second].flatMap(({ stderr }) => stderr.match(/(?<=^line )\d+/gm) ?? []);
  t.deepEqual(
    told.map(Number),
    Array.from({ length: 40 }, (_, at) => at * 10 + 1),
  );
  t.false(existsSync(`${file}.import-progress`));
});

test.serial('the exit code says what was stored, whether or not somebody reads', async (t) => {
  const gone = startKeyval(t, node.address, ['import', '-'], { input: `wrong\n${rows('unread', 10)}` });
  gone.child.stdout?.destroy();
  gone.child.stderr?.destroy();
  t.is((await gone.ended).code, 1);
  t.is(await storedAt('unread-9'), '9');
});

test.serial('a note that cannot be written is told before anything is stored, and everything is', async (t) => {
  const file = join(folderFor(t), 'rows.ndjson');
  writeFileSync(file, rows('unnoted', 10));
  mkdirSync(`${file}.import-progress`); // in the way, also of a user who may write everywhere
  const { code, stdout, stderr } = await run(t, [file]);
  t.regex(stderr, /^keyval: cannot write: .*import-progress.*; the import goes on, but --resume will not know .*\n$/);
  t.regex(stdout, /^imported 10 rows in .* 0 failed\n$/);
  t.is(code, 0);
});

test.serial('what cannot be read is a usage error', async (t) => {
  t.regex((await run(t, ['--resume', '-'])).stderr, /^keyval: KV_USAGE: --resume needs a file/);
});
