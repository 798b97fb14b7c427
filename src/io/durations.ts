/** How long things took: a histogram of the system, to the microsecond. */
import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';
import type { SpreadMs } from '../protocol/node-facts.ts';

const MICROS_PER_MS = 1000;

export class Durations {
  readonly #histogram: RecordableHistogram = createHistogram();

  record(ms: number): void {
    this.#histogram.record(Math.max(1, Math.round(ms * MICROS_PER_MS)));
  }

  get spread(): SpreadMs {
    const histogram = this.#histogram;
    if (histogram.count === 0) return { p50: 0, p99: 0, max: 0 };
    return {
      p50: histogram.percentile(50) / MICROS_PER_MS,
      p99: histogram.percentile(99) / MICROS_PER_MS,
      max: histogram.max / MICROS_PER_MS,
    };
  }
}
