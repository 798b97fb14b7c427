/** Founding, exactly once: whatever dies between any two steps. */
import test from 'ava';
import { FNDA, FNDC, FNDQ } from '../../../src/protocol/opcode.ts';
import type { SimNode } from './support/sim-node.ts';
import { World } from './support/world.ts';

const ABC = ['a:1', 'b:1', 'c:1'];

function settled(world: World, forMs = 20_000): void {
  world.until('settled', () => world.isSettled && world.up.length === world.nodes.size, forMs);
}

function waitsFor(node: SimNode): string {
  return node.plane?.status.waitsFor ?? '';
}

test('a cluster of one founds alone, at once', (t) => {
  const world = World.of(['a:1']);
  settled(world, 1500);
  t.is(world.node('a:1').plane?.book?.version, 1);
});

test('founders with one list found one cluster, and all vote', (t) => {
  const world = World.of(ABC);
  settled(world, 3000);
  t.is(world.clusters.length, 1);
  t.deepEqual(world.commander?.plane?.status.voters, ABC);
  t.deepEqual(
    world.node('b:1').books[0]?.members.map((member) => member?.address),
    ABC,
  );
});

test('of many founders the first seven vote, a witness in any case', (t) => {
  const addresses = Array.from({ length: 9 }, (_, place) => `n${place}:1`);
  const world = new World();
  for (const address of addresses) {
    world.add(address, { founders: addresses, role: address === 'n8:1' ? 'witness' : 'data' });
  }
  settled(world, 3000);
  t.deepEqual(world.commander?.plane?.status.voters, ['n0:1', 'n1:1', 'n2:1', 'n3:1', 'n4:1', 'n5:1', 'n8:1']);
  t.deepEqual(world.commander?.plane?.status.learners, ['n6:1', 'n7:1']);
});

/** Crashes the victims at the `at`th event of a founding; true: the founding was over before. */
function foundWithCrash(
  victims: readonly string[],
  at: number,
  isVolatile: boolean,
): { world: World; seen: Set<string> } {
  const world = new World(7);
  const seen = new Set<string>();
  const settings = isVolatile ? { isNew: true } : {};
  for (const address of ABC) world.add(address, { founders: ABC, isVolatile, settings });
  world.beforeEvent = (): void => {
    for (const cluster of world.clusters) seen.add(cluster);
    if (world.events !== at) return;
    for (const victim of victims) world.node(victim).crash();
    for (const victim of victims) world.after(50 + world.random.below(300), () => world.node(victim).start());
  };
  world.until(
    `${victims} crash at event ${at}`,
    () => world.events > at && world.isSettled && world.up.length === ABC.length,
  );
  return { world, seen };
}

/** From the first event to the one after which all belong to the cluster. */
function eventsOfFounding(): number {
  const world = World.of(ABC, 7);
  world.until('founded', () => ABC.every((address) => world.node(address).clusterId !== ''));
  return world.events + 3;
}

for (const victims of [['a:1'], ['b:1'], ABC]) {
  test(`founding, exactly once: ${victims} may crash at any step`, (t) => {
    const events = eventsOfFounding();
    t.true(events > 30);
    for (let at = 1; at <= events; at += 1) {
      const { world, seen } = foundWithCrash(victims, at, false);
      t.is(seen.size, 1, `event ${at}`);
      t.deepEqual(world.clusters, [...seen], `event ${at}`);
    }
  });
}

test('founding, exactly once: nodes without directories may lose their memory at any step', (t) => {
  const events = eventsOfFounding();
  for (let at = 1; at <= events; at += 2)
    t.is(foundWithCrash(['a:1'], at, true).world.clusters.length, 1, `event ${at}`);
});

for (const [name, opcode] of [
  ['FNDQ', FNDQ],
  ['FNDA', FNDA],
  ['FNDC', FNDC],
] as const) {
  test(`a lost ${name} is made up for: the link breaks instead of bringing it`, (t) => {
    const world = World.of(ABC, 3);
    let left = 2;
    for (const node of world.nodes.values()) {
      node.onFrame = (received, from): void => {
        if (received !== opcode || left === 0) return;
        left -= 1;
        // The frame that is being received is lost, too: the node is not linked any more.
        world.breakLink(world.linkOf(node.address, from));
      };
    }
    settled(world);
    t.is(left, 0);
    t.is(world.clusters.length, 1);
  });
}

test('different lists found nothing, and say so', (t) => {
  const world = new World();
  world.add('a:1', { founders: ABC });
  world.add('b:1', { founders: ABC });
  world.add('c:1', { founders: ['a:1', 'c:1'] });
  world.run(5000);
  t.deepEqual(world.clusters, []);
  t.regex(waitsFor(world.node('a:1')), /c:1 \(its --peers name a:1,c:1, those of a:1 name a:1,b:1,c:1\)/);
  t.true(world.node('a:1').lines.some((line) => /warn waiting .*its --peers name a:1,c:1/.test(line)));
  t.true(world.node('c:1').lines.some((line) => /warn founding refused/.test(line)));
  world.node('c:1').restart({ founders: ABC });
  settled(world);
  t.is(world.clusters.length, 1);
});

test('different options found nothing, and say which', (t) => {
  const world = new World();
  world.add('a:1', { founders: ['a:1', 'b:1'], settings: { partitions: 8 } });
  world.add('b:1', { founders: ['a:1', 'b:1'] });
  world.run(3000);
  t.deepEqual(world.clusters, []);
  t.regex(waitsFor(world.node('a:1')), /b:1 \(started with other options: --partitions 8 there, 4 here\)/);
  // The asker has promised its set to itself; nobody has founded it, so it may ask for another one.
  world.node('a:1').restart({ founders: ['a:1', 'b:1'] });
  settled(world);
  t.is(world.node('b:1').plane?.book?.settings.partitions, 4);
});

test('a founder that is missing is named', (t) => {
  const world = new World();
  world.add('a:1', { founders: ABC });
  world.add('b:1', { founders: ABC });
  world.run(3000);
  t.regex(waitsFor(world.node('b:1')), /^c:1 of --peers: not linked/);
  t.deepEqual(world.clusters, []);
  world.add('c:1', { founders: ABC });
  settled(world);
});

test('a promise is given once: another asker is refused, and told what to do', (t) => {
  const world = new World();
  world.add('a:1', { founders: ABC });
  world.add('b:1', { founders: ABC });
  world.add('c:1', { founders: ABC });
  const b = world.node('b:1');
  // b promises; then a is gone before it can found.
  b.onFrame = (opcode): void => {
    if (opcode === FNDQ) world.after(20, () => world.node('a:1').crash());
  };
  world.node('c:1').onFrame = (opcode): void => {
    if (opcode === FNDQ) world.node('c:1').crash();
  };
  world.run(1000);
  b.restart({ founders: ['b:1', 'c:1'] });
  world.node('c:1').restart({ founders: ['b:1', 'c:1'] });
  world.run(5000);
  t.deepEqual(world.clusters, []);
  t.regex(waitsFor(b), /a:1, to which this node has promised .* move its state directory away/);
});

test('without a directory a node founds nothing, unless it is told that there was no cluster', (t) => {
  const world = new World();
  world.add('a:1', { founders: ['a:1'], isVolatile: true });
  world.run(3000);
  t.deepEqual(world.clusters, []);
  t.regex(waitsFor(world.node('a:1')), /without a state directory \(--data\) a node founds none, unless --new/);
  world.node('a:1').restart({ founders: ['a:1'], isVolatile: true, settings: { isNew: true } });
  settled(world);
  t.is(world.node('a:1').plane?.book?.partitions[0]?.locksFromMs, 0);
});

test('witnesses alone found nothing', (t) => {
  const world = new World();
  world.add('a:1', { founders: ['a:1'], role: 'witness' });
  world.run(3000);
  t.deepEqual(world.clusters, []);
  t.regex(waitsFor(world.node('a:1')), /without --witness/);
});

/** a has asked b and c to found with it; b has promised, c has not: it goes its own way. */
function withBoundPromise(isWiped: boolean): World {
  const world = World.of(ABC);
  const [a, b, c] = ABC.map((address) => world.node(address)) as [SimNode, SimNode, SimNode];
  c.onFrame = (opcode): void => {
    if (opcode !== FNDQ || a.plane === null) return;
    if (isWiped) c.wipe();
    else c.crash();
  };
  world.run(1000);
  a.crash();
  for (const other of [a, b]) world.cut('c:1', other.address);
  c.onFrame = null;
  c.restart({ founders: ['c:1'] });
  world.until('c has a cluster of its own', () => c.clusterId !== '');
  world.heal();
  return world;
}

test('a promise is void once one of its founders belongs to another cluster: all join that', (t) => {
  const world = withBoundPromise(false);
  const { clusterId } = world.node('c:1');
  world.until('b has joined', () => world.node('b:1').clusterId !== '');
  world.node('a:1').start();
  settled(world);
  t.deepEqual(world.clusters, [clusterId]);
});

test('a promise binds as long as its asker may have founded: nothing else is joined before it is heard', (t) => {
  const world = withBoundPromise(true);
  const b = world.node('b:1');
  world.run(5000);
  t.is(b.clusterId, '');
  t.regex(
    waitsFor(b),
    /a:1, to which this node has promised to found cluster [0-9a-f]{16} with it, before it may join/,
  );
  world.node('a:1').start();
  settled(world);
  t.deepEqual(world.clusters, [world.node('c:1').clusterId]);
});
