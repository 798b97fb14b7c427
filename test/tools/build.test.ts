/** The build: once for each state of the sources, whole or not at all. */
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { buildIfChanged } from '../../tools/build/build.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** A checkout with the compiler's settings and two sources. */
function makeCheckout(t: ExecutionContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'keyval-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  for (const path of ['tsconfig.json', 'tools/build/tsconfig.json']) cpSync(join(root, path), join(folder, path));
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  mkdirSync(join(folder, 'src', 'base'), { recursive: true });
  write(folder, 'index.ts', `export { one } from './base/one.ts';\n`);
  write(folder, 'base/one.ts', 'export const one: number = 1;\n');
  return folder;
}

function write(folder: string, path: string, text: string): void {
  writeFileSync(join(folder, 'src', path), text);
}

function read(folder: string, path: string): string {
  return readFileSync(join(folder, '.dist', path), 'utf8');
}

test('builds what can be loaded without the sources', async (t) => {
  const folder = makeCheckout(t);
  t.deepEqual(await buildIfChanged(folder), { built: true, exitCode: 0 });
  t.regex(read(folder, 'index.js'), /from '\.\/base\/one\.js'/);
  t.is((await import(join(folder, '.dist', 'index.js'))).one, 1);
  t.regex(read(folder, 'base/one.d.ts'), /export declare const one: number/);
});

test("builds of one process at the same time do not get in each other's way", async (t) => {
  const folder = makeCheckout(t);
  for (let round = 0; round < 3; round += 1) {
    write(folder, 'index.ts', `export { one } from './base/one.ts';\nexport const round: number = ${round};\n`);
    const results = await Promise.all([buildIfChanged(folder), buildIfChanged(folder), buildIfChanged(folder)]);
    for (const { exitCode } of results) t.is(exitCode, 0);
    t.regex(read(folder, 'base/one.js'), /one = 1/);
    t.regex(read(folder, 'index.js'), new RegExp(`round = ${round}`));
  }
});

test('builds again only when something has changed', async (t) => {
  const folder = makeCheckout(t);
  await buildIfChanged(folder);
  t.deepEqual(await buildIfChanged(folder), { built: false, exitCode: 0 });
  write(folder, 'base/one.ts', 'export const one: number = 2;\n');
  t.deepEqual(await buildIfChanged(folder), { built: true, exitCode: 0 });
  t.regex(read(folder, 'base/one.js'), /one = 2/);
});

test('leaves nothing of a source that is gone', async (t) => {
  const folder = makeCheckout(t);
  write(folder, 'base/two.ts', 'export const two: number = 2;\n');
  await buildIfChanged(folder);
  t.true(existsSync(join(folder, '.dist', 'base', 'two.js')));
  rmSync(join(folder, 'src', 'base', 'two.ts'));
  t.true((await buildIfChanged(folder)).built);
  t.false(existsSync(join(folder, '.dist', 'base', 'two.js')));
});

test('keeps the last good build when the sources have an error', async (t) => {
  const folder = makeCheckout(t);
  await buildIfChanged(folder);
  write(folder, 'base/one.ts', `export const one: number = 'one';\n`);
  const { built, exitCode } = await buildIfChanged(folder, 'hidden');
  t.false(built);
  t.not(exitCode, 0);
  t.regex(read(folder, 'base/one.js'), /one = 1/);
});
