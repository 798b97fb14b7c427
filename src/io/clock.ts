/** The real clocks, timers and end of turn. */
import { performance } from 'node:perf_hooks';
import type { Clock, TimerHandle, Timers } from '../base/ports.ts';

export const systemClock: Clock = {
  monotonicMs: () => performance.now(),
  unixMs: () => Date.now(),
};

const NANOSECONDS_PER_MS = 1e6;
const READINGS = 8;

/**
 * The monotonic clock counts from the start of its thread. This much later than one that all threads share: what is added
 * to a time of this thread's to tell it to another one. Of several readings the closest counts.
 */
export function threadOriginMs(): number {
  let closestMs = Number.POSITIVE_INFINITY;
  let originMs = 0;
  for (let reading = 0; reading < READINGS; reading += 1) {
    const beforeMs = Number(process.hrtime.bigint()) / NANOSECONDS_PER_MS;
    const nowMs = performance.now();
    const passedMs = Number(process.hrtime.bigint()) / NANOSECONDS_PER_MS - beforeMs;
    if (passedMs >= closestMs) continue;
    closestMs = passedMs;
    originMs = beforeMs - nowMs;
  }
  return originMs;
}

export const systemTimers: Timers = {
  after(afterMs: number, run: () => void): TimerHandle {
    const timer = setTimeout(run, Math.max(0, afterMs));
    return { cancel: () => clearTimeout(timer) };
  },
  // Behind everything that the present callback has set going, promises included.
  soon(run: () => void): void {
    process.nextTick(run);
  },
  // The check phase follows the poll phase: everything that was readable in this turn has been handled.
  atTurnEnd(run: () => void): void {
    setImmediate(run);
  },
};
