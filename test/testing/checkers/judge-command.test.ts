/** `tools/judge.ts` as a process: exit codes and output. */

import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { linesOf, type Written } from './support/lines.ts';

const tool = new URL('../../../tools/judge.ts', import.meta.url).pathname;
const folder = mkdtempSync(join(tmpdir(), 'keyval-judge-'));
test.after.always(() => rmSync(folder, { recursive: true, force: true }));

interface Result {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function judge(...args: string[]): Promise<Result> {
  return new Promise((resolve) => {
    execFile(process.execPath, [tool, ...args], (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

function fileOf(name: string, lines: readonly string[]): string {
  const path = join(folder, name);
  writeFileSync(path, `${lines.join('\n')}\n`);
  return path;
}

const put: Written = { f: 'put', a: { v: 'a' }, call: 0, ret: 1 };
const good = fileOf('good.ndjson', linesOf([put, { f: 'get', call: 2, ret: 3, o: { v: 'a' } }]));
const bad = fileOf('bad.ndjson', linesOf([put, { f: 'get', call: 2, ret: 3, o: { v: 'b' } }]));
const malformed = fileOf('malformed.ndjson', [...linesOf([put]), '{"t":"call"']);

/** Increments of unknown fate, all different, whose sums never come to what is read. */
const increments = Array.from({ length: 20 }, (_, i): Written => ({ f: 'incr', a: { by: 3 ** i * 2 }, call: 0 }));
const read: Written = { f: 'get', call: 10, ret: 20, o: { v: '1' } };
const hopeless = fileOf('hopeless.ndjson', linesOf([...increments, { f: 'del', call: 0 }, read]));

test('exit code 0: linearizable', async (t) => {
  const { code, stdout } = await judge(good);
  t.is(code, 0);
  t.regex(stdout, /good\.ndjson: linearizable, 2 operations on 1 key/);
});

test('exit code 1: a violation, even where other files are malformed', async (t) => {
  const { code, stdout, stderr } = await judge(malformed, bad, good);
  t.is(code, 1);
  t.regex(stdout, /bad\.ndjson: VIOLATION.*phantom-value.*good\.ndjson: linearizable/s);
  t.regex(stderr, /judge: KV_USAGE: .*malformed\.ndjson:4: /);
});

test('exit code 2: malformed, missing, or no file at all, or an option misspelt', async (t) => {
  for (const args of [[malformed], [join(folder, 'missing')], [], [good, '--jason'], [good, '--max-steps', 'x']]) {
    const { code, stderr } = await judge(...args);
    t.is(code, 2, args.join(' '));
    t.regex(stderr, /^judge: KV_USAGE: /);
  }
});

test('exit code 3: undecided', async (t) => {
  const { code, stdout } = await judge('--max-steps', '0', hopeless);
  t.is(code, 3);
  t.regex(stdout, /UNDECIDED on 1 key/);
});

test('--json: one object for each file, stamps and lines as they are in it', async (t) => {
  const { code, stdout } = await judge('--json', good, bad);
  const [first, second] = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  t.is(code, 1);
  t.like(first, { source: good, verdict: 'linearizable', violations: [], summary: { calls: 2, unknown: 0 } });
  t.like(second.violations[0], { key: 'k', family: 'register', rule: 'phantom-value' });
  t.deepEqual(second.violations[0].operations, [
    {
      id: 2,
      client: 'c2',
      kind: 'get',
      key: 'k',
      level: 'lin',
      line: 4,
      sentAt: 2,
      answeredAt: 3,
      outcome: 'ok',
      found: 'b',
    },
  ]);
});

test('--help says the exit codes', async (t) => {
  const { code, stdout } = await judge('--help');
  t.is(code, 0);
  t.regex(stdout, /0 linearizable, 1 violation, 2\s+usage or malformed, 3 undecided/);
});
