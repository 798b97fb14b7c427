/** Who leads: how soon after the former one, on purpose, and what people are told of it. */
import test from 'ava';
import { Prng } from '../../../src/base/prng.ts';
import type { SimNode } from './support/sim-node.ts';
import { World } from './support/world.ts';

const ABC = ['a:1', 'b:1', 'c:1'];

function founded(seed: number, addresses: readonly string[] = ABC): World {
  const world = World.of(addresses, seed);
  world.until('settled', () => world.isSettled);
  world.run(500);
  return world;
}

function commanderOf(world: World): SimNode {
  const { commander } = world;
  if (commander === null) throw new Error('nobody leads');
  return commander;
}

test('a new leader stands within 600 to 750 ms after the death of the former one', (t) => {
  const random = new Prng(1);
  for (let seed = 1; seed <= 12; seed += 1) {
    const world = founded(seed);
    world.run(random.below(100));
    const former = commanderOf(world);
    former.crash();
    const diedMs = world.nowMs;
    world.until('another leads', () => world.commander !== null, 2000);
    const tookMs = world.nowMs - diedMs;
    t.true(tookMs >= 500 && tookMs <= 750, `seed ${seed}: ${tookMs} ms`);
    t.not(commanderOf(world), former);
  }
});

test('the longest-lived member leads next, not one that has just come back', (t) => {
  const world = founded(2);
  const [second, third] = ABC.map((address) => world.node(address)).filter((node) => node !== world.commander);
  second?.restart();
  world.until('settled', () => world.isSettled && world.up.length === 3);
  world.run(500);
  commanderOf(world).crash();
  world.until('another leads', () => world.commander !== null, 2000);
  t.is(world.commander, third as SimNode);
});

test('a member that the book has as down is not waited for', (t) => {
  const world = founded(3, ['a:1', 'b:1', 'c:1', 'd:1', 'e:1']);
  const leader = commanderOf(world);
  const next = [...world.nodes.values()].find((node) => node !== leader) as SimNode;
  next.crash();
  const isDown = (): boolean =>
    commanderOf(world).plane?.book?.members.some((member) => member?.health === 'down') ?? false;
  world.until('it is down', isDown);
  world.run(300);
  leader.crash();
  const diedMs = world.nowMs;
  world.until('another leads', () => world.commander !== null, 2000);
  t.true(world.nowMs - diedMs <= 750, `${world.nowMs - diedMs} ms`);
});

test('leadership is handed over on purpose, without a pause', (t) => {
  const world = founded(4);
  const former = commanderOf(world);
  former.plane?.transferLeadership();
  const startedMs = world.nowMs;
  world.until('another leads', () => world.commander !== null && world.commander !== former, 500);
  t.true(world.nowMs - startedMs < 100);
  t.false(former.plane?.isCommander);
  t.is(former.plane?.commanderAddress, commanderOf(world).address);
  t.true(former.lines.some((line) => /info handing over leadership/.test(line)));
  t.true(commanderOf(world).lines.some((line) => /standing for election .*the leader hands over/.test(line)));
});

test('R9: when a commander was heard last is known, also after it is gone', (t) => {
  const world = founded(5);
  const node = [...world.nodes.values()].find((one) => one !== world.commander) as SimNode;
  t.true(world.nowMs - (node.plane?.commanderHeardMs ?? 0) < 200);
  for (const other of world.up) if (other !== node) other.crash();
  const diedMs = world.nowMs;
  world.run(8000);
  t.is(node.plane?.commanderAddress, null);
  const heardMs = node.plane?.commanderHeardMs ?? 0;
  t.true(heardMs <= diedMs + 10 && heardMs > diedMs - 200, `${heardMs} ${diedMs}`);
});

test('a leader that hears no majority stops being the commander', (t) => {
  const world = founded(6);
  const leader = commanderOf(world);
  for (const address of ABC) if (address !== leader.address) world.cut(leader.address, address);
  world.run(1500);
  t.false(leader.plane?.isCommander);
  t.not(world.commander, leader);
  t.true(leader.lines.some((line) => /warn leadership lost .*a majority of the voters was not heard/.test(line)));
});

test('every change of leadership is told with its cause and the time without a leader', (t) => {
  const world = founded(7);
  const former = commanderOf(world).address;
  commanderOf(world).crash();
  world.until('another leads', () => world.commander !== null, 2000);
  const { lines } = commanderOf(world);
  t.true(lines.some((line) => new RegExp(`standing for election .*${former} silent for [67]\\d\\d ms`).test(line)));
  t.regex(lines.filter((line) => /info commander/.test(line)).at(-1) ?? '', /"isSelf":true,"withoutLeaderMs":[67]\d\d/);
  t.is(commanderOf(world).plane?.status.leaderChanges, 2);
});

test('that there is no commander is told again and again', (t) => {
  const world = founded(8);
  const node = [...world.nodes.values()].find((one) => one !== world.commander) as SimNode;
  for (const other of world.up) if (other !== node) other.crash();
  world.run(12_000);
  t.is(node.lines.filter((line) => /warn no commander/.test(line)).length, 2);
  t.true((node.plane?.status.withoutLeaderMs ?? 0) > 11_000);
});
