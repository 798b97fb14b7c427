/** Reforming a cluster whose voters are lost for good: when it may be, what it makes, and that the former one never wins. */
import test from 'ava';
import type { Book } from '../../../src/cluster/book.ts';
import type { Command } from '../../../src/cluster/commands.ts';
import { areOfOneCluster, nextClusterId } from '../../../src/node/control/reform.ts';
import { checkClusters } from '../../../src/node/peer-hello.ts';
import type { SimNode } from './support/sim-node.ts';
import { textOf, World } from './support/world.ts';

const ABC = ['a:1', 'b:1', 'c:1'];
/** Nobody who heard a commander before this is serving any more (R9). */
const ORPHANS_GONE_MS = 32_000;

function settled(world: World): void {
  world.until('settled', () => world.isSettled && world.up.length === world.nodes.size);
}

function founded(seed = 1, addresses: readonly string[] = ABC): World {
  const world = World.of(addresses, seed);
  settled(world);
  return world;
}

function reform(world: World, node: SimNode): string | null | undefined {
  return node.plane?.reform(() => world.breakLinks(node));
}

/** The nodes at `lost` are gone, and for long enough. */
function bereft(world: World, lost: readonly string[] = ['a:1', 'b:1'], forMs = ORPHANS_GONE_MS + 1000): SimNode {
  for (const address of lost) world.node(address).crash();
  world.run(forMs);
  return world.up[0] as SimNode;
}

function leads(node: SimNode): boolean {
  return node.plane?.isCommander === true;
}

function bookAt(node: SimNode): Book {
  const book = node.plane?.book ?? null;
  if (book === null) throw new Error(`${node.address} has no book`);
  return book;
}

function touch(node: SimNode): Command {
  return { kind: 'touch', partition: 0, version: bookAt(node).partitions[0]?.version ?? 0 };
}

test('R9: the last of three becomes the only voter of another history, and leads', (t) => {
  const world = founded();
  const [former = ''] = world.clusters;
  const node = bereft(world);
  const before = bookAt(node);
  t.is(reform(world, node), null);
  world.until('it leads', () => leads(node));
  t.deepEqual(node.plane?.status.voters, [node.address]);
  t.not(node.clusterId, former);
  t.true(areOfOneCluster(node.clusterId, former));
  t.is(bookAt(node).settings.clusterId, node.clusterId);
  t.true(bookAt(node).version > before.version);
  const warned = node.lines.filter((line) => line.startsWith('warn') && line.includes('reform'));
  t.is(warned.length, 2, warned.join('\n'));
});

test('R9: epochs and tokens grow beyond what the lost ones may have granted, and no lock before theirs are over', (t) => {
  const world = founded();
  const node = bereft(world);
  const before = bookAt(node);
  const unixMs = world.unixMs;
  reform(world, node);
  world.until('it leads', () => leads(node));
  const [first] = node.books.filter(({ settings }) => settings.clusterId !== before.settings.clusterId);
  const up = first?.members.filter((member) => member?.health === 'up').map((member) => member?.address);
  t.deepEqual(up, [node.address], 'nobody else is counted on, not even for a moment');
  for (const [index, partition] of (first as Book).partitions.entries()) {
    const former = before.partitions[index];
    t.true(partition.epoch > (former?.epoch ?? 0));
    t.true(partition.epoch >= Math.floor(unixMs / 1000));
    t.is(partition.locksFromMs, unixMs + before.settings.maxLeaseMs);
    const self = bookAt(node).members.findIndex((member) => member?.address === node.address);
    t.true(former?.isr.includes(self));
    t.deepEqual(partition.isr, [self], 'it held everything, and goes on with it');
    t.is(partition.primary, self);
  }
});

test('R9: it is refused while a commander leads, a member is linked, or an orphan may be serving yet', (t) => {
  const world = founded();
  const node = world.node('c:1');
  t.regex(reform(world, node) ?? '', /^a:1, b:1 are linked; stop every other member/);
  world.node('a:1').crash();
  world.run(ORPHANS_GONE_MS * 2);
  t.regex(reform(world, node) ?? '', /^b:1 is linked/);
  world.node('b:1').crash();
  world.run(2000);
  t.regex(reform(world, node) ?? '', /may be serving yet.*ask again in 30 s$/);
  t.is(node.clusterId, world.node('a:1').clusterId || node.clusterId);
  world.run(31_000);
  t.is(reform(world, node), null);
});

test('R9: a node that was started anew waits just as long: it does not know who was there before', (t) => {
  const world = founded();
  for (const address of ABC) world.node(address).crash();
  world.run(600_000);
  const node = world.node('b:1');
  node.start();
  world.run(20_000);
  t.regex(reform(world, node) ?? '', /ask again in 12 s$/);
  world.run(13_000);
  t.is(reform(world, node), null);
  world.until('it leads, in its new life', () => leads(node) && node.plane?.status.state === 'member');
  t.deepEqual(node.plane?.status.voters, ['b:1']);
});

test('a node without a directory, or without a book, reforms nothing', (t) => {
  const world = new World();
  const volatile = world.add('v:1', { founders: ['v:1'], isVolatile: true, settings: { isNew: true } });
  world.until('it leads', () => leads(volatile));
  t.regex(reform(world, volatile) ?? '', /keeps no state/);
  const empty = world.add('x:1', { founders: ['x:1', 'y:1'] });
  world.cuts.add('v:1 x:1');
  t.is(reform(world, empty), 'this node knows no book yet');
});

test('what stands in its log counts, committed or not: a new leader would have kept it, too', (t) => {
  const world = founded();
  const commander = world.commander as SimNode;
  for (const node of world.nodes.values()) {
    if (node !== commander) world.cut(commander.address, node.address);
  }
  commander.plane?.propose(touch(commander));
  world.run(50); // it stands in its log, and nobody else has it
  const { commit = 0, lastIndex = 0 } = commander.plane?.status ?? {};
  t.true(lastIndex > commit);
  const before = bookAt(commander).partitions[0]?.version ?? 0;
  const lost = ABC.filter((address) => address !== commander.address);
  bereft(world, lost);
  reform(world, commander);
  world.until('it leads', () => leads(commander));
  const versions = commander.books.map(({ partitions }) => partitions[0]?.version ?? 0);
  t.true((versions.at(-1) ?? 0) > before + 1, 'the touch and the reform both moved it on');
});

test('empty nodes join the reformed cluster, and vote', (t) => {
  const world = founded();
  const node = bereft(world);
  reform(world, node);
  world.until('it leads', () => leads(node));
  for (const address of ['a:1', 'b:1']) {
    world.node(address).wipe();
    world.node(address).start();
  }
  settled(world);
  t.deepEqual(world.clusters, [node.clusterId]);
  world.until('three vote', () => node.plane?.status.voters.length === 3);
  const { version } = bookAt(node);
  node.plane?.propose(touch(node));
  world.until('a majority of the new ones commits', () => world.up.every((one) => bookAt(one).version > version));
  node.crash();
  world.until('another one leads', () => world.commander !== null);
  t.pass();
});

for (const seed of [1, 2, 3, 4, 5]) {
  test(`seed ${seed}: the former majority comes back with its directories and does not win`, (t) => {
    const world = founded(seed);
    const [former = ''] = world.clusters;
    const lost = seed % 2 === 0 ? ['a:1', 'b:1'] : ['b:1', 'c:1'];
    const node = bereft(world, lost);
    reform(world, node);
    world.until('it leads', () => leads(node));
    const reformed = node.clusterId;
    for (const address of lost) world.node(address).start();
    world.run(20_000);
    t.is(node.clusterId, reformed);
    t.true(leads(node), 'no term of the others ends its own');
    t.deepEqual(node.plane?.status.voters, [node.address]);
    t.true(bookAt(node).members.every((member) => member?.address !== '' || member === null));
    for (const address of lost) {
      t.is(world.node(address).clusterId, former);
      t.is(bookAt(world.node(address)).settings.clusterId, former, 'nothing of the new history reached them');
    }
  });
}

test('a crash on the way leaves one history or the other, whole', (t) => {
  const outcomes = new Set<string>();
  for (let seed = 1; seed <= 24; seed += 1) {
    const world = founded(seed);
    const [former = ''] = world.clusters;
    const node = bereft(world);
    const before = textOf(bookAt(node));
    t.is(reform(world, node), null);
    world.run((seed % 8) / 2);
    const wasDurable = node.clusterId !== former;
    node.restart();
    world.run(3000);
    t.is(node.failure, null);
    const isReformed = node.clusterId !== former;
    outcomes.add(isReformed ? 'reformed' : 'former');
    t.is(bookAt(node).settings.clusterId, node.clusterId);
    t.is(leads(node), isReformed);
    t.true(isReformed || !wasDurable, 'what was durable stays');
    t.true(isReformed || textOf(bookAt(node)) === before);
  }
  t.deepEqual([...outcomes].sort(), ['former', 'reformed']);
});

test('the reformed cluster is restarted as what it is, and may be reformed again', (t) => {
  const world = founded();
  const node = bereft(world);
  reform(world, node);
  world.until('it leads', () => leads(node));
  const first = node.clusterId;
  node.restart();
  t.is(node.clusterId, first);
  world.until('it leads again', () => leads(node) && node.plane?.status.state === 'member');
  world.run(ORPHANS_GONE_MS);
  // A commander that leads alone needs none of it; the request is refused before it comes here. Once more, all the same:
  world.run(100);
  t.regex(reform(world, node) ?? '', /ask again in 32 s/);
});

test('ids of reforms: one cluster, another number, another chance', (t) => {
  let next = 0;
  const random = { u32: () => 0, fill: (target: Uint8Array) => void target.fill(next++) };
  const first = nextClusterId('0e0f', random);
  t.is(first, '0e0f~1-00000000');
  t.is(nextClusterId(first, random), '0e0f~2-01010101');
  t.not(nextClusterId('0e0f', random), first);
  t.true(areOfOneCluster(first, '0e0f'));
  t.false(areOfOneCluster('0e0f', '0e10'));
});

test('the login of a former member says what to do', (t) => {
  const error = t.throws(() => checkClusters('a:1', '0e0f', '0e0f~1-00000000'), { code: 'KV_WRONG_CLUSTER' });
  t.regex(
    error.message,
    /cluster was reformed.*a:1 belongs to 0e0f, this node to 0e0f~1-00000000.*move the state directory/,
  );
  t.throws(() => checkClusters('a:1', '0e0f', '0e10'), { message: /two clusters never become one/ });
  t.notThrows(() => checkClusters('a:1', '0e0f~1-00000000', '0e0f~1-00000000'));
});
