/** A verdict in words: each broken key with the few operations that show it, then a table of what was judged. */

import { describeAnswer, describeQuestion, show } from './describe.ts';
import type { Operation } from './history/operation.ts';
import type { Verdict, Violation } from './judge.ts';
import { rules } from './rules.ts';
import type { Summary } from './summary.ts';

const NS_PER_MS = 1e6;
const NS_PER_S = 1e9;

/** Broken keys told in full; the others are named. */
const VIOLATIONS_TOLD = 10;

/** Operations listed of one violation; more are no help. */
const OPERATIONS_LISTED = 24;

/** @returns several lines, without a line end */
export function formatVerdict(verdict: Verdict): string {
  const { source, violations, undecided, summary } = verdict;
  const parts = [`${source}: ${headline(verdict)}`];
  for (const violation of violations.slice(0, VIOLATIONS_TOLD)) parts.push(formatViolation(violation));
  const untold = violations.slice(VIOLATIONS_TOLD);
  if (untold.length > 0)
    parts.push(['Also broken:', ...untold.map(({ key, rule }) => `  ${show(key)}  ${rule}`)].join('\n'));
  if (undecided.length > 0) parts.push(formatUndecided(undecided));
  parts.push(formatSummary(summary));
  return parts.join('\n\n');
}

function headline({ verdict, violations, undecided, summary }: Verdict): string {
  const operations = `${count(summary.calls, 'operation')} on ${count(summary.keys, 'key')}`;
  if (verdict === 'linearizable') return `linearizable, ${operations}`;
  if (verdict === 'violation') return `VIOLATION on ${count(violations.length, 'key')}, ${operations}`;
  return `UNDECIDED on ${count(undecided.length, 'key')}, ${operations}`;
}

function formatViolation({ family, key, rule, why, operations }: Violation): string {
  return [`${family} ${show(key)}: ${rule}. ${rules[rule]}`, ...listing(operations), `  Why: ${why}`].join('\n');
}

/** Client, interval, question, answer of each operation, in columns. */
function listing(operations: readonly Operation[]): string[] {
  const listed = operations.slice(-OPERATIONS_LISTED);
  const rows = listed.map((operation) => [
    `id ${operation.id}`,
    operation.client,
    stamp(operation.sentAt),
    stamp(operation.answeredAt),
    describeQuestion(operation),
    describeAnswer(operation),
    `line ${operation.line}`,
  ]);
  const lines = table([['', 'client', 'sent ms', 'answered ms', 'asked', 'answer', ''], ...rows], 2, 4);
  const left = operations.length - listed.length;
  return left > 0 ? [`  (${count(left, 'earlier operation')} not listed)`, ...lines] : lines;
}

function stamp(ns: number): string {
  return Number.isFinite(ns) ? (ns / NS_PER_MS).toFixed(6) : '-';
}

function formatUndecided(keys: readonly string[]): string {
  const named = keys.slice(0, VIOLATIONS_TOLD).map(show).join(', ');
  const more = keys.length > VIOLATIONS_TOLD ? ` and ${keys.length - VIOLATIONS_TOLD} more` : '';
  return `Undecided: ${named}${more}. The search gave up after --max-steps; too many operations are concurrent or unknown.`;
}

function formatSummary(summary: Summary): string {
  const header = ['operation', 'calls', 'ok', 'fail', 'unknown'];
  const rows = [...summary.byKind, { kind: 'all', ...summary }].map(({ kind, calls, ok, fail, unknown }) => [
    kind,
    ...[calls, ok, fail, unknown].map((n) => n.toLocaleString('en')),
  ]);
  const share = (summary.unknownShare * 100).toFixed(2);
  const seconds = (summary.durationNs / NS_PER_S).toFixed(3);
  return [
    ...table([header, ...rows], 1, 5),
    `  ${count(summary.keys, 'key')}, ${count(summary.clients, 'client')}, ${seconds} s of history, ${share} % unknown`,
  ].join('\n');
}

/** Columns padded to their widest cell; those from `rightFrom` up to, not including, `rightTo` stand to the right. */
function table(rows: readonly (readonly string[])[], rightFrom: number, rightTo: number): string[] {
  const width = (column: number) => Math.max(...rows.map((row) => (row[column] ?? '').length));
  const widths = (rows[0] ?? []).map((_, column) => width(column));
  const pad = (cell: string, column: number) => {
    const columns = widths[column] as number;
    return column >= rightFrom && column < rightTo ? cell.padStart(columns) : cell.padEnd(columns);
  };
  return rows.map((row) => `  ${row.map(pad).join('  ')}`.trimEnd());
}

function count(n: number, what: string): string {
  return `${n.toLocaleString('en')} ${what}${n === 1 ? '' : 's'}`;
}
