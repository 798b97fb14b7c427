/** The result of a run, as `--output json` prints it and as the table is made from. */
import type { CpuUse } from './cpu.ts';
import { type Kind, kinds } from './kinds.ts';
import type { LoadOptions } from './options.ts';
import type { ErrorCount, KindCounts, Tally } from './tally.ts';
import type { IncrementReport } from './verification.ts';

const NS_PER_MICRO = 1000;

/** What one kind of operation took; times in µs, from the start or, with a rate, from when it was due. */
export interface KindReport {
  readonly kind: Kind;
  /** Answered; refusals are answers, errors are not. */
  readonly operations: number;
  readonly perSecond: number;
  /** Of these: a condition did not hold, or a lock was held by somebody else. */
  readonly refused: number;
  readonly meanMicros: number;
  readonly p50Micros: number;
  readonly p99Micros: number;
  readonly p999Micros: number;
  readonly maxMicros: number;
}

export interface Report {
  readonly seed: number;
  readonly threads: number;
  readonly loops: number;
  /** From the start to the last answer. */
  readonly seconds: number;
  readonly operations: number;
  readonly perSecond: number;
  readonly kinds: readonly KindReport[];
  readonly errors: readonly ErrorCount[];
  /** Null when it cannot be told. An increment counts as one operation. */
  readonly cpuMicrosPerOperation: { readonly client: number | null; readonly nodes: number | null };
  /** Null without `--verify`. */
  readonly increments: IncrementReport | null;
  readonly history: string | null;
}

export interface ReportSources {
  readonly options: LoadOptions;
  readonly seconds: number;
  readonly tally: Tally;
  readonly cpu: CpuUse;
  readonly increments: IncrementReport | null;
}

export function reportOf({ options, seconds, tally, cpu, increments }: ReportSources): Report {
  const { operations, counts } = tally;
  const perOperation = (micros: number | null): number | null =>
    micros === null || operations === 0 ? null : micros / operations;
  return {
    seed: options.seed,
    threads: options.threads,
    loops: options.loops,
    seconds,
    operations,
    perSecond: operations / seconds,
    kinds: kinds.flatMap((kind) => kindReports(kind, counts.kinds[kind], seconds)),
    errors: counts.errors.toSorted((a, b) => b.count - a.count),
    cpuMicrosPerOperation: { client: perOperation(cpu.clientMicros), nodes: perOperation(cpu.nodesMicros) },
    increments,
    history: options.history,
  };
}

/** None for a kind that did not come. */
function kindReports(kind: Kind, counts: KindCounts | undefined, seconds: number): KindReport[] {
  if (counts === undefined) return [];
  const { times, refused } = counts;
  const percentile = (percent: number): number => times.percentile(percent) / NS_PER_MICRO;
  return [
    {
      kind,
      operations: times.count,
      perSecond: times.count / seconds,
      refused,
      meanMicros: times.mean / NS_PER_MICRO,
      p50Micros: percentile(50),
      p99Micros: percentile(99),
      p999Micros: percentile(99.9),
      maxMicros: times.max / NS_PER_MICRO,
    },
  ];
}

/** 1 when something is wrong: updates lost or doubled, counters that could not be read, nothing that succeeded. */
export function exitCodeOf({ increments, operations, errors }: Report): 0 | 1 {
  if (increments !== null && increments.lost + increments.surplus + increments.unread > 0) return 1;
  return operations === 0 && errors.length > 0 ? 1 : 0;
}
