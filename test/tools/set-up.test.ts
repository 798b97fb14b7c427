/** The set-up before `npm start` and `npm test`: when it installs, and what it says when that fails. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';

const script = fileURLToPath(new URL('../../tools/set-up.mjs', import.meta.url));

/** Stands in for npm: notes how it was called, and installs what the lock file names, unless told otherwise. */
const fakeNpm = `
const fs = require('node:fs');
fs.appendFileSync('calls', process.argv.slice(2).join(' ') + '\\n');
if (process.env.FAKE_NPM === 'fails') process.exit(7);
fs.mkdirSync('node_modules/node/bin', { recursive: true });
if (process.env.FAKE_NPM !== 'skips scripts') fs.writeFileSync('node_modules/node/bin/node', '');
if (fs.existsSync('package-lock.json')) fs.copyFileSync('package-lock.json', 'node_modules/.package-lock.json');
`;

type Packages = Record<string, { version: string; integrity?: string; optional?: true }>;

class Checkout {
  readonly #folder = mkdtempSync(join(tmpdir(), 'keyval-'));

  constructor(t: ExecutionContext) {
    t.teardown(() => rmSync(this.#folder, { recursive: true }));
    mkdirSync(join(this.#folder, 'tools'));
    copyFileSync(script, join(this.#folder, 'tools', 'set-up.mjs'));
    writeFileSync(join(this.#folder, 'npm-cli.js'), fakeNpm);
  }

  lock(packages: Packages): void {
    writeFileSync(join(this.#folder, 'package-lock.json'), JSON.stringify({ packages: { '': {}, ...packages } }));
  }

  /** What npm says that it installed. */
  installed(packages: Packages): void {
    mkdirSync(join(this.#folder, 'node_modules', 'node', 'bin'), { recursive: true });
    writeFileSync(join(this.#folder, 'node_modules', 'node', 'bin', 'node'), '');
    writeFileSync(join(this.#folder, 'node_modules', '.package-lock.json'), JSON.stringify({ packages }));
  }

  /** Runs the set-up, with npm as told. */
  setUp(npm = ''): { status: number | null; stderr: string } {
    const env = { ...process.env, npm_execpath: join(this.#folder, 'npm-cli.js'), FAKE_NPM: npm };
    const options = { cwd: this.#folder, env, encoding: 'utf8' } as const;
    return spawnSync(process.execPath, [join(this.#folder, 'tools', 'set-up.mjs')], options);
  }

  /** How npm was called, one call a line. */
  get calls(): string[] {
    const file = join(this.#folder, 'calls');
    return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [];
  }
}

const ava = { 'node_modules/ava': { version: '8.1.2', integrity: 'sha512-a' } };
const ci = 'ci --include=dev --loglevel=error';

test('installs when nothing is there, once', (t) => {
  const checkout = new Checkout(t);
  checkout.lock(ava);
  t.is(checkout.setUp().status, 0);
  t.is(checkout.setUp().status, 0);
  t.deepEqual(checkout.calls, [ci]);
});

test('installs again when the lock file has changed', (t) => {
  const checkout = new Checkout(t);
  checkout.lock(ava);
  checkout.setUp();
  checkout.lock({ 'node_modules/ava': { version: '8.1.3', integrity: 'sha512-b' } });
  checkout.setUp();
  checkout.lock({});
  checkout.setUp();
  t.deepEqual(checkout.calls, [ci, ci, ci]);
});

test('leaves alone what somebody installed by hand', (t) => {
  const checkout = new Checkout(t);
  checkout.lock({ ...ava, 'node_modules/for-other-systems': { version: '1.0.0', optional: true } });
  checkout.installed(ava);
  t.is(checkout.setUp().status, 0);
  t.deepEqual(checkout.calls, []);
});

test('installs when an earlier installation was not finished', (t) => {
  const checkout = new Checkout(t);
  checkout.lock({ ...ava, 'node_modules/pino': { version: '10.4.0' } });
  checkout.installed(ava);
  checkout.setUp();
  t.deepEqual(checkout.calls, [ci]);
});

test('without a lock file', (t) => {
  const checkout = new Checkout(t);
  t.is(checkout.setUp().status, 0);
  t.deepEqual(checkout.calls, ['install --include=dev --loglevel=error']);
});

test('ends with the exit code of npm', (t) => {
  const checkout = new Checkout(t);
  checkout.lock(ava);
  const { status, stderr } = checkout.setUp('fails');
  t.is(status, 7);
  t.is(stderr, 'npm ci failed (exit code 7).\n');
});

test('says so when npm ran no install scripts', (t) => {
  const checkout = new Checkout(t);
  checkout.lock(ava);
  const { status, stderr } = checkout.setUp('skips scripts');
  t.is(status, 1);
  t.regex(stderr, /ignore-scripts/);
});
