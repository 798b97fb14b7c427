/** Every kept history is judged as it says of itself: the bad ones by the rule they name, the good ones linearizable. */

import { readdirSync, readFileSync } from 'node:fs';
import test from 'ava';
import { judgeHistory } from '../../../src/testing/checkers/index.ts';
import { type Rule, rules } from '../../../src/testing/checkers/rules.ts';

const root = new URL('histories/', import.meta.url);

/** The note in the first line of a kept history. */
interface Note {
  readonly t: 'note';
  /** What is wrong, and the rule that the judge must name. */
  readonly wrong?: string;
  readonly rule?: Rule;
  /** Why it is right in spite of its looks. */
  readonly right?: string;
}

interface Kept {
  readonly name: string;
  readonly path: string;
  readonly note: Note;
}

function kept(folder: 'bad' | 'good'): Kept[] {
  const files = readdirSync(new URL(`${folder}/`, root));
  return files.map((file) => {
    const path = new URL(`${folder}/${file}`, root).pathname;
    const [first = ''] = readFileSync(path, 'utf8').split('\n');
    return { name: file.replace('.ndjson', ''), path, note: JSON.parse(first) as Note };
  });
}

for (const { name, path, note } of kept('bad')) {
  test(`bad: ${name}`, (t) => {
    const { verdict, violations } = judgeHistory(path);
    t.is(verdict, 'violation', note.wrong);
    t.deepEqual(
      violations.map(({ rule }) => rule),
      [note.rule as Rule],
      violations[0]?.why,
    );
    t.true((violations[0]?.operations.length ?? 0) > 0, 'a violation shows its operations');
  });
}

for (const { name, path, note } of kept('good')) {
  test(`good: ${name}`, (t) => {
    const { verdict, violations } = judgeHistory(path);
    t.is(verdict, 'linearizable', `${note.right} ${violations[0]?.rule}: ${violations[0]?.why}`);
  });
}

test('every rule is broken by some kept history', (t) => {
  const broken = new Set(kept('bad').map(({ note }) => note.rule));
  t.deepEqual(
    Object.keys(rules).filter((rule) => !broken.has(rule as Rule)),
    [],
  );
});
