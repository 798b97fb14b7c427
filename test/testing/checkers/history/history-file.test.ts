import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { KeyvalError } from '../../../../src/errors.ts';
import { linesOfFile } from '../../../../src/testing/checkers/history/history-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'keyval-history-'));
test.after.always(() => rmSync(folder, { recursive: true, force: true }));

function fileOf(name: string, content: string): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

test('lines come as they are, with and without an end of the last one', (t) => {
  t.deepEqual([...linesOfFile(fileOf('a', 'one\ntwo\n'))], ['one', 'two']);
  t.deepEqual([...linesOfFile(fileOf('b', 'one\n\ntwo'))], ['one', '', 'two']);
  t.deepEqual([...linesOfFile(fileOf('c', ''))], []);
});

test('lines that end anywhere in a chunk, and characters of several bytes, come whole', (t) => {
  // 3 MB in lines of uneven length: chunk ends fall into lines, and into characters.
  const lines = Array.from({ length: 30_000 }, (_, i) => `${i} ${'äß€😀'.repeat(i % 17)}`);
  t.deepEqual([...linesOfFile(fileOf('d', lines.join('\n')))], lines);
});

test('a line longer than a chunk comes whole', (t) => {
  const long = 'x'.repeat(5_000_000);
  t.deepEqual([...linesOfFile(fileOf('e', `a\n${long}\nb`))], ['a', long, 'b']);
});

test('a file that cannot be read is a usage error that names it', (t) => {
  const missing = join(folder, 'missing');
  t.throws(() => [...linesOfFile(missing)], { instanceOf: KeyvalError, code: 'KV_USAGE', message: /missing: ENOENT/ });
  t.throws(() => [...linesOfFile(folder)], { instanceOf: KeyvalError, code: 'KV_USAGE', message: /EISDIR/ });
});
