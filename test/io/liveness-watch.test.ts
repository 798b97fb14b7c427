import test from 'ava';
import { LivenessWatch, LOOK_MS, STALLED_AFTER_MS, TELL_MS } from '../../src/io/liveness-watch.ts';

/** Looks every LOOK_MS for `forMs`, while the other counts as `rounds` says; gives when something was to be told. */
function looks(forMs: number, rounds: (nowMs: number) => number): number[] {
  const watch = new LivenessWatch(0, 0);
  const told: number[] = [];
  for (let nowMs = LOOK_MS; nowMs <= forMs; nowMs += LOOK_MS) {
    if (watch.look(nowMs, rounds(nowMs)) > 0) told.push(nowMs);
  }
  return told;
}

test('a thread that comes round every 100 ms, or every 250, does not stand still', (t) => {
  t.deepEqual(
    looks(5000, (nowMs) => Math.floor(nowMs / 100)),
    [],
  );
  t.deepEqual(
    looks(5000, (nowMs) => Math.floor(nowMs / STALLED_AFTER_MS)),
    [],
  );
});

test('a stall is told once it is longer than 250 ms, every 100 ms, until the thread comes round', (t) => {
  const told = looks(2000, (nowMs) => (nowMs < 1000 ? 0 : Math.floor(nowMs / 100)));
  t.deepEqual(told, [300, 400, 500, 600, 700, 800, 900]);
  t.is(TELL_MS, 100);
});

test('what is told is how long it has lasted', (t) => {
  const watch = new LivenessWatch(1000, 7);
  watch.look(1050, 8);
  for (let nowMs = 1100; nowMs <= 1300; nowMs += 50) t.is(watch.look(nowMs, 8), 0);
  t.is(watch.look(1351, 8), 301);
});

test('a count that has come round to where it began has still moved', (t) => {
  const watch = new LivenessWatch(0, 2 ** 31 - 1);
  t.is(watch.look(200, -(2 ** 31)), 0);
  t.is(watch.look(300, -(2 ** 31)), 0);
});

test('after a pause of the whole process the watch looks once more before it tells', (t) => {
  const watch = new LivenessWatch(0, 0);
  watch.look(50, 1);
  t.is(watch.look(5050, 1), 0, 'it has not run itself');
  t.is(watch.look(5100, 2), 0, 'the other had been stopped, too');
  t.is(watch.look(10_100, 2), 0);
  t.true(watch.look(10_150, 2) > 0, 'the other stands still');
});
