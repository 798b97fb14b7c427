import test from 'ava';
import fc from 'fast-check';
import { AssertionError } from '../../src/base/assert.ts';
import { primaryCaps, replicaCaps } from '../../src/cluster/capacity.ts';
import { type Placement, type PlacementMember, place } from '../../src/cluster/placement.ts';

function membersOf(count: number, name = 'node'): PlacementMember[] {
  return Array.from({ length: count }, (_, i) => ({ id: `${name}-${i + 1}`, weight: 1 }));
}

/** For each member in how many partitions it stands at a place that counts. */
function loads(placement: Placement, counted: (place: number) => boolean): number[] {
  const load = placement.members.map(() => 0);
  for (const replicas of placement.replicas) {
    for (const [at, member] of replicas.entries()) if (counted(at)) load[member] = (load[member] as number) + 1;
  }
  return load;
}

/** For each partition the ids of its members, primary first. */
function byId(placement: Placement): string[][] {
  return placement.replicas.map((replicas) => replicas.map((member) => placement.members[member] as string));
}

const ids = (minLength: number): fc.Arbitrary<string[]> =>
  fc.uniqueArray(fc.string({ maxLength: 24 }), { minLength, maxLength: 20, size: 'max' });
const equals = ids(1).map((all) => all.map((id) => ({ id, weight: 1 })));
const weighted = fc
  .tuple(
    ids(1),
    fc.array(fc.oneof(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 1_000 })), { minLength: 20 }),
  )
  .map(([all, weights]) => all.map((id, i) => ({ id, weight: weights[i] as number })));
const partitionCounts = fc.constantFrom(1, 16, 256, 1_024);
const replicaCounts = fc.integer({ min: 1, max: 5 });

test('each partition is kept by k distinct members, or by all where there are fewer', (t) => {
  fc.assert(
    fc.property(fc.oneof(equals, weighted), partitionCounts, replicaCounts, (members, partitions, replicas) => {
      const placement = place(members, partitions, replicas);
      const expected = Math.min(replicas, members.length);
      t.is(placement.replicas.length, partitions);
      t.true(placement.replicas.every((kept) => kept.length === expected && new Set(kept).size === expected));
      t.deepEqual(placement.members, members.map((member) => member.id).sort());
    }),
  );
});

test('equal members: nobody keeps more than ⌈P·k/N⌉ replicas and ⌈P/N⌉ primaries', (t) => {
  fc.assert(
    fc.property(equals, partitionCounts, replicaCounts, (members, partitions, replicas) => {
      const placement = place(members, partitions, replicas);
      const each = Math.min(replicas, members.length);
      t.true(Math.max(...loads(placement, () => true)) <= Math.ceil((partitions * each) / members.length));
      t.true(Math.max(...loads(placement, (at) => at === 0)) <= Math.ceil(partitions / members.length));
    }),
  );
});

test('weighted members: nobody exceeds its share, rounded up', (t) => {
  fc.assert(
    fc.property(weighted, partitionCounts, replicaCounts, (members, partitions, replicas) => {
      const placement = place(members, partitions, replicas);
      const weightOf = new Map(members.map(({ id, weight }) => [id, weight]));
      const weights = placement.members.map((id) => weightOf.get(id) as number);
      const most = replicaCaps(weights, partitions, Math.min(replicas, members.length));
      const mostPrimaries = primaryCaps(weights, partitions);
      t.true(loads(placement, () => true).every((load, member) => load <= (most[member] as number)));
      t.true(loads(placement, (at) => at === 0).every((load, member) => load <= (mostPrimaries[member] as number)));
    }),
  );
});

test('the order in which members are given does not matter', (t) => {
  const shuffled = weighted.chain((members) =>
    fc.tuple(fc.constant(members), fc.shuffledSubarray(members, { minLength: members.length })),
  );
  fc.assert(
    fc.property(shuffled, fc.constantFrom(16, 256), replicaCounts, ([members, others], partitions, replicas) => {
      t.deepEqual(place(others, partitions, replicas), place(members, partitions, replicas));
    }),
  );
});

test('equal weights of any size place the same', (t) => {
  const heavy = membersOf(7).map(({ id }) => ({ id, weight: 65_535 }));
  t.deepEqual(place(heavy, 256, 3), place(membersOf(7), 256, 3));
});

test('the answer is fixed: nodes of different versions must agree on it', (t) => {
  const members = [1, 2, 3, 4, 5].map((host) => ({ id: `127.0.0.${host}:6234`, weight: 1 }));
  t.deepEqual(place(members, 8, 3).replicas, [
    [1, 0, 4],
    [4, 1, 0],
    [4, 0, 3],
    [1, 4, 0],
    [3, 1, 2],
    [2, 0, 3],
    [3, 1, 2],
    [2, 4, 3],
  ]);
});

/** Replicas that stand where there was none before. */
function copied(before: Placement, after: Placement): number {
  const old = byId(before);
  return byId(after).reduce((sum, kept, p) => sum + kept.filter((id) => !old[p]?.includes(id)).length, 0);
}

/** Partitions that have another primary than before. */
function movedPrimaries(before: Placement, after: Placement): number {
  const old = byId(before);
  return byId(after).filter((kept, p) => kept[0] !== old[p]?.[0]).length;
}

function without(members: readonly PlacementMember[], left: PlacementMember): PlacementMember[] {
  return members.filter((member) => member !== left);
}

for (const { from, partitions, replicas, timesMost } of [
  { from: 4, partitions: 256, replicas: 3, timesMost: 1.1 },
  { from: 5, partitions: 256, replicas: 3, timesMost: 1.25 },
  { from: 8, partitions: 256, replicas: 3, timesMost: 1.4 },
  { from: 12, partitions: 256, replicas: 3, timesMost: 1.5 },
  { from: 20, partitions: 1_024, replicas: 3, timesMost: 1.5 },
  { from: 5, partitions: 1_024, replicas: 1, timesMost: 1.25 },
]) {
  test(`${from} members, ${partitions} partitions on ${replicas}: one leaving copies at most ${timesMost} times what it kept`, (t) => {
    const members = membersOf(from);
    const before = place(members, partitions, replicas);
    const keptByOne = (partitions * replicas) / from;
    for (const left of members) {
      const count = copied(before, place(without(members, left), partitions, replicas));
      t.true(count >= Math.floor(keptByOne) - 1, `without ${left.id}: ${count} copies, it kept ${keptByOne}`);
      t.true(count <= timesMost * Math.ceil(keptByOne), `without ${left.id}: ${count} copies, it kept ${keptByOne}`);
    }
  });
}

test('a member that leaves moves the primaries it had, and few others', (t) => {
  const members = membersOf(5);
  const before = place(members, 256, 3);
  for (const left of members) {
    const count = movedPrimaries(before, place(without(members, left), 256, 3));
    // Its own 52 at most, and less than a tenth of the rest.
    t.true(count <= 52 + 20, `without ${left.id}: ${count}`);
  }
});

test('as many replicas as members: one leaving copies nothing', (t) => {
  const members = membersOf(3);
  const before = place(members, 256, 3);
  for (const left of members) t.is(copied(before, place(without(members, left), 256, 3)), 0);
});

test('the second of two replicas is spread: when one member dies, its primaries go to all others', (t) => {
  const placement = place(membersOf(5), 1_024, 2);
  for (const dead of placement.members.keys()) {
    const heirs = placement.replicas.filter((kept) => kept[0] === dead).map((kept) => kept[1]);
    for (const heir of placement.members.keys()) {
      if (heir === dead) continue;
      const count = heirs.filter((each) => each === heir).length;
      t.true(count >= 25 && count <= 80, `${heir} would take ${count} of ${heirs.length}`);
    }
  }
});

test('arguments that make no sense are bugs', (t) => {
  const one = { id: 'a', weight: 1 };
  const bug = { instanceOf: AssertionError };
  t.throws(() => place([], 16, 1), bug);
  t.throws(() => place([one, one], 16, 1), bug);
  t.throws(() => place([one], 0, 1), bug);
  t.throws(() => place([one], 16, 0), bug);
  for (const weight of [0, 0.5, 65_536, Number.NaN]) t.throws(() => place([{ id: 'a', weight }], 16, 1), bug);
});
