/** Which primaries go where, before anything is asked of a node. */
import test from 'ava';
import fc from 'fast-check';
import { planTransfers } from '../../../src/cli/cluster/transfer-plan.ts';
import type { MemberFacts, PartitionFacts } from '../../../src/protocol/cluster-facts.ts';

function member(address: string, primaries: number, health: MemberFacts['health'] = 'up'): MemberFacts {
  const rest = { slot: 0, zone: '', role: 'data', incarnation: '', isCommander: false, isVoter: true } as const;
  return { ...rest, address, primaries, health, replicas: 0, learning: 0, joinedAt: 1 };
}

function partition(index: number, primary: string | null, inSync: readonly string[]): PartitionFacts {
  const rest = { state: 'ok', version: 1, epoch: 1, eligible: [], target: inSync, lost: null } as const;
  return { ...rest, partition: index, primary, inSync };
}

test('each goes to the member in sync with the fewest primaries, counting those on their way', (t) => {
  const members = [member('a', 4), member('b', 1), member('c', 0)];
  const partitions = [0, 1, 2, 3].map((index) => partition(index, 'a', ['a', 'b', 'c']));
  const { moves, stuck } = planTransfers(members, [...partitions, partition(4, 'b', ['b', 'c'])], 'a');
  t.deepEqual(
    moves.map(({ to }) => to),
    ['c', 'b', 'c', 'b'],
  );
  t.deepEqual(stuck, []);
});

test('whoever is down, leaving or not in sync takes nothing; what nobody can take stays', (t) => {
  const members = [member('a', 3), member('b', 0, 'down'), member('c', 9), member('d', 0, 'leaving')];
  const partitions = [
    partition(0, 'a', ['a', 'b', 'd']),
    partition(1, 'a', ['a', 'b', 'c']),
    partition(2, null, ['c']),
    partition(3, 'a', ['a']),
  ];
  const { moves, stuck } = planTransfers(members, partitions, 'a');
  t.deepEqual(moves, [{ partition: 1, to: 'c' }]);
  t.deepEqual(stuck, [
    { partition: 0, reason: 'nobody else who is up holds all of it' },
    { partition: 3, reason: 'nobody else who is up holds all of it' },
  ]);
});

test('with a node named, only there', (t) => {
  const members = [member('a', 2), member('b', 0), member('c', 0)];
  const partitions = [partition(0, 'a', ['a', 'b', 'c']), partition(1, 'a', ['a', 'b'])];
  const { moves, stuck } = planTransfers(members, partitions, 'a', 'c');
  t.deepEqual(moves, [{ partition: 0, to: 'c' }]);
  t.deepEqual(stuck, [{ partition: 1, reason: 'c is not up, or does not hold all of it' }]);
});

test('addresses that are no members, and a move to where it is, are mistakes', (t) => {
  const members = [member('a', 1), member('b', 0)];
  t.throws(() => planTransfers(members, [], 'x'), { message: 'x is not a member of the cluster; there are a, b' });
  t.throws(() => planTransfers(members, [], 'a', 'y'), { message: 'y is not a member of the cluster; there are a, b' });
  t.throws(() => planTransfers(members, [], 'a', 'a'), { message: '--to is the same node as --all-from' });
});

test('every partition of the node is moved or stuck, once, and those who take them end up even', (t) => {
  const addresses = ['a', 'b', 'c', 'd'];
  const cases = fc.array(fc.subarray(addresses, { minLength: 1 }), { maxLength: 40 });
  fc.assert(
    fc.property(cases, (sets) => {
      const partitions = sets.map((inSync, index) => partition(index, inSync[0] as string, inSync));
      const count = (address: string): number => partitions.filter(({ primary }) => primary === address).length;
      const members = addresses.map((address) => member(address, count(address)));
      const { moves, stuck } = planTransfers(members, partitions, 'a');
      const handled = [...moves, ...stuck].map((one) => one.partition).sort((one, other) => one - other);
      const own = partitions.filter(({ primary }) => primary === 'a').map((one) => one.partition);
      t.deepEqual(handled, own);
      for (const { partition: index, to } of moves) t.true(to !== 'a' && partitions[index]?.inSync.includes(to));
    }),
  );
});
