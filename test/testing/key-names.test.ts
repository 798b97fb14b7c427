import test from 'ava';
import { hashSlot, partitionOfSlot } from '../../src/base/hash-slot.ts';
import { KeyNames } from '../../src/testing/key-names.ts';

const PARTITIONS = 4;

function partitionOf(key: string): number {
  const bytes = new TextEncoder().encode(key);
  return partitionOfSlot(hashSlot(bytes, 0, bytes.length), PARTITIONS);
}

test('a key keeps its partition over the eras of it, and no others change', (t) => {
  const names = new KeyNames(PARTITIONS);
  const bases = Array.from({ length: 40 }, (_, key) => `k${key}`);
  const before = bases.map((base) => names.of(base));
  names.begin(2);
  for (const [index, base] of bases.entries()) {
    const [old, now] = [before[index] as string, names.of(base)];
    t.is(partitionOf(now), partitionOf(old));
    t.is(now === old, partitionOf(old) !== 2);
    t.is(names.isCurrent(old), partitionOf(old) !== 2);
    t.true(names.isCurrent(now));
  }
  names.begin('all');
  t.true(bases.every((base, index) => !names.isCurrent(before[index] as string) && names.isCurrent(names.of(base))));
});

test('what is told of a key counts as the key does', (t) => {
  const names = new KeyNames(PARTITIONS);
  const told = `guarded by ${names.of('lock0')}`;
  t.true(names.isCurrent(told));
  names.begin(partitionOf('lock0'));
  t.false(names.isCurrent(told));
});
