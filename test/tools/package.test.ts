/** The package that npm would publish: what is in it, and that it works where nothing else of the checkout is. */
import { execFile, execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';
import { installed, publishedFiles, root } from '../helpers/installed-package.ts';

const { bin, version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const run = promisify(execFile);
let files: string[] = [];

test.before('build and list', async () => {
  files = await publishedFiles();
});

test('holds the build, the launchers and the papers, nothing else', (t) => {
  const allowed =
    /^(?:\.dist\/.+(?:\.js|\.d\.ts)|src\/cli\/bin\/[\w-]+\.js|(?:README|CHANGELOG)\.md|LICENSE|package\.json)$/;
  t.deepEqual(
    files.filter((file) => !allowed.test(file)),
    [],
  );
  for (const file of [
    '.dist/index.js',
    '.dist/index.d.ts',
    '.dist/cli/keyval.js',
    '.dist/cli/keyval-node.js',
    'README.md',
    'LICENSE',
  ]) {
    t.true(files.includes(file), file);
  }
});

test('can be imported', async (t) => {
  const app = installed(t, files);
  const program = `import { connect, KeyvalError, startNode } from 'keyval';
    console.log(typeof connect, typeof startNode, typeof KeyvalError);`;
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', program], { cwd: app });
  t.is(stdout.trim(), 'function function function');
});

test('has types that a strict program can use', (t) => {
  const app = installed(t, files);
  writeFileSync(
    join(app, 'program.ts'),
    `import { connect, KeyvalError, startNode } from 'keyval';
    const client = await connect('keyval://127.0.0.1');
    const value: string | null = await client.get('a');
    // @ts-expect-error: not a client
    const wrong: number = await connect('keyval://127.0.0.1');
    export { KeyvalError, startNode, value, wrong };`,
  );
  const compilerOptions = {
    strict: true,
    noEmit: true,
    module: 'nodenext',
    target: 'es2024',
    lib: ['es2024', 'esnext.disposable'],
    types: ['node'],
  };
  writeFileSync(join(app, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['program.ts'] }));
  const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  t.notThrows(() => execFileSync(process.execPath, [compiler, '-p', app], { encoding: 'utf8' }));
});

for (const [command, file] of Object.entries<string>(bin)) {
  test(`brings the command ${command}`, async (t) => {
    const path = join(installed(t, files), 'node_modules', 'keyval', file);
    const { stdout } = await run(process.execPath, [path, '--version']);
    t.is(stdout.trim(), version);
  });
}
