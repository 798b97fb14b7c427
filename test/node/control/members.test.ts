/** Members of a cluster: restarts, joins, directories that fit or do not, the log brought to everybody. */
import test from 'ava';
import type { Command } from '../../../src/cluster/commands.ts';
import { RSNP } from '../../../src/protocol/opcode.ts';
import { defaultRaftSettings } from '../../../src/raft/settings.ts';
import type { SimNode } from './support/sim-node.ts';
import { textOf, World } from './support/world.ts';

const ABC = ['a:1', 'b:1', 'c:1'];

function settled(world: World, forMs = 20_000): void {
  world.until('settled', () => world.isSettled && world.up.length === world.nodes.size, forMs);
}

function founded(addresses: readonly string[] = ABC, seed = 1): World {
  const world = World.of(addresses, seed);
  settled(world);
  return world;
}

function commanderOf(world: World): SimNode {
  const { commander } = world;
  if (commander === null) throw new Error('nobody leads');
  return commander;
}

function others(world: World): SimNode[] {
  return [...world.nodes.values()].filter((node) => node !== commanderOf(world));
}

/** A command that changes nothing but versions. */
function touch(node: SimNode, partition = 0): Command {
  return { kind: 'touch', partition, version: node.plane?.book?.partitions[partition]?.version ?? 0 };
}

function namedIn(world: World, node: SimNode): boolean {
  const members = commanderOf(world).plane?.book?.members ?? [];
  return members.some((member) => member?.incarnation === node.incarnation);
}

test('R3: a restart is a new incarnation, known to all before the node counts as a member', (t) => {
  const world = founded();
  const [node] = others(world) as [SimNode];
  const former = node.incarnation;
  const { nodeId } = node.facts;
  node.restart();
  t.is(node.plane?.status.state, 'joining');
  settled(world);
  t.not(node.incarnation, former);
  t.is(node.facts.nodeId, nodeId);
  t.true(namedIn(world, node));
  t.is(world.clusters.length, 1);
});

test('the whole cluster restarts and goes on with its book', (t) => {
  const world = founded();
  const [cluster] = world.clusters;
  const version = commanderOf(world).plane?.book?.version ?? 0;
  for (const node of world.nodes.values()) node.crash();
  for (const node of world.nodes.values()) node.start();
  settled(world);
  t.deepEqual(world.clusters, [cluster]);
  t.true((commanderOf(world).plane?.book?.version ?? 0) > version);
});

test('a member that was alone for the last changes gets them when it is back', (t) => {
  const world = founded();
  const [node] = others(world) as [SimNode];
  node.crash();
  for (let round = 0; round < 5; round += 1) {
    commanderOf(world).plane?.propose(touch(commanderOf(world)));
    world.run(50);
  }
  node.start();
  settled(world);
  t.is(textOf(node.plane?.book ?? null), textOf(commanderOf(world).plane?.book ?? null));
});

test('the book is told once after the start, then each change once, in order', (t) => {
  const world = founded();
  const node = commanderOf(world);
  node.plane?.propose(touch(node));
  world.run(100);
  const versions = node.books.map(({ version }) => version);
  t.is(versions[0], 1);
  t.deepEqual(
    versions,
    versions.map((_, place) => place + 1),
  );
  t.true(versions.length > 1);
});

test('a proposal of any member reaches the leader', (t) => {
  const world = founded();
  for (const node of others(world)) {
    const version = node.plane?.book?.version ?? 0;
    node.plane?.propose(touch(node));
    world.until('applied', () => (node.plane?.book?.version ?? 0) > version, 200);
  }
  t.pass();
});

test('a proposal without a leader is lost, not kept', (t) => {
  const world = founded();
  const [one, other] = others(world) as [SimNode, SimNode];
  commanderOf(world).crash();
  other.crash();
  world.run(2000);
  t.is(one.plane?.commanderAddress, null);
  const stranger = { id: 77, incarnation: '07'.repeat(8), address: 'x:1', zone: '', role: 'data' } as const;
  one.plane?.propose({ kind: 'join', ...stranger, nowMs: world.unixMs });
  for (const node of world.nodes.values()) if (node.plane === null) node.start();
  settled(world);
  t.false(one.plane?.book?.members.some((member) => member?.id === 77));
});

test('a new node joins: into the book, then into the log', (t) => {
  const world = founded();
  const node = world.add('d:1', { founders: [...ABC, 'd:1'] });
  settled(world);
  t.is(world.clusters.length, 1);
  t.deepEqual(node.plane?.status.learners, ['d:1']);
  t.deepEqual(node.plane?.status.voters, ABC);
});

test('who joins a single node does not vote before there is a third', (t) => {
  const world = founded(['a:1']);
  world.add('b:1', { founders: ['a:1', 'b:1'] });
  settled(world);
  world.run(5000);
  t.deepEqual(commanderOf(world).plane?.status.voters, ['a:1']);
  world.add('c:1', { founders: ABC });
  settled(world);
  world.until('three voters', () => commanderOf(world).plane?.status.voters.length === 3);
  t.deepEqual(commanderOf(world).plane?.status.learners, []);
});

test('a node asks through any member: it need not know the leader', (t) => {
  const world = founded();
  const leader = commanderOf(world).address;
  const node = world.add('d:1', { founders: [...ABC, 'd:1'] });
  world.cut('d:1', leader);
  world.until('in the book', () => namedIn(world, node));
  t.is(node.clusterId, '');
  world.heal();
  settled(world);
  t.is(world.clusters.length, 1);
});

test('asking binds nobody: a directory names a cluster only once that has taken the node in', (t) => {
  const world = founded();
  for (const node of others(world)) node.crash();
  // Nobody can decide anything.
  const node = world.add('d:1', { founders: [...ABC, 'd:1'] });
  world.run(3000);
  t.is(node.clusterId, '');
  t.regex(node.plane?.status.waitsFor ?? '', /^the commander of cluster [0-9a-f]{16} to take this node in/);
  node.restart({ founders: ['d:1'] });
  t.is(node.clusterId, '');
});

test('a wiped directory is another node: it takes the place of the one at its address', (t) => {
  const world = founded();
  const [node] = others(world) as [SimNode];
  const { nodeId } = node.facts;
  node.wipe();
  node.start();
  settled(world);
  t.not(node.facts.nodeId, nodeId);
  t.is(world.clusters.length, 1);
  const isOut = (): boolean => {
    const { voters = [], learners = [] } = commanderOf(world).plane?.status ?? {};
    return voters.length === 3 && learners.length === 0;
  };
  world.until('the former node is out of the log, the new one votes', isOut);
  t.deepEqual([...(commanderOf(world).plane?.status.voters ?? [])].sort(), ABC);
});

test('nodes without directories may restart one after another for ever', (t) => {
  const world = new World(5);
  for (const address of ABC) world.add(address, { founders: ABC, isVolatile: true, settings: { isNew: true } });
  settled(world);
  const [cluster] = world.clusters;
  for (const address of [...ABC, ...ABC]) {
    world.node(address).restart();
    settled(world);
    // Before that the former life of it has the vote, and is missing for good.
    const votes = (node: SimNode): boolean => [...(node.plane?.status.voters ?? [])].sort().join() === ABC.join();
    world.until('it votes in place of its former life', () => world.up.every(votes));
  }
  t.deepEqual(world.clusters, [cluster]);
});

test('a directory of another cluster is refused', (t) => {
  const world = founded(['a:1']);
  const node = world.node('a:1');
  t.throws(() => node.restart({ settings: { clusterName: 'other' } }), {
    code: 'KV_WRONG_CLUSTER',
    message: /\/data\/a:1 belongs to cluster 'test', this node was started for 'other'; name another directory/,
  });
});

test('a damaged directory is refused', (t) => {
  const world = founded(['a:1']);
  const node = world.node('a:1');
  node.crash();
  const identity = node.disk.files.get('identity') as Uint8Array;
  identity[10] = (identity[10] ?? 0) ^ 1;
  t.throws(() => node.start(), { message: /identity is damaged at offset 0: its checksum is wrong/ });
});

test('a disk that fails ends the node: it answers nobody any more', (t) => {
  const world = founded();
  const node = commanderOf(world);
  node.disk.failNext = new Error('no space left');
  node.plane?.propose(touch(node));
  world.until('failed', () => node.failure !== null, 2000);
  t.is(node.failure?.code, 'KV_STATE');
  t.regex(node.failure?.message ?? '', /\/data\/.* could not be written: no space left; see that the disk has room/);
  world.until('another leads', () => world.commander !== null && world.commander !== node, 2000);
});

test('a copied directory is noticed: two nodes under one id never both go on', (t) => {
  const world = founded();
  const [node] = others(world) as [SimNode];
  node.crash();
  const copy = world.add('d:1', { founders: [...ABC, 'd:1'] });
  copy.crash();
  copy.disk.files.clear();
  for (const [name, bytes] of node.disk.files) copy.disk.files.set(name, bytes.slice());
  node.start();
  world.until('the first is back', () => node.plane?.status.state === 'member');
  copy.start();
  world.until('the copy has ended', () => copy.failure !== null);
  t.is(copy.failure?.code, 'KV_STATE');
  t.is(node.failure, null);
});

test('members of two clusters that meet leave each other alone, and say so', (t) => {
  const world = new World();
  world.add('a:1', { founders: ['a:1'] });
  world.cuts.add('a:1 b:1');
  world.add('b:1', { founders: ['b:1'] });
  world.until('two clusters', () => world.clusters.length === 2);
  world.heal();
  world.run(3000);
  for (const node of world.up) {
    t.is(node.plane?.commanderAddress, node.address);
    t.is(node.plane?.status.term, 2);
    t.true(node.lines.some((line) => /error peer of another cluster/.test(line)));
  }
});

test('snapshot: a member that missed more than the log keeps gets the book as a whole', (t) => {
  const world = founded();
  const [node] = others(world) as [SimNode];
  node.crash();
  const leader = commanderOf(world);
  const rounds = defaultRaftSettings.compactEntries + 600;
  for (let round = 0; round < rounds; round += 1) {
    // Refused, since the version is old by now: an entry all the same.
    leader.plane?.propose({ kind: 'touch', partition: 0, version: 0 });
    if (round % 500 === 499) world.run(50);
  }
  world.run(200);
  t.true((leader.plane?.status.applied ?? 0) >= rounds);
  t.true((leader.plane?.status.logBytes ?? 0) < rounds * 64);
  let snapshots = 0;
  node.onFrame = (opcode): void => {
    if (opcode === RSNP) snapshots += 1;
  };
  node.start();
  settled(world);
  t.is(snapshots, 1);
  t.is(textOf(node.plane?.book ?? null), textOf(leader.plane?.book ?? null));
});
