/** Holds the architecture: the rules of tools/architecture over src/ and the top-level directory. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { rules } from '../tools/architecture/check.ts';
import { topLevelRule } from '../tools/architecture/form-rules.ts';
import { readTree } from '../tools/architecture/source-tree.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const tree = readTree(root);

test('the source was found', (t) => {
  t.true(tree.has('errors.ts'));
});

for (const [title, rule] of rules(Object.keys(dependencies))) {
  test(title, (t) => {
    t.deepEqual(rule(tree), []);
  });
}

test('the top-level directory is tidy', (t) => {
  t.deepEqual(topLevelRule(readdirSync(root)), []);
});
