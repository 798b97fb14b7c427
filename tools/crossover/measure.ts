/**
 * Two measures of a way: how long a pass takes (tinybench), and how long the main thread is busy with it (its own
 * processor time, over many passes one after the other). The second is what other requests wait for.
 */
import { performance } from 'node:perf_hooks';
import { Bench } from 'tinybench';
import type { Pass } from './ways.ts';

export interface Figure {
  /** Median of a pass. */
  readonly wholeMicros: number;
  /** Processor time of the main thread for a pass. */
  readonly busyMicros: number;
}

const PASSES_MIN = 10;
const WARM_UP_PASSES = 20;
/** Passes between two looks at the clock, so that looking is not measured where a pass is short. */
const PASSES_AT_ONCE = 16;

export async function measure(pass: Pass, milliseconds: number): Promise<Figure> {
  for (let count = 0; count < WARM_UP_PASSES; count += 1) await pass();
  return { wholeMicros: await wholeMicros(pass, milliseconds), busyMicros: await busyMicros(pass, milliseconds) };
}

async function wholeMicros(pass: Pass, milliseconds: number): Promise<number> {
  const bench = new Bench({ time: milliseconds, iterations: PASSES_MIN, warmup: true, warmupTime: milliseconds / 4 });
  bench.add('pass', pass);
  const [task] = await bench.run();
  if (task?.result.state !== 'completed') throw new Error(`the measurement ended as ${task?.result.state}`);
  return task.result.latency.p50 * 1000;
}

async function busyMicros(pass: Pass, milliseconds: number): Promise<number> {
  const until = performance.now() + milliseconds;
  const before = process.threadCpuUsage();
  let passes = 0;
  do {
    for (let count = 0; count < PASSES_AT_ONCE; count += 1) {
      const running = pass();
      if (running !== undefined) await running;
    }
    passes += PASSES_AT_ONCE;
  } while (performance.now() < until);
  const { user, system } = process.threadCpuUsage(before);
  return (user + system) / passes;
}
