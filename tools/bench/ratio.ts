/**
 * Ratios of runs that were made in turn. Each run is compared with its neighbour, so that what slows down the machine for
 * a while slows down both; the median of these ratios counts.
 */
import type { Case, Measure } from './cases.ts';
import type { Measurement } from './messages.ts';

export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** One run of each contender, one right after the other. */
export interface Round {
  readonly keyval: Measurement;
  readonly echo: Measurement;
  /** The other checkout, when there is one. */
  readonly other: Measurement | null;
}

export interface Summary {
  /** keyval to echo. */
  readonly ratio: Spread;
  /** The other checkout to echo. */
  readonly otherRatio: Spread | null;
  /** This checkout to the other. */
  readonly change: Spread | null;
  readonly verdict: 'ok' | 'short' | null;
}

/** What is compared: microseconds of a round trip, or operations a second. */
export function figureOf(measure: Measure, measurement: Measurement): number {
  if (measure === 'rate') return measurement.perSecond;
  if (measurement.roundTrip === null) throw new RangeError('the run measured no round trips');
  return measurement.roundTrip.p50;
}

/** Of at least one round. */
export function summarize({ measure, target }: Case, rounds: readonly Round[]): Summary {
  const figure = (measurement: Measurement): number => figureOf(measure, measurement);
  const ratio = spreadOf(rounds.map(({ keyval, echo }) => figure(keyval) / figure(echo)));
  const others = rounds.flatMap(({ keyval, echo, other }) => (other === null ? [] : [{ keyval, echo, other }]));
  return {
    ratio,
    otherRatio: spreadOrNull(others.map(({ echo, other }) => figure(other) / figure(echo))),
    change: spreadOrNull(others.map(({ keyval, other }) => figure(keyval) / figure(other))),
    verdict: target === null ? null : verdictOf(measure, ratio.median, target),
  };
}

function verdictOf(measure: Measure, ratio: number, target: number): 'ok' | 'short' {
  const isMet = measure === 'rate' ? ratio >= target : ratio <= target;
  return isMet ? 'ok' : 'short';
}

export function median(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError('the median of nothing');
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted[sorted.length >> 1] as number;
  return sorted.length % 2 === 1 ? upper : ((sorted[(sorted.length >> 1) - 1] as number) + upper) / 2;
}

export function spreadOf(values: readonly number[]): Spread {
  return { median: median(values), min: Math.min(...values), max: Math.max(...values) };
}

function spreadOrNull(values: readonly number[]): Spread | null {
  return values.length === 0 ? null : spreadOf(values);
}
