/** The end of `--verify`: what the counters hold, against what was acknowledged. */
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
}

/** Sets the counters to 0. */
export async function beginCounters(requests: Requests, run: string): Promise<void> {
  await Promise.all(counters().map((counter) => requests.put(counterKey(run, counter), '0')));
}

export async function readCounters(requests: Requests, run: string): Promise<number[]> {
  return Promise.all(counters().map(async (counter) => Number(await requests.get(counterKey(run, counter)))));
}

export async function removeCounters(requests: Requests, run: string): Promise<void> {
  await Promise.all(counters().map((counter) => requests.delete(counterKey(run, counter))));
}

/** Counter by counter, so that an increment lost here does not hide one doubled there. */
export function compareCounters(values: readonly number[], counted: readonly IncrementCounts[]): IncrementReport {
  const report = { underLock: 0, byCas: 0, unknown: 0, lost: 0, surplus: 0 };
  for (const [counter, value] of values.entries()) {
    const acknowledged = total(counted.map((counts) => counts.acknowledged[counter] ?? 0));
    const unknown = total(counted.map((counts) => counts.unknown[counter] ?? 0));
    report[isUnderLock(counter) ? 'underLock' : 'byCas'] += acknowledged;
    report.unknown += unknown;
    report.lost += Math.max(0, acknowledged - value);
    report.surplus += Math.max(0, value - acknowledged - unknown);
  }
  return report;
}

function counters(): number[] {
  return Array.from({ length: COUNTER_COUNT }, (_, counter) => counter);
}

function total(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0);
}
