/** Crashes in the middle of writes, links that break, cuts, options that change between lives: one cluster, one book. */
import test from 'ava';
import { runChaos } from './support/chaos.ts';

test('founders under random faults never belong to two clusters, and all come to agree', (t) => {
  let crashes = 0;
  for (let seed = 1; seed <= 16; seed += 1) {
    const { world, clusters, crashes: ofRun } = runChaos(seed);
    t.is(clusters.size, 1, `seed ${seed}`);
    t.true(world.isSettled, `seed ${seed}`);
    crashes += ofRun;
  }
  t.true(crashes > 100);
});
