import test from 'ava';
import { MutantCopy, mutated } from '../../../tools/simulate/mutant-copy.ts';
import { notice } from '../../../tools/simulate/mutants.ts';
import { type Mutant, mutants } from './mutants.ts';

test('every mutant still fits the source', (t) => {
  for (const mutant of mutants) t.notThrows(() => mutated(mutant));
  t.is(new Set(mutants.map(({ name }) => name)).size, mutants.length);
});

test('a mutant that no longer fits is told', (t) => {
  const mutant = { name: 'gone', edits: [{ file: 'node/node.ts', find: 'no such text', replace: '' }] };
  t.throws(() => mutated(mutant), { message: /'gone' no longer fits: src\/node\/node.ts has its text 0 times/ });
});

test('a rule that is broken is noticed', async (t) => {
  using copy = new MutantCopy();
  const mutant = mutants.find(({ name }) => name.startsWith('R5: committed as soon')) as Mutant;
  copy.apply(mutant);
  const { seed, rule } = await notice(copy, { ...mutant, seeds: 5 });
  t.not(seed, null);
  t.is(rule, 'R5');
});
