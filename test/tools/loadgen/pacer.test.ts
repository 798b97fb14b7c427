/** The timetable of a rate, with a clock that the tests move. */
import test from 'ava';
import { Pacer } from '../../../tools/loadgen/pacer.ts';

const MS = 1_000_000;

/** Timers fire when the clock is moved past them, late by `lateNs`. */
class FakeTime {
  nowNs = 0;
  stopped = false;
  #timers: { atNs: number; callback: () => void }[] = [];

  pacer(firstNs: number, intervalNs: number): Pacer {
    return new Pacer({
      firstNs,
      intervalNs,
      nowNs: () => this.nowNs,
      after: (delayMs, callback) => this.#timers.push({ atNs: this.nowNs + delayMs * MS, callback }),
      isStopped: () => this.stopped,
    });
  }

  /** Moves the clock to `nowNs` in one leap; then fires what is due. */
  leap(nowNs: number): void {
    this.nowNs = nowNs;
    const due = this.#timers.filter(({ atNs }) => atNs <= nowNs);
    this.#timers = this.#timers.filter(({ atNs }) => atNs > nowNs);
    for (const { callback } of due) callback();
  }

  /** Moves it millisecond by millisecond. */
  walk(nowNs: number): void {
    while (this.nowNs < nowNs) this.leap(this.nowNs + MS);
  }
}

test('who is in time waits for its slot, and counts from there', async (t) => {
  const time = new FakeTime();
  const pacer = time.pacer(0, 10 * MS);
  const turns = [pacer.turn(), pacer.turn(), pacer.turn()];
  const begun: number[] = [];
  for (const turn of turns) void turn.then(() => begun.push(time.nowNs));
  await turns[0];
  t.deepEqual(begun, [0]);
  time.walk(10 * MS);
  t.is(await turns[1], 10 * MS);
  t.deepEqual(begun, [0, 10 * MS]);
  time.walk(20 * MS);
  t.is(await turns[2], 20 * MS);
});

test('who is late begins at once, and counts from the slot: waiting counts', async (t) => {
  const time = new FakeTime();
  const pacer = time.pacer(0, 10 * MS);
  await pacer.turn();
  time.leap(1000 * MS); // the answer took a second
  t.deepEqual(await Promise.all([pacer.turn(), pacer.turn(), pacer.turn()]), [10 * MS, 20 * MS, 30 * MS]);
});

test('what a timer is late by does not count; what the thread hung for does', async (t) => {
  const time = new FakeTime();
  const pacer = time.pacer(10 * MS, 10 * MS);
  const first = pacer.turn();
  time.leap(11.5 * MS);
  t.is(await first, 11.5 * MS);
  const second = pacer.turn();
  time.leap(500 * MS);
  t.is(await second, 22 * MS);
});

test('many loops wait in the order of their slots', async (t) => {
  const time = new FakeTime();
  const pacer = time.pacer(MS, MS);
  const order: number[] = [];
  const turns = [0, 1, 2, 3].map((loop) => pacer.turn().then(() => order.push(loop)));
  time.walk(2 * MS);
  await Promise.all(turns.slice(0, 2));
  t.deepEqual(order, [0, 1]);
  time.walk(4 * MS);
  await Promise.all(turns);
  t.deepEqual(order, [0, 1, 2, 3]);
});

test('a stop wakes who waits for a slot far away', async (t) => {
  const time = new FakeTime();
  const pacer = time.pacer(3_600_000 * MS, MS);
  const turns = [pacer.turn(), pacer.turn()];
  time.stopped = true;
  time.walk(100 * MS);
  await Promise.all(turns);
  await pacer.turn();
  t.pass();
});
