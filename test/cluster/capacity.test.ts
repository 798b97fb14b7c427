import test from 'ava';
import fc from 'fast-check';
import { primaryCaps, replicaCaps } from '../../src/cluster/capacity.ts';

const TABLE: ReadonlyArray<{ weights: number[]; partitions: number; replicas: number; caps: number[] }> = [
  { weights: [1], partitions: 256, replicas: 1, caps: [256] },
  { weights: [1, 1, 1], partitions: 256, replicas: 3, caps: [256, 256, 256] },
  { weights: [1, 1, 1], partitions: 256, replicas: 1, caps: [86, 86, 86] },
  { weights: [1, 1, 1, 1, 1], partitions: 256, replicas: 3, caps: [154, 154, 154, 154, 154] },
  { weights: [7, 7, 7, 7, 7], partitions: 256, replicas: 3, caps: [154, 154, 154, 154, 154] },
  { weights: [2, 1, 1], partitions: 16, replicas: 1, caps: [8, 4, 4] },
  // 9 of 12 parts of 32 replicas would be 24: cut to 16, the other 16 are divided by weight.
  { weights: [9, 2, 1], partitions: 16, replicas: 2, caps: [16, 11, 6] },
  // Cutting the first makes the second too large as well.
  { weights: [100, 10, 1, 1], partitions: 16, replicas: 3, caps: [16, 16, 8, 8] },
  { weights: [1, 1, 1], partitions: 1, replicas: 2, caps: [1, 1, 1] },
];

for (const { weights, partitions, replicas, caps } of TABLE) {
  test(`weights ${weights.join(' ')}: ${partitions} partitions on ${replicas} each`, (t) => {
    t.deepEqual(replicaCaps(weights, partitions, replicas), caps);
  });
}

const WEIGHTS = fc.array(fc.integer({ min: 1, max: 65_535 }), { minLength: 1, maxLength: 20 });
const PARTITIONS = fc.constantFrom(1, 16, 256, 16_384);

test('replica caps: enough for all, at most one of each partition, at most one more than the share', (t) => {
  fc.assert(
    fc.property(WEIGHTS, PARTITIONS, fc.integer({ min: 1, max: 5 }), (weights, partitions, most) => {
      const replicas = Math.min(most, weights.length);
      const caps = replicaCaps(weights, partitions, replicas);
      const sum = caps.reduce((total, cap) => total + cap, 0);
      t.true(caps.every((cap) => cap >= 1 && cap <= partitions));
      t.true(sum >= partitions * replicas && sum < partitions * replicas + weights.length);
    }),
  );
});

test('primary caps are plain shares, rounded up, and no greater than replica caps', (t) => {
  fc.assert(
    fc.property(WEIGHTS, PARTITIONS, fc.integer({ min: 1, max: 5 }), (weights, partitions, most) => {
      const total = weights.reduce((sum, weight) => sum + weight, 0);
      const caps = primaryCaps(weights, partitions);
      const replicas = replicaCaps(weights, partitions, Math.min(most, weights.length));
      t.deepEqual(
        caps,
        weights.map((weight) => Math.ceil((partitions * weight) / total)),
      );
      t.true(caps.every((cap, member) => cap <= (replicas[member] as number)));
    }),
  );
});
