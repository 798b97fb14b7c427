/** The garbage collector's pauses in this process, as `node:perf_hooks` tells them. */
import { PerformanceObserver, performance } from 'node:perf_hooks';
import { setImmediate as turn } from 'node:timers/promises';

export interface Pauses {
  readonly seconds: number;
  readonly count: number;
  /** 0 when there was none. */
  readonly medianMs: number;
  readonly maxMs: number;
  readonly totalMs: number;
}

export class GcWatch {
  readonly #seen: { readonly startTime: number; readonly duration: number }[] = [];
  readonly #observer: PerformanceObserver;
  #beginMs = 0;

  constructor() {
    this.#observer = new PerformanceObserver((list) => {
      for (const { startTime, duration } of list.getEntries()) this.#seen.push({ startTime, duration });
    });
    this.#observer.observe({ entryTypes: ['gc'] });
  }

  begin(): void {
    this.#seen.length = 0;
    this.#beginMs = performance.now();
  }

  /** The pauses since `begin`. */
  async end(): Promise<Pauses> {
    const endMs = performance.now();
    await turn();
    await turn();
    const durations = this.#seen
      .filter(({ startTime }) => startTime >= this.#beginMs && startTime <= endMs)
      .map(({ duration }) => duration)
      .sort((a, b) => a - b);
    return {
      seconds: (endMs - this.#beginMs) / 1000,
      count: durations.length,
      medianMs: durations[durations.length >> 1] ?? 0,
      maxMs: durations.at(-1) ?? 0,
      totalMs: durations.reduce((sum, ms) => sum + ms, 0),
    };
  }

  /** How much of the time between two moments of `performance.now()` was a pause. To be asked after `end`. */
  pausedMs(fromMs: number, toMs: number): number {
    return this.#seen.reduce((sum, { startTime, duration }) => {
      return sum + Math.max(0, Math.min(toMs, startTime + duration) - Math.max(fromMs, startTime));
    }, 0);
  }

  close(): void {
    this.#observer.disconnect();
  }
}

/** What one collection finds to be garbage may have kept other things; after a few nothing changes any more. */
const ROUNDS = 4;

export interface Usage {
  readonly heapBytes: number;
  readonly arrayBufferBytes: number;
  readonly residentBytes: number;
}

/** Options that `settledUsage` needs. The engine would give up idle code, some MB, in the middle of a measurement. */
export const settlingArgs: readonly string[] = ['--expose-gc', '--no-flush-bytecode'];

/** With nothing in it that could be collected. */
export async function settledUsage(): Promise<Usage> {
  for (let round = 0; round < ROUNDS; round++) {
    globalThis.gc?.();
    await turn();
  }
  const { heapUsed, arrayBuffers, rss } = process.memoryUsage();
  return { heapBytes: heapUsed, arrayBufferBytes: arrayBuffers, residentBytes: rss };
}
