import test from 'ava';
import fc from 'fast-check';
import { majorityOf, reachedByMajority, tally } from '../../src/raft/quorum.ts';

test('majorities', (t) => {
  t.deepEqual([1, 2, 3, 4, 5, 6, 7].map(majorityOf), [1, 2, 2, 3, 3, 4, 4]);
});

test('two majorities, of configurations that differ by one voter, always meet', (t) => {
  for (let voters = 1; voters < 20; voters += 1) t.true(majorityOf(voters) + majorityOf(voters + 1) > voters + 1);
});

test('the largest value that more than half have reached', (t) => {
  fc.assert(
    fc.property(fc.array(fc.nat(20), { minLength: 1, maxLength: 9 }), (values) => {
      const voters = values.map((_, place) => place);
      const found = reachedByMajority(voters, (voter) => values[voter] as number);
      const reaching = (value: number): number => values.filter((one) => one >= value).length;
      t.true(reaching(found) * 2 > values.length);
      t.true(reaching(found + 1) * 2 <= values.length);
    }),
  );
});

test('nobody decides nothing', (t) => {
  t.is(
    reachedByMajority([], () => 5),
    Number.NEGATIVE_INFINITY,
  );
  t.not(tally([], new Map()), 'won');
});

test('an election is won, lost or open; who has no vote does not count', (t) => {
  for (const [voters, granted, refused, standing] of [
    [[1], [1], [], 'won'],
    [[1, 2], [1], [], 'open'],
    [[1, 2], [1], [2], 'lost'],
    [[1, 2, 3], [1, 9, 8], [], 'open'],
    [[1, 2, 3], [1, 3], [], 'won'],
    [[1, 2, 3, 4], [1], [2], 'open'],
    [[1, 2, 3, 4], [1], [2, 3], 'lost'],
    [[2, 3], [1, 2], [], 'open'],
  ] as const) {
    const votes = new Map<number, boolean>();
    for (const voter of granted) votes.set(voter, true);
    for (const voter of refused) votes.set(voter, false);
    t.is(tally(voters, votes), standing);
  }
});
