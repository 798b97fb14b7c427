/** The real clocks, timers and end of turn. */
import { performance } from 'node:perf_hooks';
import type { Clock, TimerHandle, Timers } from '../base/ports.ts';

export const systemClock: Clock = {
  monotonicMs: () => performance.now(),
  unixMs: () => Date.now(),
};

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
