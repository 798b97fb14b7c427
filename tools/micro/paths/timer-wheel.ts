/** Timers that are stopped before they are due, as nearly all are, and timers that fire; 10,000 others run meanwhile. */
import { TimerWheel } from '../../../src/base/timer-wheel.ts';
import { check, type HotPath } from './path.ts';

const TIMERS = 1000;
const OTHERS = 10_000;
const TICK_MS = 10;
/** Timers of one call are due within this. */
const SPAN_MS = 1000;
const FAR_MS = 1e12;

export function timerWheelPaths(): HotPath[] {
  return [
    { name: 'start and stop a timer', operations: TIMERS, run: stopping() },
    { name: 'start a timer and let it fire', operations: TIMERS, run: firing() },
  ];
}

function wheelWithOthers(): TimerWheel {
  const wheel = new TimerWheel({ tickMs: TICK_MS, nowMs: 0 });
  for (let id = TIMERS; id < TIMERS + OTHERS; id++) wheel.schedule(id, FAR_MS + id * TICK_MS);
  return wheel;
}

function stopping(): () => void {
  const wheel = wheelWithOthers();
  return () => {
    let stopped = 0;
    for (let id = 0; id < TIMERS; id++) wheel.schedule(id, (id * 7919) % SPAN_MS);
    for (let id = 0; id < TIMERS; id++) if (wheel.cancel(id)) stopped++;
    check(stopped, TIMERS, 'timers stopped');
    check(wheel.size, OTHERS, 'timers running');
  };
}

function firing(): () => void {
  const wheel = wheelWithOthers();
  let nowMs = 0;
  let sum = 0;
  const fired = (id: number): void => {
    sum += id;
  };
  return () => {
    sum = 0;
    for (let id = 0; id < TIMERS; id++) wheel.schedule(id, nowMs + ((id * 7919) % SPAN_MS));
    for (let passed = 0; passed <= SPAN_MS; passed += TICK_MS) wheel.advance(nowMs + passed, fired);
    nowMs += SPAN_MS + TICK_MS;
    wheel.advance(nowMs, fired);
    check(sum, (TIMERS * (TIMERS - 1)) / 2, 'timers fired');
  };
}
