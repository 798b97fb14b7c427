import test from 'ava';
import fc from 'fast-check';
import { AssertionError } from '../../src/base/assert.ts';
import { TimerWheel } from '../../src/base/timer-wheel.ts';

const TICK_MS = 10;

function wheelAt(nowMs: number, slots = 8): TimerWheel {
  return new TimerWheel({ tickMs: TICK_MS, slots, nowMs });
}

function firedBy(wheel: TimerWheel, nowMs: number): number[] {
  const fired: number[] = [];
  wheel.advance(nowMs, (id) => fired.push(id));
  return fired;
}

test('a timer fires once, at its deadline or less than a tick after it', (t) => {
  const wheel = wheelAt(0);
  wheel.schedule(3, 25);
  t.deepEqual(firedBy(wheel, 24), []);
  t.deepEqual(firedBy(wheel, 25), [], 'its tick begins at 30');
  t.deepEqual(firedBy(wheel, 30), [3]);
  t.deepEqual(firedBy(wheel, 1_000), []);
  t.is(wheel.size, 0);
});

test('a deadline on a tick fires exactly then', (t) => {
  const wheel = wheelAt(0);
  wheel.schedule(3, 20);
  t.deepEqual(firedBy(wheel, 19.999), []);
  t.deepEqual(firedBy(wheel, 20), [3]);
});

test('timers fire tick by tick, within a tick as scheduled', (t) => {
  const wheel = wheelAt(0);
  for (const [id, deadlineMs] of [
    [1, 40],
    [2, 20],
    [3, 11],
    [4, 40],
  ] as const)
    wheel.schedule(id, deadlineMs);
  t.deepEqual(firedBy(wheel, 40), [2, 3, 1, 4]);
});

test('a deadline more than a revolution away is passed over until its turn', (t) => {
  const wheel = wheelAt(0);
  wheel.schedule(1, 10 + 8 * TICK_MS);
  wheel.schedule(2, 10 + 80 * TICK_MS);
  t.deepEqual(firedBy(wheel, 10), []);
  t.deepEqual(firedBy(wheel, 89), []);
  t.deepEqual(firedBy(wheel, 90), [1]);
  t.deepEqual(firedBy(wheel, 809), []);
  t.deepEqual(firedBy(wheel, 810), [2]);
});

test('a deadline that has passed fires in the next tick', (t) => {
  const wheel = wheelAt(1_005);
  wheel.schedule(1, 3);
  t.deepEqual(firedBy(wheel, 1_009), []);
  t.deepEqual(firedBy(wheel, 1_010), [1]);
});

test('a cancelled timer does not fire', (t) => {
  const wheel = wheelAt(0);
  wheel.schedule(1, 20);
  t.true(wheel.isScheduled(1));
  t.true(wheel.cancel(1));
  t.false(wheel.cancel(1));
  t.false(wheel.isScheduled(1));
  t.false(wheel.cancel(1_000_000), 'an id never seen');
  t.deepEqual(firedBy(wheel, 100), []);
});

test('scheduling again moves the timer', (t) => {
  const wheel = wheelAt(0);
  wheel.schedule(1, 20);
  wheel.schedule(1, 50);
  t.is(wheel.size, 1);
  t.deepEqual(firedBy(wheel, 49), []);
  t.deepEqual(firedBy(wheel, 50), [1]);
});

test('a clock that jumps far ahead fires each timer once, and what is scheduled meanwhile waits a tick', (t) => {
  const wheel = wheelAt(0);
  const yearMs = 365 * 24 * 3_600_000;
  for (let id = 0; id < 20; id++) wheel.schedule(id, id * 7);
  const fired: number[] = [];
  wheel.advance(yearMs, (id) => {
    fired.push(id);
    wheel.schedule(id, 0);
  });
  t.deepEqual(
    [...fired].sort((one, other) => one - other),
    Array.from({ length: 20 }, (_, id) => id),
  );
  t.is(firedBy(wheel, yearMs + TICK_MS).length, 20);
});

test('a clock that goes back fires nothing, and loses nothing', (t) => {
  const wheel = wheelAt(1_000);
  wheel.schedule(1, 1_050);
  t.deepEqual(firedBy(wheel, 200), []);
  t.deepEqual(firedBy(wheel, 1_049), []);
  t.deepEqual(firedBy(wheel, 1_050), [1]);
});

test('a timer that fires may cancel and schedule others that are due too', (t) => {
  const wheel = wheelAt(0);
  for (const id of [1, 2, 3]) wheel.schedule(id, 20);
  const fired: number[] = [];
  wheel.advance(20, (id) => {
    fired.push(id);
    wheel.cancel(2);
    wheel.schedule(3, 60);
  });
  t.deepEqual(fired, [1]);
  t.deepEqual(firedBy(wheel, 60), [3]);
});

test('what is left when a timer throws fires on the next call', (t) => {
  const wheel = wheelAt(0);
  wheel.schedule(1, 20);
  wheel.schedule(2, 20);
  t.throws(() =>
    wheel.advance(20, () => {
      throw new Error('boom');
    }),
  );
  t.is(wheel.size, 1);
  t.deepEqual(firedBy(wheel, 20), [2]);
});

test('times before zero work too', (t) => {
  const wheel = wheelAt(-1_000);
  wheel.schedule(1, -55);
  t.deepEqual(firedBy(wheel, -56), []);
  t.deepEqual(firedBy(wheel, -50), [1]);
});

test('arguments that make no sense are bugs', (t) => {
  t.throws(() => new TimerWheel({ tickMs: 0, nowMs: 0 }), { instanceOf: AssertionError });
  t.throws(() => new TimerWheel({ tickMs: 1, slots: 0, nowMs: 0 }), { instanceOf: AssertionError });
  t.throws(() => new TimerWheel({ tickMs: 1, nowMs: Number.NaN }), { instanceOf: AssertionError });
  const wheel = wheelAt(0);
  t.throws(() => wheel.schedule(-1, 0), { instanceOf: AssertionError });
  t.throws(() => wheel.schedule(0, Number.POSITIVE_INFINITY), { instanceOf: AssertionError });
});

const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('schedule' as const),
      id: fc.nat(40),
      inMs: fc.integer({ min: -20, max: 400 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('cancel' as const), id: fc.nat(40) }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('advance' as const), byMs: fc.oneof(fc.nat(30), fc.nat(2_000)) }),
  },
);

test('any sequence of calls: never early, less than a tick late, once, and all of them', (t) => {
  const sequences = fc.array(step, { maxLength: 200, size: 'max' });
  fc.assert(
    fc.property(sequences, fc.integer({ min: 1, max: 12 }), fc.nat(100_000), (sequence, slots, startMs) => {
      const wheel = wheelAt(startMs, slots);
      const deadlines = new Map<number, number>();
      let nowMs = startMs;
      for (const each of sequence) {
        if (each.kind === 'schedule') {
          wheel.schedule(each.id, nowMs + each.inMs);
          deadlines.set(each.id, Math.max(nowMs + each.inMs, nowMs));
        } else if (each.kind === 'cancel') t.is(wheel.cancel(each.id), deadlines.delete(each.id));
        else {
          nowMs += each.byMs;
          wheel.advance(nowMs, (id) => {
            const deadlineMs = deadlines.get(id);
            t.true(deadlineMs !== undefined && deadlineMs <= nowMs, `timer ${id} is early or fired twice`);
            deadlines.delete(id);
          });
          for (const [id, deadlineMs] of deadlines) t.true(deadlineMs > nowMs - TICK_MS, `timer ${id} is late`);
        }
        t.is(wheel.size, deadlines.size);
      }
    }),
  );
});
