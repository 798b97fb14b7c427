// Every example of the README runs, in a folder where the package is installed as its users have it.
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';
import { codes, type RunningNode, startNode } from '../src/index.ts';
import { installed, publishedFiles, root } from './helpers/installed-package.ts';

const PORT = 26_400;
const run = promisify(execFile);
const readme = readFileSync(join(root, 'README.md'), 'utf8');
const peers = [1, 2, 3].map((host) => `127.0.0.${host}:${PORT}`);
let nodes: RunningNode[] = [];
let files: string[] = [];

function blocks(language: string): string[] {
  return [...readme.matchAll(new RegExp(`\`\`\`${language}\n(.*?)\`\`\``, 'gs'))].map(([, code]) => code as string);
}

test.before('three nodes and the package', async () => {
  files = await publishedFiles();
  nodes = await Promise.all(
    peers.map((listen) => startNode({ peers, listen, data: 'none', new: true, logLevel: 'silent' })),
  );
  await Promise.all(nodes.map((node) => node.ready()));
});

test.after.always('stop them', async () => {
  await Promise.all(nodes.map((node) => node.close()));
});

for (const [index, code] of blocks('js').entries()) {
  test.serial(`program ${index + 1} of the README`, async (t) => {
    const app = installed(t, files);
    writeFileSync(
      join(app, 'program.js'),
      code.replaceAll(/127\.0\.0\.\d/g, (host) => `${host}:${PORT}`),
    );
    const { stderr } = await run(process.execPath, ['program.js'], { cwd: app, timeout: 20_000 });
    t.is(stderr, '');
  });
}

const commands = blocks('sh').flatMap((block) => block.split('\n').filter((line) => line.startsWith('npx keyval')));

for (const command of commands) {
  test.serial(`command of the README: ${command}`, async (t) => {
    const app = installed(t, files);
    const launcher = join(app, 'node_modules', 'keyval', 'src', 'cli', 'bin', 'keyval.js');
    const shell = `npx() { shift; "${process.execPath}" "${launcher}" "$@"; }; ${command}`;
    const env = { ...process.env, KEYVAL_ENDPOINTS: peers.join(',') };
    const { stdout } = await run('sh', ['-c', shell], { cwd: app, env, timeout: 20_000 });
    t.not(stdout, '');
  });
}

test('the README has examples', (t) => {
  t.true(blocks('js').length >= 4);
  t.true(commands.length >= 5);
});

test('its table of errors is that of the code', (t) => {
  for (const [code, { retryable, outcome, exitCode, meaning }] of Object.entries(codes)) {
    const row = `| \`${code}\` | ${retryable ? 'yes' : 'no'} | ${outcome} | ${exitCode} | ${meaning} |`;
    t.true(readme.includes(row), row);
  }
});
