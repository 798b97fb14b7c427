/** The end of `--verify`: what the counters hold, against what was acknowledged. */
import { KeyvalError } from '../../src/errors.ts';
import { COUNTER_COUNT, type IncrementCounts, isUnderLock } from './increments.ts';
import { counterKey } from './keys.ts';
import type { Requests } from './requests.ts';

export interface IncrementReport {
  /** Acknowledged increments. */
  readonly underLock: number;
  readonly byCas: number;
  /** Their outcome is unknown; the counters may hold as many more. */
  readonly unknown: number;
  /** Acknowledged, and not in the counters. */
  readonly lost: number;
  /** In the counters, beyond all that were sent. */
  readonly surplus: number;
  /** Counters that could not be read, so that nothing is known of their increments. */
  readonly unread: number;
}

/** Sets the counters to 0. */
export async function beginCounters(requests: Requests, run: string): Promise<void> {
  await Promise.all(counters().map((counter) => requests.put(counterKey(run, counter), '0')));
}

/** What they hold, by counter, and removes them; null for one that cannot be read. */
export function takeCounters(requests: Requests, run: string): Promise<(number | null)[]> {
  return Promise.all(counters().map((counter) => takeCounter(requests, counterKey(run, counter))));
}

async function takeCounter(requests: Requests, key: string): Promise<number | null> {
  let value: number | null = null;
  try {
    value = Number(await requests.get(key));
    await requests.delete(key);
  } catch (error) {
    if (!(error instanceof KeyvalError)) throw error;
  }
  return value;
}

/** Counter by counter, so that an increment lost here does not hide one doubled there. */
export function compareCounters(
  values: readonly (number | null)[],
  counted: readonly IncrementCounts[],
): IncrementReport {
  const report = { underLock: 0, byCas: 0, unknown: 0, lost: 0, surplus: 0, unread: 0 };
  for (const [counter, value] of values.entries()) {
    const acknowledged = total(counted.map((counts) => counts.acknowledged[counter] ?? 0));
    const unknown = total(counted.map((counts) => counts.unknown[counter] ?? 0));
    report[isUnderLock(counter) ? 'underLock' : 'byCas'] += acknowledged;
    report.unknown += unknown;
    report.lost += value === null ? 0 : Math.max(0, acknowledged - value);
    report.surplus += value === null ? 0 : Math.max(0, value - acknowledged - unknown);
    report.unread += value === null ? 1 : 0;
  }
  return report;
}

function counters(): number[] {
  return Array.from({ length: COUNTER_COUNT }, (_, counter) => counter);
}

function total(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0);
}
