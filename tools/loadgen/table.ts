/** A report as a person reads it. */
import type { KindReport, Report } from './report.ts';
import type { IncrementReport } from './verification.ts';

const heads = ['operation', 'count', 'ops/s', 'p50 ms', 'p99 ms', 'p99.9 ms', 'max ms', 'refused'] as const;

export function reportText(report: Report): string {
  const blocks = [
    align([heads, ...report.kinds.map(cells), totalCells(report)]).join('\n'),
    errorLines(report).join('\n'),
    [cpuLine(report), seedLine(report), historyLine(report)].filter((line) => line !== '').join('\n'),
    report.increments === null ? '' : incrementLines(report.increments).join('\n'),
  ];
  return blocks.filter((block) => block !== '').join('\n\n');
}

function cells(kind: KindReport): string[] {
  const times = [kind.p50Micros, kind.p99Micros, kind.p999Micros, kind.maxMicros].map(milliseconds);
  return [kind.kind, whole(kind.operations), whole(kind.perSecond), ...times, whole(kind.refused)];
}

function totalCells({ operations, perSecond }: Report): string[] {
  return ['all', whole(operations), whole(perSecond), '', '', '', '', ''];
}

/** The first column to the left, numbers to the right. */
function align(rows: readonly (readonly string[])[]): string[] {
  const widths = heads.map((_, column) => Math.max(...rows.map((row) => (row[column] as string).length)));
  const pad = (cell: string, column: number): string =>
    column === 0 ? cell.padEnd(widths[column] as number) : cell.padStart(widths[column] as number);
  return rows.map((row) => row.map(pad).join('   ').trimEnd());
}

function errorLines({ errors }: Report): string[] {
  if (errors.length === 0) return ['errors: 0'];
  const total = errors.reduce((sum, { count }) => sum + count, 0);
  const lines = errors.map(
    ({ kind, code, count, message }) => `  ${whole(count)} × ${code} on ${kind}, first: ${message}`,
  );
  return [`errors: ${whole(total)}`, ...lines];
}

function cpuLine({ cpuMicrosPerOperation: { client, nodes } }: Report): string {
  return `CPU per operation: client ${micros(client)}, nodes ${micros(nodes)}`;
}

function seedLine({ seed, seconds, threads, loops }: Report): string {
  return `${seconds.toFixed(1)} s, ${count(threads, 'thread')} of ${count(loops, 'loop')}, seed ${seed}`;
}

function historyLine({ history }: Report): string {
  return history === null ? '' : `history: ${history}`;
}

function incrementLines({ underLock, byCas, unknown, lost, surplus, unread }: IncrementReport): string[] {
  const all = whole(underLock + byCas);
  return [
    `increments: ${all} acknowledged (${whole(underLock)} under a lock, ${whole(byCas)} by compare-and-set), ${whole(unknown)} of unknown outcome`,
    `lost updates: ${whole(lost)}`,
    ...(surplus === 0 ? [] : [`increments that nobody made: ${whole(surplus)}`]),
    ...(unread === 0 ? [] : [`not checked: ${count(unread, 'counter')} could not be read`]),
  ];
}

function count(number: number, noun: string): string {
  return `${whole(number)} ${noun}${number === 1 ? '' : 's'}`;
}

function whole(number: number): string {
  return Math.round(number).toLocaleString('en');
}

function micros(number: number | null): string {
  return number === null ? 'unknown' : `${number.toFixed(1)} µs`;
}

/** Three digits that count: 0.123, 4.56, 78.9, 1,234. */
function milliseconds(micros: number): string {
  const ms = micros / 1000;
  const digits = ms < 1 ? 3 : ms < 10 ? 2 : ms < 100 ? 1 : 0;
  return ms.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}
