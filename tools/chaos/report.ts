/** What a run with faults came to: the figures, the tables, and all that did not hold. */
import { addLosses, type Losses } from './bookkeeping.ts';
import { type FaultKind, faultKinds } from './faults.ts';
import type { Incident } from './injector.ts';
import type { Judgement } from './judging.ts';
import type { LoadEnd } from './load.ts';
import { type Spread, spreadOf } from './spread.ts';
import { count, milliseconds, percent, tableText, whole } from './table.ts';

/** Of all requests, at most this part may end without anybody knowing. */
export const UNKNOWN_SHARE_MAX = 0.05;

/** What a scenario has to say. */
export interface Outcome {
  readonly title: string;
  readonly text: string;
  /** All that did not hold; empty: it passed. */
  readonly failures: readonly string[];
}

export interface FaultsReport {
  readonly planned: number;
  readonly incidents: readonly Incident[];
  readonly end: LoadEnd;
  readonly judgements: readonly Judgement[];
  /** Lines of the nodes' logs that speak of a bug. */
  readonly complaints: readonly string[];
}

export interface KindRow {
  readonly kind: FaultKind;
  readonly count: number;
  readonly hitPrimary: number;
  readonly hitCommander: number;
  readonly gapsMs: Spread;
  readonly unknown: number;
  /** How often the cluster was not whole again in time. */
  readonly stuck: number;
}

/** One row for each kind that came. */
export function kindRows(incidents: readonly Incident[]): KindRow[] {
  return faultKinds.flatMap((kind) => {
    const those = incidents.filter((incident) => incident.kind === kind);
    if (those.length === 0) return [];
    return {
      kind,
      count: those.length,
      hitPrimary: those.filter(({ primaryOf }) => primaryOf > 0).length,
      hitCommander: those.filter(({ hitCommander }) => hitCommander).length,
      gapsMs: spreadOf(those.map(({ longestGapMs }) => longestGapMs)),
      unknown: those.reduce((sum, { unknown }) => sum + unknown, 0),
      stuck: those.filter(({ obstacle }) => obstacle !== null).length,
    };
  });
}

export interface FailoverRow {
  readonly what: string;
  readonly kills: number;
  /** Of all partitions of all kills. */
  readonly partitionsMs: Spread;
  /** Of each kill the partition that took longest. */
  readonly slowestMs: Spread;
}

/** Kills of primaries: with the commander's and without. */
export function failoverRows(incidents: readonly Incident[]): FailoverRow[] {
  const kills = incidents.filter(({ failoversMs }) => failoversMs.length > 0);
  const row = (what: string, those: readonly Incident[]): FailoverRow => ({
    what,
    kills: those.length,
    partitionsMs: spreadOf(those.flatMap(({ failoversMs }) => failoversMs)),
    slowestMs: spreadOf(those.map(({ failoversMs }) => Math.max(...failoversMs))),
  });
  return [
    row(
      'a primary, not the commander',
      kills.filter(({ hitCommander }) => !hitCommander),
    ),
    row(
      'a primary that is the commander',
      kills.filter(({ hitCommander }) => hitCommander),
    ),
  ];
}

export function faultsOutcome(report: FaultsReport): Outcome {
  const blocks = [
    kindTable(report),
    failoverTable(report),
    requestLines(report.end),
    lossLines(addLosses(report.end.losses)),
    judgementLine(report.judgements),
  ];
  return { title: 'faults', text: blocks.join('\n\n'), failures: failuresOf(report) };
}

/** Requests that ended in either of three ways. */
export function requestsOf({ totals }: LoadEnd): number {
  return totals.succeeded + totals.refused + totals.unknown;
}

function failuresOf({ planned, incidents, end, judgements, complaints }: FaultsReport): string[] {
  const left = planned - incidents.length;
  const unknownShare = end.totals.unknown / Math.max(1, requestsOf(end));
  const stuck = incidents.filter(({ obstacle }) => obstacle !== null);
  return [
    ...(left > 0 ? [`${count(left, 'fault')} of ${planned} did not come in the time there was`] : []),
    ...stuck.map(({ kind, node, obstacle }) => `not whole in time after a ${kind} at ${node}: ${obstacle}`),
    ...(unknownShare > UNKNOWN_SHARE_MAX
      ? [`${percent(end.totals.unknown, requestsOf(end))} of the requests have an unknown outcome`]
      : []),
    ...lossFailures(addLosses(end.losses)),
    ...judgementFailures(judgements),
    ...complaints.map((line) => `log of ${line}`),
  ];
}

export function lossFailures({ lost, doubled, tokens, unread }: Losses): string[] {
  return [
    ...(lost > 0 ? [`${count(lost, 'acknowledged write')} lost`] : []),
    ...(doubled > 0 ? [`${count(doubled, 'increment')} made twice`] : []),
    ...(tokens > 0 ? [`${count(tokens, 'token')} did not grow`] : []),
    ...(unread > 0 ? [`${count(unread, 'key')} could not be read at the end`] : []),
  ];
}

export function judgementFailures(judgements: readonly Judgement[]): string[] {
  return judgements.flatMap(({ history, verdict, violations }) => {
    if (verdict === 'linearizable') return [];
    return verdict === 'undecided'
      ? [`${history}: undecided: nothing is known`]
      : violations.map((text) => `${history}: ${text}`);
  });
}

function kindTable({ incidents }: FaultsReport): string {
  const heads = [
    'fault',
    'count',
    'hit a primary',
    'the commander',
    'gap p50 ms',
    'longest ms',
    'unknown',
    'not whole',
  ];
  const rows = kindRows(incidents).map((row) => [
    row.kind,
    whole(row.count),
    whole(row.hitPrimary),
    whole(row.hitCommander),
    milliseconds(row.gapsMs.p50),
    milliseconds(row.gapsMs.max),
    whole(row.unknown),
    whole(row.stuck),
  ]);
  return tableText(heads, rows);
}

function failoverTable({ incidents }: FaultsReport): string {
  const heads = ['killed', 'kills', 'failovers', 'p50 ms', 'p99 ms', 'slowest: p50', 'p99', 'max'];
  const rows = failoverRows(incidents).map(({ what, kills, partitionsMs, slowestMs }) => [
    what,
    whole(kills),
    whole(partitionsMs.count),
    milliseconds(partitionsMs.p50),
    milliseconds(partitionsMs.p99),
    milliseconds(slowestMs.p50),
    milliseconds(slowestMs.p99),
    milliseconds(slowestMs.max),
  ]);
  const note =
    'failover: from the kill to the first success of a request sent after it, each partition; slowest: of each kill';
  return `${tableText(heads, rows)}\n${note}`;
}

export function requestLines(end: LoadEnd): string {
  const { totals, seconds, errors } = end;
  const all = requestsOf(end);
  return [
    `requests: ${whole(all)} in ${seconds.toFixed(0)} s, ${whole(all / seconds)} a second; ${whole(totals.succeeded)} answered`,
    `unknown outcome: ${whole(totals.unknown)} (${percent(totals.unknown, all)}); certainly not done: ${whole(totals.refused)}`,
    ...errors.map(
      ({ code, count: times, unknown, message }) =>
        `  ${whole(times)} × ${code}${unknown > 0 ? ` (${whole(unknown)} unknown)` : ''}, first: ${message}`,
    ),
  ].join('\n');
}

function lossLines({ keys, lost, doubled, tokens, unread }: Losses): string {
  return (
    `read at the end: ${count(keys, 'key')}, ${whole(unread)} not; acknowledged writes lost: ${whole(lost)}; ` +
    `increments made twice: ${whole(doubled)}; tokens that did not grow: ${whole(tokens)}`
  );
}

function judgementLine(judgements: readonly Judgement[]): string {
  const good = judgements.filter(({ verdict }) => verdict === 'linearizable').length;
  const violations = judgements.reduce((sum, judgement) => sum + judgement.violations.length, 0);
  return `histories: ${judgements.length}, linearizable ${good}, violations ${violations}`;
}
