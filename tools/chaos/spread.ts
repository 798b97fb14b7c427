/** Percentiles of a few numbers. */

export interface Spread {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** Nearest rank: the smallest number that so many per cent do not exceed. Infinity is a number like any other. */
export function percentile(numbers: readonly number[], percent: number): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)] ?? Number.NaN;
}

export function spreadOf(numbers: readonly number[]): Spread {
  return {
    count: numbers.length,
    p50: percentile(numbers, 50),
    p99: percentile(numbers, 99),
    max: percentile(numbers, 100),
  };
}
