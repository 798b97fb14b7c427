/** Which known word a mistyped one was meant to be. */
import test from 'ava';
import { editDistance, nearest } from '../../src/base/nearest.ts';

for (const [a, b, distance] of [
  ['port', 'port', 0],
  ['prot', 'port', 1],
  ['por', 'port', 1],
  ['portt', 'port', 1],
  ['part', 'port', 1],
  ['', 'port', 4],
  ['kitten', 'sitting', 3],
] as const) {
  test(`from '${a}' to '${b}' there are ${distance} steps`, (t) => {
    t.is(editDistance(a, b), distance);
    t.is(editDistance(b, a), distance);
  });
}

const options = ['peers', 'port', 'partitions', 'replicas', 'max-memory', 'max-connections'];

for (const [word, meant] of [
  ['prot', 'port'],
  ['peer', 'peers'],
  ['repliacs', 'replicas'],
  ['maxmemory', 'max-memory'],
  ['x', null],
  ['colour', null],
] as const) {
  test(`'${word}' is near ${meant}`, (t) => {
    t.is(nearest(word, options), meant);
  });
}
