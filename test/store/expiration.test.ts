import test from 'ava';
import fc from 'fast-check';
import { Expiration } from '../../src/store/expiration.ts';

const CAPACITY = 64;

function dueSlots(expiration: Expiration, nowMs: number, room = CAPACITY): number[] {
  const slots = new Int32Array(room);
  return [...slots.subarray(0, expiration.dueSlots(nowMs, slots))];
}

test('a deadline is due at its own time, not a millisecond before', (t) => {
  const expiration = new Expiration();
  expiration.set(3, 1000, CAPACITY);
  t.is(expiration.dueSlot(999), -1);
  t.is(expiration.dueSlot(1000), 3);
  t.is(expiration.dueSlot(2000), 3);
});

test('R23: asking what is due removes nothing', (t) => {
  const expiration = new Expiration();
  expiration.set(3, 1000, CAPACITY);
  expiration.set(4, 1001, CAPACITY);
  for (let round = 0; round < 3; round++) {
    t.is(expiration.dueSlot(5000), 3);
    t.deepEqual(dueSlots(expiration, 5000), [3, 4]);
  }
  expiration.set(3, 0, CAPACITY);
  t.is(expiration.dueSlot(5000), 4);
  t.is(expiration.size, 1);
});

test('without deadlines nothing is due, ever, and no column is held', (t) => {
  const expiration = new Expiration();
  expiration.set(5, 0, CAPACITY);
  t.is(expiration.dueSlot(Number.MAX_SAFE_INTEGER), -1);
  t.is(expiration.earliestDeadlineMs(), Number.POSITIVE_INFINITY);
  t.is(expiration.deadlineMs(5), 0);
  t.is(expiration.bytes, 0);
});

test('a deadline that moved or was taken away is forgotten', (t) => {
  const expiration = new Expiration();
  expiration.set(1, 100, CAPACITY);
  expiration.set(2, 200, CAPACITY);
  expiration.set(1, 300, CAPACITY);
  t.is(expiration.earliestDeadlineMs(), 200);
  expiration.set(2, 0, CAPACITY);
  t.is(expiration.earliestDeadlineMs(), 300);
  t.is(expiration.dueSlot(299), -1);
  expiration.set(1, 50, CAPACITY);
  t.is(expiration.dueSlot(50), 1);
});

test('a deadline that went and came back is due once', (t) => {
  const expiration = new Expiration();
  expiration.set(1, 100, CAPACITY);
  expiration.set(1, 200, CAPACITY);
  expiration.set(1, 100, CAPACITY);
  expiration.set(2, 100, CAPACITY);
  t.deepEqual(dueSlots(expiration, 100), [1, 2]);
  expiration.set(1, 0, CAPACITY);
  t.deepEqual(dueSlots(expiration, 500), [2]);
});

test('dueSlots gives the earliest ones when there is not room for all', (t) => {
  const expiration = new Expiration();
  for (let slot = 0; slot < 10; slot++) expiration.set(slot, 1000 - slot, CAPACITY);
  t.deepEqual(dueSlots(expiration, 995, 3), [9, 8, 7]);
  t.deepEqual(dueSlots(expiration, 995, 100), [9, 8, 7, 6, 5]);
  t.deepEqual(dueSlots(expiration, 5000, 0), []);
});

test('stale pairs stay bounded however often deadlines move', (t) => {
  const expiration = new Expiration();
  const live = 40;
  let largest = 0;
  for (let round = 1; round <= 20_000; round++) {
    expiration.set(round % live, round, CAPACITY);
    largest = Math.max(largest, expiration.bytes);
  }
  const pairs = 2 * live + 16 + CAPACITY / 16;
  t.true(largest <= CAPACITY * 8 + pairs * 24, `${largest} bytes`);
  t.is(expiration.earliestDeadlineMs(), 20_000 - live + 1);
});

test('clear forgets all', (t) => {
  const expiration = new Expiration();
  expiration.set(1, 100, CAPACITY);
  expiration.clear();
  t.is(expiration.dueSlot(1000), -1);
  t.is(expiration.size, 0);
  t.is(expiration.bytes, 0);
});

test('it agrees with a Map through any changes', (t) => {
  const change = fc.record({
    slot: fc.integer({ min: 0, max: 20 }),
    deadlineMs: fc.integer({ min: 0, max: 50 }),
    nowMs: fc.integer({ min: 0, max: 60 }),
  });
  fc.assert(
    fc.property(fc.array(change, { maxLength: 300, size: 'max' }), (changes) => {
      const expiration = new Expiration();
      const model = new Map<number, number>();
      for (const { slot, deadlineMs, nowMs } of changes) {
        expiration.set(slot, deadlineMs, Math.max(32, slot + 1));
        if (deadlineMs === 0) model.delete(slot);
        else model.set(slot, deadlineMs);
        const due = [...model].filter(([, at]) => at <= nowMs).sort((a, b) => a[1] - b[1] || a[0] - b[0]);
        t.deepEqual(
          dueSlots(expiration, nowMs),
          due.map(([dueSlot]) => dueSlot),
        );
        t.is(expiration.dueSlot(nowMs), due[0]?.[0] ?? -1);
        t.is(expiration.earliestDeadlineMs(), Math.min(Number.POSITIVE_INFINITY, ...model.values()));
        t.is(expiration.deadlineMs(slot), deadlineMs);
        t.is(expiration.size, model.size);
      }
    }),
    { numRuns: 50 },
  );
});
