/** `keyval completion`: bash runs its script; those of the other shells hold every command and option. */
import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';
import { scriptFor } from '../../src/cli/commands/completion.ts';
import { nodeCommandOptions } from '../../src/cli/node/node-option-table.ts';
import { commands, program } from '../../src/cli/program.ts';
import { sharedOptions } from '../../src/cli/shared/client-configuration.ts';
import type { Command } from '../../src/cli/shared/command.ts';
import { flag, valued } from '../../src/cli/shared/command-line.ts';
import { KeyvalError } from '../../src/index.ts';

const run = promisify(execFile);

function isInstalled(shell: string): boolean {
  try {
    execFileSync('sh', ['-c', `command -v ${shell}`], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** Beside the real ones, a command that has all that a command can have. */
const everything: Command = {
  name: 'everything',
  operands: ['KEY', 'FILE', 'FORM'],
  choices: { FORM: ['round', 'square'] },
  summary: "it's [all]: \\ and $more",
  options: { loud: flag('a flag'), colour: valued('one of two', 'red', ['red', 'green']), 'note-file': valued('x') },
  examples: [],
  run: () => Promise.resolve(0),
};
const script = scriptFor('bash', [...commands, everything]);

/** What bash offers for the words, the last of which is being written; with files `notes.txt` and `node.json` around. */
async function offered(cases: readonly (readonly string[])[]): Promise<string[][]> {
  const folder = mkdtempSync(join(tmpdir(), 'keyval-'));
  try {
    for (const name of ['notes.txt', 'node.json']) writeFileSync(join(folder, name), '');
    writeFileSync(join(folder, '.script'), script);
    const asked = cases.map(([name = '', ...words]) => {
      const list = [name, ...words].map((word) => `'${word}'`).join(' ');
      const complete = `_${name.replaceAll('-', '_')}_complete`;
      return `COMP_WORDS=(${list}); COMP_CWORD=${words.length}; ${complete}; echo "\${COMPREPLY[*]}"`;
    });
    // Started by a daemon, bash takes a pipe for a remote shell and would read the files of the user.
    const args = ['--norc', '--noprofile', '-uc', ['. ./.script', ...asked].join('\n')];
    const { stdout, stderr } = await run('bash', args, { cwd: folder });
    if (stderr !== '') throw new Error(stderr);
    return stdout
      .split('\n')
      .slice(0, -1)
      .map((line) => line.split(' ').filter((word) => word !== ''));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const names = [...commands, everything].map(({ name }) => name);
const shared = [...Object.keys(sharedOptions), 'help', 'version'].map((name) => `--${name}`);
const own = Object.keys(commands.find(({ name }) => name === 'put')?.options ?? {}).map((name) => `--${name}`);
const ofNode = [...Object.keys(nodeCommandOptions), 'help', 'version'].map((name) => `--${name}`);

const bashCases: readonly (readonly [string, readonly string[]])[] = [
  ['keyval ', names],
  ['keyval ge', ['get']],
  ['keyval --', shared],
  ['keyval put --', [...shared, ...own]],
  ['keyval put --if-', ['--if-absent', '--if-revision']],
  ['keyval get --output ', ['table', 'json', 'ndjson']],
  ['keyval get --output js', ['json']],
  ['keyval get --output = nd', ['ndjson']],
  ['keyval get --output =', ['table', 'json', 'ndjson']],
  ['keyval get --output = json --ra', ['--raw']],
  ['keyval --cluster get --output json pi', ['ping']],
  ['keyval get ', []],
  ['keyval get --timeout ', []],
  ['keyval get --secret-file no', ['notes.txt', 'node.json']],
  ['keyval get --config = not', ['notes.txt']],
  ['keyval get -- --', []],
  ['keyval lock k -- ls not', ['notes.txt']],
  ['keyval completion ', ['bash', 'zsh', 'fish']],
  ['keyval completion bash ', []],
  ['keyval cluster ', ['status', 'members', 'partitions', 'transfer', 'reform']],
  ['keyval cluster transfer --a', ['--all-from']],
  ['keyval everything --colour ', ['red', 'green']],
  ['keyval everything --lo', ['--loud']],
  ['keyval everything k no', ['notes.txt', 'node.json']],
  ['keyval everything --colour red k - s', ['square']],
  ['keyval unknown --', shared],
  ['keyval-node --', ofNode],
  ['keyval-node --log-level ', ['silent', 'fatal', 'error', 'warn', 'info', 'debug']],
  ['keyval-node --config node', ['node.json']],
  ['keyval-node --on-loss ', ['stop', 'empty']],
  ['keyval-node --data no', ['notes.txt', 'node.json']],
  ['keyval-node --peers ', []],
  ['keyval-node --insecure --pa', ['--partitions']],
  ['keyval-node ', []],
];

(isInstalled('bash') ? test : test.skip)('bash offers what can stand there', async (t) => {
  const found = await offered(bashCases.map(([line]) => line.split(' ')));
  for (const [index, [line, expected]] of bashCases.entries()) {
    t.deepEqual(found[index]?.sort(), [...expected].sort(), line);
  }
});

(isInstalled('bash') ? test : test.skip)('bash: behind -- of lock stand commands', async (t) => {
  const [found = []] = await offered([['keyval', 'lock', 'k', '--', 'ech']]);
  t.true(found.includes('echo'));
});

for (const [shell, check] of [
  ['bash', ['-n']],
  ['zsh', ['-n']],
  ['fish', ['--no-execute']],
] as const) {
  const all = scriptFor(shell, [...commands, everything]);
  test(`${shell}: every command and every option is in the script`, (t) => {
    for (const name of names) t.regex(all, new RegExp(`\\b${name}\\b`), name);
    const options = [...commands, everything].flatMap((command) => Object.keys(command.options));
    for (const name of [...options, ...Object.keys(sharedOptions), ...Object.keys(nodeCommandOptions)])
      t.regex(all, new RegExp(`${shell === 'fish' ? '-l ' : '--'}${name}\\b`), name);
  });

  (isInstalled(shell) ? test : test.skip)(`${shell} takes the script`, async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'keyval-'));
    t.teardown(() => rmSync(folder, { recursive: true }));
    writeFileSync(join(folder, 'script'), all);
    const { stdout, stderr } = await run(shell, [...check, join(folder, 'script')]);
    t.deepEqual([stdout, stderr], ['', '']);
  });
}

/** The texts within single quotes end where they should: an even number of quotes on each line, escapes left out. */
for (const [shell, escapes] of [
  ['zsh', /'\\''/g],
  ['fish', /\\./g],
] as const) {
  test(`${shell}: quotes of descriptions are closed`, (t) => {
    for (const line of scriptFor(shell, [...commands, everything]).split('\n'))
      t.is((line.replaceAll(escapes, '').match(/'/g) ?? []).length % 2, 0, line);
  });
}

test('zsh: what means something to _arguments is escaped', (t) => {
  t.true(scriptFor('zsh', [everything]).includes("'everything:it'\\''s \\[all\\]\\: \\\\ and $more'"));
});

test('a shell that it does not know', async (t) => {
  for (const [shell, message] of [
    ['bsh', "SHELL is bash, zsh, fish, not 'bsh'; did you mean bash?"],
    ['powershell', "SHELL is bash, zsh, fish, not 'powershell'"],
  ] as const)
    await t.throwsAsync(program(['completion', shell]), { instanceOf: KeyvalError, code: 'KV_USAGE', message });
});
