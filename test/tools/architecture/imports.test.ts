/** Which modules a file names. */
import test from 'ava';
import { blank } from '../../../tools/architecture/blank.ts';
import { importsOf } from '../../../tools/architecture/imports.ts';

/** Source in lock/table.ts, the target found in it, whether it is for types only. */
const cases: readonly [source: string, target: string, isTypeOnly: boolean][] = [
  [`import { a } from './a.ts';`, 'lock/a.ts', false],
  [`import {\n  a,\n  b as c,\n} from '../base/b.ts';`, 'base/b.ts', false],
  [`import a, { b } from '../c.ts';`, 'c.ts', false],
  [`import * as a from 'node:net';`, 'node:net', false],
  [`import './a.ts';`, 'lock/a.ts', false],
  [`import type { A } from './a.ts';`, 'lock/a.ts', true],
  [`import { type A } from './a.ts';`, 'lock/a.ts', false],
  [`import type from './a.ts';`, 'lock/a.ts', false],
  [`export { a } from "./a.ts";`, 'lock/a.ts', false],
  [`export * from './a.ts';`, 'lock/a.ts', false],
  [`export type { A } from './a.ts';`, 'lock/a.ts', true],
  [`const a = await import('pino');`, 'pino', false],
  [`new Worker(new URL('./worker.ts', import.meta.url));`, 'lock/worker.ts', false],
];

for (const [source, target, isTypeOnly] of cases) {
  test(`finds ${source}`, (t) => {
    const found = importsOf('lock/table.ts', source, blank(source));
    t.deepEqual(
      found.map((one) => [one.target, one.isTypeOnly]),
      [[target, isTypeOnly]],
    );
  });
}

const others = [
  `// import { a } from './a.ts';`,
  `const text = "import { a } from './a.ts'";`,
  `export const from = 'a';`,
  `export default 'a';`,
  `const { resolve } = import.meta;`,
];

for (const source of others) {
  test(`finds nothing in ${source}`, (t) => {
    t.deepEqual(importsOf('lock/table.ts', source, blank(source)), []);
  });
}

test('several in order', (t) => {
  const source = `import { a } from './a.ts';\nimport './b.ts';\nexport { c } from './c.ts';\n`;
  const targets = importsOf('index.ts', source, blank(source)).map(({ target }) => target);
  t.deepEqual(targets, ['a.ts', 'b.ts', 'c.ts']);
});
