/**
 * Installs what package-lock.json names, if it is not installed already; runs before `npm start` and `npm test`.
 *
 * The one plain .mjs of the project: it may run on the machine's Node before the checkout's own Node is there. What npm
 * installed last stands in node_modules/.package-lock.json, which npm writes when an installation is complete; as long
 * as that agrees with package-lock.json nothing is run, so that later starts need no network.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const lockFile = join(root, 'package-lock.json');

if (!isInstalled()) {
  install();
  if (!hasNode()) {
    fail(
      'The package "node", which brings the Node.js that keyval is developed with, is incomplete: npm did not run its ' +
        'install script. Check `npm config get ignore-scripts`, then try again.',
    );
  }
}

function isInstalled() {
  const installed = readPackages(join(root, 'node_modules', '.package-lock.json'));
  const wanted = readPackages(lockFile);
  return installed !== null && wanted !== null && hasNode() && agree(wanted, installed);
}

/** The packages of a lock file by their path, or null when there is no such file or npm did not finish it. */
function readPackages(file) {
  if (!existsSync(file)) return null;
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages ?? null;
  } catch {
    return null;
  }
}

/** An optional package may be missing: most of them are for other platforms. */
function agree(wanted, installed) {
  const paths = new Set([...Object.keys(wanted), ...Object.keys(installed)]);
  paths.delete('');
  return [...paths].every((path) => {
    const [want, have] = [wanted[path], installed[path]];
    if (have === undefined) return want.optional === true;
    return want !== undefined && want.version === have.version && want.integrity === have.integrity;
  });
}

function hasNode() {
  return existsSync(join(root, 'node_modules', 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node'));
}

function install() {
  console.log('Installing the packages of package-lock.json …');
  const command = existsSync(lockFile) ? 'ci' : 'install';
  const { status, signal, error } = npm([command, '--include=dev', '--loglevel=error']);
  if (error) fail(`npm cannot be run: ${error.message}`);
  if (status !== 0) fail(`npm ${command} failed (${signal ?? `exit code ${status}`}).`, status ?? 1);
}

/** The npm that runs this script, otherwise the one on the path. */
function npm(args) {
  const options = { cwd: root, stdio: 'inherit' };
  const running = process.env.npm_execpath ?? '';
  if (running.endsWith('npm-cli.js')) return spawnSync(process.execPath, [running, ...args], options);
  return spawnSync('npm', args, { ...options, shell: process.platform === 'win32' });
}

function fail(message, exitCode = 1) {
  console.error(message);
  process.exit(exitCode);
}
