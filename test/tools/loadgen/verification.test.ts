/** Counters against acknowledged increments. */
import test from 'ava';
import { COUNTER_COUNT, COUNTERS_PER_WAY, noIncrements } from '../../../tools/loadgen/increments.ts';
import { compareCounters } from '../../../tools/loadgen/verification.ts';

/** Counts of two threads: each has acknowledged 5 increments of every counter, the first has 1 of unknown outcome. */
function counted() {
  const [first, second] = [noIncrements(), noIncrements()];
  first.acknowledged.fill(5);
  second.acknowledged.fill(5);
  first.unknown.fill(1);
  return [first, second];
}

const acknowledged = { underLock: 10 * COUNTERS_PER_WAY, byCas: 10 * COUNTERS_PER_WAY, unknown: COUNTER_COUNT };

test('all there, with or without those of unknown outcome', (t) => {
  const values = Array.from({ length: COUNTER_COUNT }, (_, counter) => (counter % 2 === 0 ? 10 : 11));
  t.deepEqual(compareCounters(values, counted()), { ...acknowledged, lost: 0, surplus: 0, unread: 0 });
});

test('what is lost on one counter is not made up for by another', (t) => {
  const values: number[] = new Array(COUNTER_COUNT).fill(10);
  values[0] = 7;
  values[COUNTER_COUNT - 1] = 14;
  t.deepEqual(compareCounters(values, counted()), { ...acknowledged, lost: 3, surplus: 3, unread: 0 });
});

test('a counter that cannot be read is said to be', (t) => {
  const values: (number | null)[] = new Array(COUNTER_COUNT).fill(10);
  values[3] = null;
  t.deepEqual(compareCounters(values, counted()), { ...acknowledged, lost: 0, surplus: 0, unread: 1 });
});
