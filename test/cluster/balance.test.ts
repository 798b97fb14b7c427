import test from 'ava';
import fc from 'fast-check';
import { balancePrimaries } from '../../src/cluster/balance.ts';

function counts(primaries: readonly number[], members: number): number[] {
  return Array.from({ length: members }, (_, member) => primaries.filter((primary) => primary === member).length);
}

test('the first choice of each partition, while there is room', (t) => {
  t.deepEqual(
    balancePrimaries(
      [
        [0, 1],
        [1, 0],
        [0, 1],
      ],
      [2, 1],
    ),
    [0, 1, 0],
  );
});

test('a full member: the next choice', (t) => {
  t.deepEqual(
    balancePrimaries(
      [
        [0, 1],
        [0, 1],
      ],
      [1, 1],
    ),
    [0, 1],
  );
});

test('all full: a partition placed before moves on', (t) => {
  t.deepEqual(balancePrimaries([[0, 1], [0]], [1, 1]), [1, 0]);
});

test('the move may take several steps', (t) => {
  t.deepEqual(balancePrimaries([[0, 1], [1, 2], [2, 3], [0]], [1, 1, 1, 1]), [1, 2, 3, 0]);
});

test('where no choice keeps the caps, the best member takes it, and the others keep theirs', (t) => {
  t.deepEqual(balancePrimaries([[0], [0], [1, 0]], [1, 1]), [0, 0, 1]);
});

/** The most partitions that can have a primary within the caps, by trying everything. */
function mostWithinCaps(candidates: readonly (readonly number[])[], caps: readonly number[]): number {
  const [first, ...others] = candidates;
  if (first === undefined) return 0;
  const without = mostWithinCaps(others, caps);
  const withEach = first.map((member) => {
    if (caps[member] === 0) return 0;
    return (
      1 +
      mostWithinCaps(
        others,
        caps.map((cap, each) => (each === member ? cap - 1 : cap)),
      )
    );
  });
  return Math.max(without, ...withEach);
}

test('no choice of primaries exceeds the caps by less', (t) => {
  const MEMBERS = 4;
  const partition = fc.shuffledSubarray([...Array(MEMBERS).keys()], { minLength: 1, maxLength: 3 });
  const caps = fc.array(fc.nat(3), { minLength: MEMBERS, maxLength: MEMBERS });
  fc.assert(
    fc.property(fc.array(partition, { maxLength: 7 }), caps, (candidates, most) => {
      const primaries = balancePrimaries(candidates, most);
      t.true(primaries.every((primary, i) => candidates[i]?.includes(primary)));
      const within = counts(primaries, MEMBERS).map((count, member) => Math.min(count, most[member] as number));
      t.is(
        within.reduce((sum, count) => sum + count, 0),
        mostWithinCaps(candidates, most),
      );
    }),
    { numRuns: 300 },
  );
});
