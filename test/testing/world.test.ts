import test from 'ava';
import { MachineClock } from '../../src/testing/sim-clock.ts';
import { SimNetwork } from '../../src/testing/sim-network.ts';
import { SimProcess } from '../../src/testing/sim-process.ts';
import { World } from '../../src/testing/world.ts';

const QUALITY = { delayMs: 1, jitterMs: 0, bytesPerMs: 1000, tears: 0 };

function processIn(world: World, rate = 1): SimProcess {
  const network = new SimNetwork(world, { quality: QUALITY, roomBytes: 1000, giveUpMs: 1000 });
  const machine = new MachineClock(world, rate, 0);
  return new SimProcess(world, network, 1, { name: 'p', host: 'p', machine, timersLateMs: 0 });
}

test('events happen by time, and in the order of scheduling at one time', async (t) => {
  const world = new World(1);
  const seen: string[] = [];
  world.schedule(null, 5, () => seen.push('c'));
  world.schedule(null, 1, () => seen.push('a'));
  world.schedule(null, 5, () => seen.push('d'));
  world.schedule(null, 1, () => seen.push('b'));
  await world.run(4);
  t.deepEqual(seen, ['a', 'b']);
  t.is(world.nowMs, 4);
  await world.run(4);
  t.deepEqual(seen, ['a', 'b', 'c', 'd']);
});

test('promises are told before the next event, and before what is to happen soon', async (t) => {
  const world = new World(1);
  const process = processIn(world);
  const seen: string[] = [];
  world.schedule(process, 1, () => {
    process.timers.soon(() => seen.push('soon'));
    void Promise.resolve()
      .then(() => Promise.resolve())
      .then(() => seen.push('promise'));
  });
  world.schedule(process, 1, () => seen.push('next'));
  await world.run(2);
  t.deepEqual(seen, ['promise', 'soon', 'next']);
});

test('a process that was paused wakes in its own future', async (t) => {
  const world = new World(1);
  const process = processIn(world);
  const seen: number[] = [];
  process.timers.after(10, () => seen.push(process.clock.monotonicMs()));
  const cancelled = process.timers.after(20, () => seen.push(-1));
  process.pause();
  await world.run(100);
  t.deepEqual(seen, []);
  cancelled.cancel();
  process.resume();
  await world.run(1);
  t.deepEqual(seen, [100]);
});

test('nothing of a dead process happens any more', async (t) => {
  const world = new World(1);
  const process = processIn(world);
  process.timers.after(10, () => t.fail());
  process.crash(false);
  await world.run(100);
  t.is(world.steps, 0);
});

test('a fast clock makes timers come earlier', async (t) => {
  const world = new World(1);
  const process = processIn(world, 1.01);
  let cameMs = 0;
  process.timers.after(1010, () => {
    cameMs = world.nowMs;
  });
  await world.run(2000);
  t.true(Math.abs(cameMs - 1000) < 0.001);
  t.true(Math.abs(process.clock.monotonicMs() - 2020) < 0.001);
});

test('an error in an event ends the run as a breach', async (t) => {
  const world = new World(1);
  const process = processIn(world);
  process.timers.after(1, () => {
    throw new Error('on purpose');
  });
  process.timers.after(2, () => t.fail());
  await world.run(10);
  t.is(world.breach?.rule, 'crash');
  t.regex(world.breach?.text ?? '', /on purpose/);
});

test('a loop that never lets time pass is noticed', async (t) => {
  const world = new World(1);
  const again = (): void => void world.schedule(null, 0, again);
  again();
  await world.run(1);
  t.is(world.breach?.rule, 'livelock');
});

test('what one subsystem draws does not change the luck of another', (t) => {
  const first = new World(7);
  first.random('a').u32();
  const second = new World(7);
  t.is(first.random('b').u32(), second.random('b').u32());
  t.not(first.random('a').u32(), first.random('b').u32());
});
