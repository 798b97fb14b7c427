/**
 * `npx keyval` never runs a stale build. In checkouts made for the test, with programs that only say where they come
 * from, so that a launcher that prefers the build, or keeps a copy of the source, is found out.
 */
import { execFile, type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import test, { type ExecutionContext } from 'ava';

const root = fileURLToPath(new URL('../..', import.meta.url));
const commands = ['keyval', 'keyval-node'] as const;
const { bin, engines } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const bins: Record<string, string> = bin;

/** A folder with package.json and the launchers at their places, and the checkout's Node.js where npx looks for it. */
function makeFolder(t: ExecutionContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'keyval-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  writeFileSync(
    join(folder, 'package.json'),
    JSON.stringify({ name: 'keyval', version: '0.0.0', type: 'module', bin }),
  );
  cpSync(join(root, 'src', 'cli', 'bin'), join(folder, 'src', 'cli', 'bin'), { recursive: true });
  mkdirSync(join(folder, 'node_modules', '.bin'), { recursive: true });
  symlinkSync(process.execPath, join(folder, 'node_modules', '.bin', 'node'));
  return folder;
}

/** A program that prints `name` and its arguments; as .ts only a Node.js that strips types can run it. */
function writeProgram(folder: string, path: string, name: string): void {
  const type = path.endsWith('.ts') ? ': string' : '';
  mkdirSync(join(folder, dirname(path)), { recursive: true });
  writeFileSync(join(folder, path), `const name${type} = '${name}';\nconsole.log(name, ...process.argv.slice(2));\n`);
}

async function npx(folder: string, ...args: string[]): Promise<string> {
  const env = { ...process.env, npm_config_cache: join(folder, '.npm'), npm_config_offline: 'true' };
  const { stdout } = await promisify(execFile)('npx', args, { cwd: folder, env });
  return stdout.trim();
}

/** Runs the file that `bin` names for the command, with the arguments `a --b`. */
function runBin(folder: string, command: string, nodeArgs: readonly string[] = []): SpawnSyncReturns<string> {
  const file = join(folder, bins[command] ?? '');
  return spawnSync(process.execPath, [...nodeArgs, file, 'a', '--b'], { encoding: 'utf8' });
}

/** Makes Node.js believe that it has another version. */
function pretend(version: string): string[] {
  const code = `Object.defineProperty(process, 'versions', { value: { node: '${version}' } });`;
  return ['--import', `data:text/javascript,${encodeURIComponent(code)}`];
}

for (const command of commands) {
  const source = `src/cli/${command}.ts`;
  const build = `.dist/cli/${command}.js`;

  test(`${command} in a checkout runs the source as it is now, whatever was built`, (t) => {
    const folder = makeFolder(t);
    writeProgram(folder, source, 'source');
    writeProgram(folder, build, 'stale build');
    t.is(runBin(folder, command).stdout, 'source a --b\n');
    writeProgram(folder, source, 'changed source');
    t.is(runBin(folder, command).stdout, 'changed source a --b\n');
  });

  test(`npx ${command} in a checkout does so too`, async (t) => {
    const folder = makeFolder(t);
    writeProgram(folder, source, 'source');
    t.is(await npx(folder, command, 'a', '--', '--b'), 'source a -- --b', 'before any build');
    writeProgram(folder, build, 'stale build');
    writeProgram(folder, source, 'changed source');
    t.is(await npx(folder, command, 'a', '--b'), 'changed source a --b');
  });

  test(`${command} in a package runs the build`, (t) => {
    const folder = makeFolder(t);
    writeProgram(folder, build, 'build');
    t.is(runBin(folder, command).stdout, 'build a --b\n');
  });

  test(`${command} says when Node.js is too old`, (t) => {
    const folder = makeFolder(t);
    writeProgram(folder, source, 'source');
    const { status, stderr } = runBin(folder, command, pretend('22.19.9'));
    t.is(status, 1);
    t.regex(stderr, new RegExp(`^${command}: needs Node\\.js 22\\.20 or newer, this is 22\\.19\\.9\\.`));
  });
}

test('the oldest Node.js is that of `engines`', (t) => {
  const folder = makeFolder(t);
  writeProgram(folder, 'src/cli/keyval.ts', 'source');
  t.is(engines.node, '>=22.20');
  t.is(runBin(folder, 'keyval', pretend('22.20.0')).stdout, 'source a --b\n');
  t.is(runBin(folder, 'keyval', pretend('23.0.0')).stdout, 'source a --b\n');
});
