import test from 'ava';
import { type Hunted, hunt, Unbroken } from '../../../tools/mutants/hunt.ts';
import { changed, type Mutant, parsePatch } from '../../../tools/mutants/patch.ts';
import { readMutants, unfit } from '../../../tools/mutants/patches.ts';
import { Scratch } from '../../../tools/mutants/scratch.ts';

const mutants = readMutants();

test('every mutant still fits the source', (t) => {
  t.true(mutants.length >= 56);
  t.is(new Set(mutants.map(({ name }) => name)).size, mutants.length);
  t.deepEqual(unfit(mutants), []);
});

const PATCH = `rule: R5
breaks: something
how: simulate
seeds: 60

file: src/a.ts
- const one = 1;
-   const two = 2;
+ const one = 2;

file: src/b.ts
- three();
`;

test('a mutant is read and changes its files', (t) => {
  const mutant = parsePatch('m', PATCH);
  t.like(mutant, { name: 'm', rule: 'R5', breaks: 'something', how: 'simulate', seedsMax: 60 });
  const texts: Record<string, string> = {
    'src/a.ts': '{\n  const one = 1;\n  const two = 2;\n}\n',
    'src/b.ts': 'if (x) three();\n',
  };
  const files = changed(mutant, (file) => texts[file] ?? null);
  t.deepEqual(Object.fromEntries(files), { 'src/a.ts': '{\n  const one = 2;\n}\n', 'src/b.ts': 'if (x) \n' });
});

test('a mutant that no longer fits is told', (t) => {
  const mutant = parsePatch('gone', PATCH);
  const message = (text: string | null): string | undefined =>
    t.throws(() => changed(mutant, () => text), { code: 'KV_USAGE' })?.message;
  t.is(message(null), "the mutant 'gone': it no longer fits: there is no src/a.ts; adapt it");
  t.regex(message('') ?? '', /src\/a\.ts has its text 0 times instead of once/);
  const twice = 'const one = 1;\n  const two = 2;\n'.repeat(2);
  t.regex(message(twice) ?? '', /src\/a\.ts has its text 2 times instead of once/);
});

test('what is no mutant is told', (t) => {
  for (const [text, message] of [
    [PATCH.replace('rule: R5\n', ''), /'m': it has no line 'rule: …'/],
    [PATCH.replace('60', 'many'), /'seeds' must be a whole number above 0, not 'many'/],
    [PATCH.slice(0, PATCH.indexOf('file:')), /it has no block 'file: …'/],
    [PATCH.replace('- three();', '+ four();'), /src\/b\.ts has no line with '-'/],
    [PATCH.replace('- three();', 'three();'), /begins neither with '-' nor with '\+': three\(\);/],
  ] as const)
    t.throws(() => parsePatch('m', text), { code: 'KV_USAGE', message });
});

const LIMITS = { seedsMax: 20, seconds: undefined };

async function tryOut(mutant: Mutant): Promise<Hunted> {
  using unbrokenCopy = new Scratch();
  using copy = new Scratch();
  return await hunt(copy, new Unbroken(unbrokenCopy, LIMITS), mutant, LIMITS);
}

const find = (name: string): Mutant => mutants.find((mutant) => mutant.name === name) as Mutant;

test('a rule that is broken is noticed by a simulated cluster', async (t) => {
  const { noticed, seeds } = await tryOut(find('l1-a-lock-that-is-held-is-granted-to-the-next-who-asks'));
  t.regex(noticed ?? '', /two holders|L2|L7|crash/);
  t.true(seeds >= 1 && seeds <= LIMITS.seedsMax);
});

test('a rule that is broken is noticed by the seeds of Raft', async (t) => {
  t.regex((await tryOut(find('vote-for-any-log'))).noticed ?? '', /leader completeness/);
});

test('a rule that is broken is noticed by a test, which is named', async (t) => {
  const mutant = { ...find('half-is-a-majority'), how: 'test/raft/quorum.test.ts' };
  const { noticed, seeds } = await tryOut(mutant);
  t.regex(noticed ?? '', /majorities/);
  t.is(seeds, 0);
});

test('what changes nothing is not noticed', async (t) => {
  const mutant = { ...find('half-is-a-majority'), seedsMax: 1, edits: [] };
  t.is((await tryOut(mutant)).noticed, null);
});

test('source that does not load is an error, and notices nothing', async (t) => {
  const mutant = find('half-is-a-majority');
  const [edit] = mutant.edits as [Mutant['edits'][number]];
  await t.throwsAsync(tryOut({ ...mutant, edits: [{ ...edit, replace: 'return (;' }] }), {
    message: /does not load|no seed was run/,
  });
});
