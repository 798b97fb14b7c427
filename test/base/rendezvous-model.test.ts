/** What rendezvous hashing promises, for any nodes and weights. */
import test from 'ava';
import fc from 'fast-check';
import { Rendezvous } from '../../src/base/rendezvous.ts';

const PARTITIONS = 64;

interface Node {
  readonly id: string;
  readonly weight: number;
}

const node = fc.record({ id: fc.string({ minLength: 1, maxLength: 12 }), weight: fc.integer({ min: 1, max: 100 }) });
const nodes = fc.uniqueArray(node, { minLength: 2, maxLength: 8, selector: ({ id }) => id });

/** By partition: ids in the order in which they want it. */
function orders(all: readonly Node[]): string[][] {
  const scored = all.map(({ id, weight }) => ({ id, scores: new Rendezvous(id, weight) }));
  return Array.from({ length: PARTITIONS }, (_, partition) =>
    [...scored].sort((a, b) => b.scores.score(partition) - a.scores.score(partition)).map(({ id }) => id),
  );
}

test('whoever knows the same nodes comes to the same order, in whatever order they are named', (t) => {
  const run = fc.property(nodes, fc.integer(), (all, turn) => {
    const at = Math.abs(turn) % all.length;
    t.deepEqual(orders([...all.slice(at), ...all.slice(0, at)].reverse()), orders(all));
  });
  fc.assert(run, { numRuns: 30 });
});

test('a node that leaves changes nothing about the order of the others', (t) => {
  const run = fc.property(nodes, fc.nat(), (all, which) => {
    const left = all.filter((_, index) => index !== which % all.length);
    const gone = (all[which % all.length] as Node).id;
    t.deepEqual(
      orders(left),
      orders(all).map((order) => order.filter((id) => id !== gone)),
    );
  });
  fc.assert(run, { numRuns: 30 });
});

test('a weight that grows moves partitions to its node only', (t) => {
  const run = fc.property(nodes, fc.nat(), (all, which) => {
    const grown = all[which % all.length] as Node;
    const after = all.map((one) => (one === grown ? { ...one, weight: one.weight * 3 } : one));
    const before = orders(all);
    for (const [partition, [winner]] of orders(after).entries())
      t.true(winner === before[partition]?.[0] || winner === grown.id);
  });
  fc.assert(run, { numRuns: 30 });
});

test('scores are more than 0, and all weights times a number give the same order', (t) => {
  const run = fc.property(nodes, fc.integer({ min: 2, max: 50 }), fc.nat(16_383), (all, times, partition) => {
    for (const { id, weight } of all) t.true(new Rendezvous(id, weight).score(partition) > 0);
    t.deepEqual(orders(all.map(({ id, weight }) => ({ id, weight: weight * times }))), orders(all));
  });
  fc.assert(run, { numRuns: 30 });
});
