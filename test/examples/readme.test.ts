/** What the README shows of PostgreSQL and HTTP is what the tests beside this file run. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import test from 'ava';

const readme = read('../../README.md');

function read(path: string): string {
  return readFileSync(fileURLToPath(new URL(path, import.meta.url)), 'utf8');
}

for (const file of ['fenced-rows.ts', 'fenced-service.ts']) {
  test(`the README shows ${file} as it is`, (t) => {
    const code = read(file).replaceAll("'../../src/index.ts'", "'keyval'");
    t.true(code.startsWith(`// ${file}\n`));
    t.true(readme.includes(`\n\`\`\`ts\n${code}\`\`\`\n`), `copy test/examples/${file} into the README`);
  });
}

test('every program of the README in TypeScript is one of them', (t) => {
  t.is(readme.match(/^```ts$/gm)?.length, 2);
});
