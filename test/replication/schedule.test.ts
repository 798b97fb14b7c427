/** R2, R4, R5, R6, R14, R15, R19, R21 under random schedules of many reigns. To replay one: the seed is in the message. */
import test from 'ava';
import { World } from './support/world.ts';

const SEEDS = 1500;
const STEPS = 600;

/** Takes a world through its schedule. @throws Error when a rule is broken */
function run(seed: number): World {
  const world = new World(seed);
  for (let step = 0; step < STEPS; step += 1) {
    world.step();
    const broken = world.violation();
    if (broken !== null) throw new Error(`seed ${seed}, step ${step}: ${broken}`);
  }
  return world;
}

/** Everybody comes back, and everything comes to rest with everybody in sync. */
function settle(seed: number, world: World): void {
  const quiet = world.settle();
  const broken = world.violation() ?? (quiet ? null : 'it does not come to rest');
  if (broken !== null) throw new Error(`seed ${seed}, after everybody came back: ${broken}`);
}

test('committed entries are never lost nor reordered while somebody lives who holds them, and all come together', (t) => {
  const total: Record<string, number> = { committed: 0 };
  for (let seed = 0; seed < SEEDS; seed += 1) {
    const world = run(seed);
    settle(seed, world);
    total.committed = (total.committed ?? 0) + world.committed.length;
    for (const [name, count] of Object.entries(world.counts)) total[name] = (total[name] ?? 0) + count;
  }
  // The schedules went somewhere.
  for (const name of ['committed', 'reigns', 'failures', 'snapshots', 'truncations', 'expansions', 'shrinks', 'frozen'])
    t.true((total[name] as number) > SEEDS / 4, `${name}: ${total[name]}`);
});
