/** The window of bulk loads: what one round does to it, and where it settles. */
import test from 'ava';
import { nextWindow, RowWindow, TARGET_MS, WINDOW_MAX, WINDOW_MIN } from '../../src/node/row-window.ts';

for (const [size, delayMs, next] of [
  [32, 0, 36],
  [32, TARGET_MS, 36],
  [32, TARGET_MS * 1.5, 21],
  [32, TARGET_MS * 100, 16],
  [9, 0, 11],
  [WINDOW_MAX, 0, WINDOW_MAX],
  [WINDOW_MIN, 1e9, WINDOW_MIN],
] as const) {
  test(`a window of ${size} after a delay of ${delayMs} ms: ${next}`, (t) => {
    t.is(nextWindow(size, delayMs), next);
  });
}

/** Rounds at a server that does `perMs` rows a millisecond, `wayMs` away: what is more than fits waits in line. */
function settled(perMs: number, wayMs: number): number {
  const window = new RowWindow();
  window.ended(wayMs, 0); // the first row meets no queue
  for (let row = 1; row < 200_000; row += 1) {
    window.ended(wayMs + Math.max(0, window.size / perMs - wayMs), row / perMs);
  }
  return window.size;
}

test('it settles where rows wait about as long as they may', (t) => {
  const size = settled(20, 1);
  const delayMs = size / 20 - 1;
  t.true(delayMs > 0 && delayMs <= TARGET_MS * 1.5, `${size} rows, ${delayMs} ms`);
});

test('a server that is fast, or far away, gets all there may be', (t) => {
  t.is(settled(1000, 1), WINDOW_MAX);
  t.is(settled(10, 50), WINDOW_MAX);
});

test('a server that is slow gets the least', (t) => {
  const size = settled(1, 0.5);
  t.true(size <= WINDOW_MIN + 2, `${size} rows`);
});
