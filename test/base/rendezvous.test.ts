import test from 'ava';
import { AssertionError } from '../../src/base/assert.ts';
import { Rendezvous } from '../../src/base/rendezvous.ts';

const PARTITIONS = 16_384;

/** The winner of each partition, as an index of `nodes`. */
function winners(nodes: Rendezvous[]): number[] {
  return Array.from({ length: PARTITIONS }, (_, partition) => {
    const scores = nodes.map((node) => node.score(partition));
    return scores.indexOf(Math.max(...scores));
  });
}

function counts(winner: number[], nodes: number): number[] {
  return Array.from({ length: nodes }, (_, node) => winner.filter((each) => each === node).length);
}

/** Five standard deviations of a binomial count. */
function tolerance(share: number): number {
  return 5 * Math.sqrt(PARTITIONS * share * (1 - share));
}

function nodesOf(weights: number[], name = '127.0.0'): Rendezvous[] {
  return weights.map((weight, i) => new Rendezvous(`${name}.${i + 1}:6234`, weight));
}

test('scores are fixed: a change here would move every partition', (t) => {
  const node = new Rendezvous('127.0.0.1:6234', 1);
  t.deepEqual(
    [node.score(0), node.score(1), node.score(16_383)],
    [0.7515866423981656, 2.1700758429610865, 4.672296185808101],
  );
});

for (const weights of [
  [1, 1],
  [1, 1, 1],
  [1, 1, 1, 1, 1],
  new Array<number>(20).fill(1),
  [1, 3],
  [4, 2, 1, 1],
  [100, 1],
]) {
  test(`each node wins its share of the partitions: weights ${weights.join(' ')}`, (t) => {
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    const won = counts(winners(nodesOf(weights)), weights.length);
    for (const [node, weight] of weights.entries()) {
      const share = weight / total;
      t.true(Math.abs((won[node] as number) - PARTITIONS * share) <= tolerance(share), `${won.join(' ')}`);
    }
  });
}

test('the second choice of one node’s partitions is spread over all the others', (t) => {
  const nodes = nodesOf([1, 1, 1, 1, 1]);
  const before = winners(nodes);
  const after = winners(nodes.slice(0, 4));
  const inherited = [0, 0, 0, 0];
  for (const [partition, node] of after.entries()) {
    if (before[partition] === 4) inherited[node] = (inherited[node] as number) + 1;
    else t.is(node, before[partition] as number, 'a partition that was not kept there moved');
  }
  for (const count of inherited) t.true(Math.abs(count - PARTITIONS / 20) <= tolerance(1 / 20), inherited.join());
});

test('a greater weight only takes, and only for its own node', (t) => {
  const before = winners(nodesOf([1, 1, 1, 1]));
  const after = winners(nodesOf([1, 1, 2, 1]));
  const moved = after.filter((node, partition) => node !== before[partition]);
  t.true(moved.length > 0);
  t.true(moved.every((node) => node === 2));
});

test('equal weights of any size give the same order', (t) => {
  t.deepEqual(winners(nodesOf([1, 1, 1])), winners(nodesOf([7, 7, 7])));
});

test('ids that differ in one character, or in their order, share no pattern', (t) => {
  for (const [one, other] of [
    ['node-1', 'node-2'],
    ['ab', 'ba'],
    ['a', 'aa'],
    ['', ' '],
  ] as const) {
    const won = counts(winners([new Rendezvous(one, 1), new Rendezvous(other, 1)]), 2);
    t.true(Math.abs((won[0] as number) - PARTITIONS / 2) <= tolerance(1 / 2), `${one} ${other}: ${won.join(' ')}`);
  }
});

test('a weight that is not more than 0 is a bug', (t) => {
  for (const weight of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
    t.throws(() => new Rendezvous('a', weight), { instanceOf: AssertionError });
  }
});
