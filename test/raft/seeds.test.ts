/**
 * The whole group over a hostile network, by seed (support/world.ts), and what it must catch. More seeds:
 * `node test/raft/support/run-seeds.ts FIRST COUNT MS`.
 */
import test from 'ava';
import { mutants } from './mutants/mutants.ts';
import { mutated, tryMutant } from './mutants/scratch.ts';
import type { Counts } from './support/counts.ts';
import { runSeed } from './support/world.ts';

const SEEDS = 30;

test('figure 3 holds in every seed, each heals, and all that should happen happened', (t) => {
  const total: Record<string, number> = {};
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    for (const [name, count] of Object.entries(runSeed(seed, 15_000))) total[name] = (total[name] ?? 0) + count;
  }
  t.log(
    Object.entries(total)
      .map(([name, count]) => `${name} ${count}`)
      .join(', '),
  );
  t.deepEqual(
    Object.keys(total).filter((name) => total[name] === 0),
    [],
  );
});

test('a seed runs the same way twice', (t) => {
  const first: Counts = runSeed(7, 10_000);
  t.deepEqual(runSeed(7, 10_000), first);
});

test('every mutant still applies', (t) => {
  t.true(mutants.length >= 12);
  for (const mutant of mutants) t.notThrows(() => mutated(mutant));
});

for (const name of ['vote for any log', 'two votes in a term', 'heartbeats commit what is not known to match']) {
  test(`the seeds catch: ${name}`, async (t) => {
    const mutant = mutants.find((one) => one.name === name);
    t.true(mutant !== undefined && (await tryMutant(mutant, 60, 15_000)).isCaught);
  });
}
