/**
 * Measures one workload. Round trips: tinybench, one operation after another. Rates: all loops for a fixed time, counted
 * between two readings of the clock, so that a late timer changes nothing.
 */
import { cpus } from 'node:os';
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { Bench, type Statistics } from 'tinybench';
import { machineTime } from '../machine-time.ts';
import { Tally, type Workload } from './contender.ts';
import type { Measurement, RoundTrip, RunRequest } from './messages.ts';
import type { Profiling } from './profiling.ts';

export interface MeasureOptions {
  readonly workload: Workload;
  readonly request: RunRequest;
  readonly profiling: Profiling;
}

export function measure(options: MeasureOptions): Promise<Measurement> {
  return options.request.measure === 'rate' ? measureRate(options) : measureRoundTrip(options);
}

async function measureRate({ workload, request, profiling }: MeasureOptions): Promise<Measurement> {
  const tally = new Tally();
  const span = new Span(workload, tally, profiling);
  const loops = Promise.all(workload.loops.map((loop) => loop(tally)));
  // A loop that fails ends the run at once.
  await Promise.race([delay(request.warmUpSeconds * 1000), loops]);
  span.begin();
  const before = tally.count;
  // On a machine that is short of time nothing may have been done yet: then it goes on.
  do await Promise.race([delay(request.seconds * 1000), loops]);
  while (tally.count === before);
  span.end();
  tally.isStopped = true;
  await loops;
  return span.measurement();
}

async function measureRoundTrip({ workload, request, profiling }: MeasureOptions): Promise<Measurement> {
  const [loop] = workload.loops;
  if (loop === undefined) throw new RangeError('a round trip needs a loop');
  const one = Tally.ofOne();
  const span = new Span(workload, one, profiling);
  const bench = new Bench({
    time: request.seconds * 1000,
    warmupTime: request.warmUpSeconds * 1000,
    throws: true,
    setup: (_task, mode) => (mode === 'run' ? span.begin() : undefined),
    teardown: (_task, mode) => (mode === 'run' ? span.end() : undefined),
  });
  bench.add(request.operation, () => loop(one), { async: true });
  const [task] = await bench.run();
  if (task?.result.state !== 'completed') throw new Error('tinybench did not complete the run');
  return { ...(await span.measurement()), roundTrip: roundTripOf(task.result.latency) };
}

/** From the milliseconds of tinybench. */
function roundTripOf({ p50, p99, mean, min, max }: Statistics): RoundTrip {
  return { p50: p50 * 1000, p99: p99 * 1000, mean: mean * 1000, min: min * 1000, max: max * 1000 };
}

interface Moment {
  readonly count: number;
  readonly atMs: number;
  /** CPU time of this process and of the whole machine, microseconds. */
  readonly cpuMicros: number;
  readonly machineCpuMicros: number;
  /** Time that the host took from this machine, microseconds. */
  readonly stolenMicros: number;
  readonly serverCpuMicros: Promise<number | null>;
}

/** The time that counts: what was done and what was used between its two moments. */
class Span {
  readonly #workload: Workload;
  readonly #tally: Tally;
  readonly #profiling: Profiling;
  readonly #moments: Moment[] = [];

  constructor(workload: Workload, tally: Tally, profiling: Profiling) {
    this.#workload = workload;
    this.#tally = tally;
    this.#profiling = profiling;
  }

  begin(): void {
    this.#profiling.begin();
    this.#moments.push(this.#now());
  }

  end(): void {
    this.#moments.push(this.#now());
    this.#profiling.end();
  }

  #now(): Moment {
    const { user, system } = process.cpuUsage();
    return {
      count: this.#tally.count,
      atMs: performance.now(),
      cpuMicros: user + system,
      machineCpuMicros: machineCpuMicros(),
      stolenMicros: machineTime().stolenMs * 1000,
      serverCpuMicros: this.#workload.serverCpuMicros(),
    };
  }

  /** Of a span that has begun and ended. */
  async measurement(): Promise<Measurement> {
    const [begin, end] = this.#moments as [Moment, Moment];
    const operations = end.count - begin.count;
    const micros = (end.atMs - begin.atMs) * 1000;
    const client = end.cpuMicros - begin.cpuMicros;
    const machine = end.machineCpuMicros - begin.machineCpuMicros;
    const [before, after] = await Promise.all([begin.serverCpuMicros, end.serverCpuMicros]);
    const server = before === null || after === null ? null : after - before;
    return {
      operations,
      seconds: micros / 1e6,
      perSecond: (operations / micros) * 1e6,
      roundTrip: null,
      clientCpuMicros: client / operations,
      serverCpuMicros: server === null ? null : server / operations,
      othersCores: server === null ? null : Math.max(0, machine - client - server) / micros,
      stolenCores: (end.stolenMicros - begin.stolenMicros) / micros,
    };
  }
}

/** Time that all cores together have been busy. */
function machineCpuMicros(): number {
  const busyMs = cpus().map(({ times: { user, nice, sys } }) => user + nice + sys);
  return busyMs.reduce((sum, ms) => sum + ms, 0) * 1000;
}
