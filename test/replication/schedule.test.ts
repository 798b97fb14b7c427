/** R4, R5, R6, R11, R15 under random schedules. To replay one: the seed is in the message. */
import test from 'ava';
import { Prng } from '../../src/base/prng.ts';
import { World } from './support/world.ts';

const SEEDS = 800;
const STEPS = 250;

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

/** Everything arrives, and nothing is sent round and round for ever. */
function settle(seed: number, world: World): void {
  const quiet = world.settle();
  world.tellAll();
  const broken = world.violation() ?? (quiet ? null : 'it does not come to rest');
  if (broken !== null) throw new Error(`seed ${seed}, after renewing all links: ${broken}`);
}

test('the rules hold at every step, and everything comes to rest', (t) => {
  let committed = 0;
  let lives = 0;
  let writable = 0;
  for (let seed = 0; seed < SEEDS; seed += 1) {
    const world = run(seed);
    settle(seed, world);
    committed += world.committed;
    lives += world.life;
    if (!world.writable) continue;
    writable += 1;
    const { primary, replicas } = world;
    if (primary.commit !== primary.log.next) t.fail(`seed ${seed}: all are there, and not all is committed`);
    for (const { backup } of replicas)
      if (backup.commit !== backup.log.next) t.fail(`seed ${seed}: a backup was not told`);
  }
  // The schedules went somewhere: most of them write, some restart, some end with everybody there.
  t.true(committed > SEEDS * 10, `${committed} entries committed`);
  t.true(lives > SEEDS / 4, `${lives} lives of primaries`);
  t.true(writable > SEEDS / 4, `${writable} end writable`);
});

test('R4: restarts one after the other, of whomever, never begin empty', (t) => {
  for (let seed = 0; seed < SEEDS; seed += 1) {
    const random = new Prng(seed);
    const world = new World(seed);
    world.settle();
    world.append();
    world.settle();
    for (let restart = 0; restart < 8; restart += 1) {
      world.restart(random.below(world.replicas.length + 1));
      settle(seed, world);
      if (world.life > 0 && world.primary.serving) t.fail(`seed ${seed}: life ${world.life} serves`);
    }
  }
  t.pass();
});
