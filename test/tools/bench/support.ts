/** Measurements made up for tests. */
import type { Measurement } from '../../../tools/bench/messages.ts';
import type { Round } from '../../../tools/bench/ratio.ts';

export function rate(perSecond: number): Measurement {
  const cpu = { clientCpuMicros: 1.5, serverCpuMicros: 2.25, othersCores: 0.125, stolenCores: 0.0625 };
  return { operations: perSecond, seconds: 1, perSecond, roundTrip: null, ...cpu };
}

export function roundTrip(p50: number): Measurement {
  return { ...rate(1e6 / p50), roundTrip: { p50, p99: 2 * p50, mean: p50, min: p50, max: 3 * p50 } };
}

export function round(keyval: Measurement, echo: Measurement, other: Measurement | null = null): Round {
  return { keyval, echo, other };
}
