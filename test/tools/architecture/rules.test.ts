/** Every rule can fail: trees with a violation, and what each rule says of them. */
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these strings are source text.
import test from 'ava';
import { rules } from '../../../tools/architecture/check.ts';
import { topLevelRule } from '../../../tools/architecture/form-rules.ts';
import { treeOf } from '../../../tools/architecture/source-tree.ts';

const comment = '// A file.\n';
const stubs = [
  'errors.ts',
  'index.ts',
  'base/ports.ts',
  'base/prng.ts',
  'store/table.ts',
  'store/messages.ts',
  'lock/table.ts',
  'raft/raft.ts',
  'protocol/opcode.ts',
  'node/node.ts',
  'node/snapshot.ts',
  'io/acceptor.ts',
  'io/tcp-transport.ts',
  'client/index.ts',
  'client/router.ts',
  'archive/archive.ts',
  'door/resp.ts',
  'testing/simulator.ts',
  'cli/keyval.ts',
];
const clean = Object.fromEntries(stubs.map((path) => [path, comment]));

/** What all rules say of the clean tree with these files put into it. */
function judge(files: Readonly<Record<string, string>>): string[] {
  const tree = treeOf({ ...clean, ...files });
  return [...rules(['pino']).values()].flatMap((rule) => rule(tree)).map(({ where, what }) => `${where} ${what}`);
}

test('the clean tree breaks no rule', (t) => {
  t.deepEqual(judge({}), []);
});

/** A file, one line of it, and a part of what must be said. */
const violations: readonly [path: string, line: string, said: string][] = [
  ['base/prng.ts', `import { a } from '../errors.ts';`, 'base/ may not import errors.ts'],
  ['base/prng.ts', `import type { A } from '../store/table.ts';`, 'base/ may not import store/table.ts'],
  ['base/prng.ts', `import { a } from 'node:crypto';`, 'base/ may not import node:crypto'],
  ['errors.ts', `import { a } from './base/prng.ts';`, 'errors.ts may not import base/prng.ts'],
  ['lock/table.ts', `import { a } from '../store/table.ts';`, 'lock/ may not import store/table.ts'],
  ['lock/table.ts', `import type { A } from '../store/messages.ts';`, 'lock/ may not import store/messages.ts'],
  ['store/table.ts', `import { a } from '../protocol/opcode.ts';`, 'store/ may not import protocol/opcode.ts'],
  ['raft/raft.ts', `import { a } from '../node/node.ts';`, 'raft/ may not import node/node.ts'],
  ['raft/raft.ts', `import { a } from 'pino';`, 'raft/ may not use packages: pino'],
  ['protocol/opcode.ts', `import { A } from '../store/messages.ts';`, '`import type` only'],
  ['protocol/opcode.ts', `import type { A } from '../store/table.ts';`, 'protocol/ may not import store/table.ts'],
  ['protocol/opcode.ts', `import { a } from 'node:fs';`, 'protocol/ may not import node:fs'],
  ['node/node.ts', `import { a } from '../io/acceptor.ts';`, 'node/ may not import io/acceptor.ts'],
  ['node/node.ts', `import type { A } from '../io/acceptor.ts';`, 'node/ may not import io/acceptor.ts'],
  ['node/node.ts', `import { a } from 'node:net';`, 'node/ may not import node:net'],
  ['node/node.ts', `import { a } from 'node:timers/promises';`, 'node/ may not import node:timers/promises'],
  ['node/node.ts', `import { a } from 'fs';`, 'write node:fs'],
  ['node/node.ts', `import { a } from 'lodash';`, 'lodash is not in the dependencies'],
  ['node/node.ts', `import { a } from '@scope/a/b';`, '@scope/a/b is not in the dependencies'],
  ['node/node.ts', `import { a } from './gone.ts';`, 'node/gone.ts, which does not exist'],
  ['io/acceptor.ts', `import { a } from '../base/prng.ts';`, 'io/ may not import base/prng.ts'],
  ['io/acceptor.ts', `import { a } from '../node/node.ts';`, 'io/ may not import node/node.ts'],
  ['io/tcp-transport.ts', `import { a } from './acceptor.ts';`, 'io/tcp-transport.ts may not import io/acceptor.ts'],
  ['client/router.ts', `import { a } from '../io/tcp-transport.ts';`, 'client/ may not import io/tcp-transport.ts'],
  ['client/index.ts', `import { a } from '../io/acceptor.ts';`, "the client's entry point would load io/acceptor.ts"],
  ['client/index.ts', `import { a } from 'pino';`, "the client's entry point would load pino"],
  ['client/router.ts', `import { a } from '../store/table.ts';`, 'client/ may not import store/table.ts'],
  ['archive/archive.ts', `import { a } from '../io/acceptor.ts';`, 'archive/ may not import io/acceptor.ts'],
  ['door/resp.ts', `import { a } from '../store/table.ts';`, 'door/ may not import store/table.ts'],
  ['testing/simulator.ts', `import { a } from '../lock/table.ts';`, 'testing/ may not import lock/table.ts'],
  ['testing/checkers/a.ts', `import { a } from '../../node/node.ts';`, 'testing/checkers/ may not import node/node.ts'],
  ['dashboard/page.ts', `import { a } from '../node/snapshot.ts';`, '`import type` only'],
  ['index.ts', `import { a } from './cli/keyval.ts';`, 'index.ts may not import cli/keyval.ts'],
  ['cli/keyval.ts', `import { a } from '../testing/simulator.ts';`, 'cli/ may not import testing/simulator.ts'],
  ['cli/keyval.ts', `import { a } from 'node:fs';`, 'cli/ may not import node:fs'],
  ['helpers/a.ts', '', 'is in no layer'],
  ['base/prng.ts', 'const a = Date.now();', 'base/ may not use Date'],
  ['store/table.ts', 'const a = performance.now();', 'store/ may not use performance'],
  ['lock/table.ts', 'const a = Math.random();', 'lock/ may not use Math.random'],
  ['lock/table.ts', 'const a = Math\n  .random();', 'lock/ may not use Math\n  .random'],
  ['replication/log.ts', 'setTimeout(() => {}, 1);', 'replication/ may not use setTimeout'],
  ['cluster/book.ts', 'queueMicrotask(() => {});', 'cluster/ may not use queueMicrotask'],
  ['raft/raft.ts', 'const a: Promise<void> | null = null;', 'raft/ may not use Promise'],
  ['membership/swim.ts', 'async function a() {}', 'membership/ may not use async'],
  ['vine/map.ts', 'await a;', 'vine/ may not use await'],
  ['store/table.ts', 'const a = process.pid;', 'store/ may not use process'],
  ['store/table.ts', 'const a = `${process.pid}`;', 'store/ may not use process'],
  ['store/table.ts', 'const a = Math.exp(1);', 'store/ may not use Math.exp'],
  ['store/table.ts', 'const a = Math.pow(1, 2);', 'store/ may not use Math.pow'],
  ['store/table.ts', 'const a = Math.log(1);', 'store/ may not use Math.log'],
  ['store/table.ts', 'const a = Buffer.alloc(1);', 'store/ may not use Buffer'],
  ['store/table.ts', 'const a = globalThis;', 'store/ may not use globalThis'],
  ['base/ports.ts', 'const a = Date.now();', 'base/ may not use Date'],
  ['node/node.ts', 'const a = Date.now();', 'node/ may not use Date'],
  ['client/router.ts', 'const a = Math.random();', 'client/ may not use Math.random'],
  ['node/node.ts', 'setInterval(() => {}, 1);', 'node/ may not use setInterval'],
  ['cli/keyval.ts', 'setTimeout(() => {}, 1);', 'cli/ may not use setTimeout'],
];

for (const [path, line, said] of violations) {
  test(`${path}: ${line}`, (t) => {
    const found = judge({ [path]: `${comment}${line}\n` });
    t.true(
      found.some((violation) => violation.startsWith(`src/${path}:`) && violation.includes(said)),
      found.join('\n'),
    );
  });
}

/** The other side of the rules: what they must let pass. */
const granted: readonly [path: string, line: string][] = [
  ['store/table.ts', `import { a } from '../base/prng.ts';\nimport { b } from '../errors.ts';`],
  ['store/table.ts', `// Date.now() and await\nconst a = 'process';\nconst b = entry.process + Math.sqrt(2);`],
  ['store/table.ts', 'const updateDate = 1;\nconst asynchronous = 2;'],
  ['protocol/opcode.ts', `import type { A } from '../store/messages.ts';`],
  ['node/node.ts', `import { a } from '../store/table.ts';\nimport { b } from 'pino';\nimport c from 'node:crypto';`],
  ['io/acceptor.ts', `import { a } from 'node:net';\nsetTimeout(() => {}, Date.now());`],
  ['client/index.ts', `import { a } from '../io/tcp-transport.ts';\nimport { b } from './router.ts';`],
  ['cli/keyval.ts', `import { a } from '../index.ts';\nimport info from '../../package.json' with { type: 'json' };`],
  ['base/ports.ts', 'export interface A { a(): Promise<void> }'],
];

for (const [path, line] of granted) {
  test(`${path} may ${line}`, (t) => {
    t.deepEqual(judge({ [path]: `${comment}${line}\n` }), []);
  });
}

test("the client's entry point is followed through other files", (t) => {
  const found = judge({
    'client/index.ts': `${comment}import { a } from './router.ts';`,
    'client/router.ts': `${comment}import { a } from '../protocol/opcode.ts';`,
    'protocol/opcode.ts': `${comment}import { a } from 'pino';`,
  });
  t.true(found.includes("src/protocol/opcode.ts:2 the client's entry point would load pino"), found.join('\n'));
});

test('circles are found, those of types are not meant', (t) => {
  const circle = (kind: string): Record<string, string> => ({
    'lock/a.ts': `${comment}${kind} { b } from './b.ts';`,
    'lock/b.ts': `${comment}import { c } from './c.ts';`,
    'lock/c.ts': `${comment}import { a } from './a.ts';`,
  });
  t.deepEqual(judge(circle('import')), [
    'src/lock/a.ts:1 imports in a circle: lock/a.ts → lock/b.ts → lock/c.ts → lock/a.ts',
  ]);
  t.deepEqual(judge(circle('import type')), []);
});

test('a file without an opening comment', (t) => {
  t.deepEqual(judge({ 'lock/a.ts': 'const a = 1;' }), [
    'src/lock/a.ts:1 does not open with a comment that says what it is',
  ]);
  t.deepEqual(judge({ 'cli/a.ts': '#!/usr/bin/env node\n/** A. */\n' }), []);
});

test('a file that is too long', (t) => {
  t.deepEqual(judge({ 'lock/a.ts': comment.repeat(500) }), []);
  t.deepEqual(judge({ 'lock/a.ts': comment.repeat(501) }), ['src/lock/a.ts:1 has 501 lines, at most 500 are allowed']);
});

test('the top-level directory', (t) => {
  const names = ['.git', '.cache', 'node_modules', 'src', 'package.json', 'notes.txt', 'dist'];
  t.deepEqual(
    topLevelRule(names).map(({ where }) => where),
    ['notes.txt', 'dist'],
  );
});
