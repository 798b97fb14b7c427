/**
 * The whole group over a hostile network, by seed (support/world.ts). More seeds: `node test/raft/support/run-seeds.ts FIRST
 * COUNT MS`. What they must notice: test/testing/mutants.
 */
import test from 'ava';
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
