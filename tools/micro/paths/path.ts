/** A hot path that is measured, and how: tinybench over many operations at a time, since one alone is too quick to time. */
import { Bench } from 'tinybench';

export interface HotPath {
  readonly name: string;
  /** Operations in one call of `run`. */
  readonly operations: number;
  /** @throws Error when what came out is wrong; that also keeps the engine from leaving the work out */
  run(): void;
}

export interface PathFigure {
  readonly name: string;
  /** Median of one operation, nanoseconds. */
  readonly nanos: number;
}

/** Keys in the tables of the paths that have one. */
export interface PathOptions {
  readonly keys: number;
}

export function check(actual: number, expected: number, what: string): void {
  if (actual !== expected) throw new Error(`${what}: ${actual}, not ${expected}`);
}

/** However short the time. */
const LEAST = { iterations: 5, warmupIterations: 2 };

/** Warming up takes half of `seconds` besides. */
export async function measurePath(path: HotPath, seconds: number): Promise<PathFigure> {
  const bench = new Bench({ time: seconds * 1000, warmupTime: seconds * 500, ...LEAST, throws: true });
  bench.add(path.name, () => path.run(), { async: false });
  const [task] = await bench.run();
  if (task?.result.state !== 'completed') throw new Error(`tinybench did not complete "${path.name}"`);
  return { name: path.name, nanos: (task.result.latency.p50 * 1e6) / path.operations };
}
