/** The table of a run, and its last line. */
import type { Row } from './run.ts';

const columns = [
  'attack',
  'tried',
  'answered',
  'refused',
  'dropped',
  'crashes',
  'hangs',
  'peak MiB',
  'growth MiB',
  'nodes CPU %',
  'attacker CPU %',
  'others CPU %',
  'honest op/s',
  'p50 ms',
  'p99 ms',
  'max ms',
  'errors',
  'held',
] as const;

export const heading: string = `${line(columns)}\n${line(columns.map(() => '---'))}`;

export function rowText(row: Row): string {
  const { findings, honest, wallMs } = row;
  const percent = (ms: number): string => `${Math.round((ms / wallMs) * 100)}`;
  const errors = Object.values(honest.errors).reduce((sum, count) => sum + count, 0);
  return line([
    row.attack,
    `${findings.attempts}`,
    `${findings.answered}`,
    `${findings.refused}`,
    `${findings.dropped}`,
    `${row.crashes}`,
    `${row.hangs}`,
    mebibytes(row.peakBytes),
    mebibytes(row.growthBytes),
    percent(row.nodeCpuMs),
    percent(row.attackerCpuMs),
    percent(row.othersCpuMs),
    `${Math.round((honest.operations / wallMs) * 1000)}`,
    honest.p50Ms.toFixed(1),
    honest.p99Ms.toFixed(1),
    honest.maxMs.toFixed(0),
    `${errors}`,
    row.failures.length === 0 ? 'yes' : 'NO',
  ]);
}

/** What the table has no room for. */
export function remarks(rows: readonly Row[]): string {
  return rows
    .flatMap(({ attack, failures, findings }) => [
      ...failures.map((text) => `${attack}: FAILED: ${text}`),
      ...findings.notes.map((text) => `${attack}: ${text}`),
    ])
    .join('\n');
}

export function lastLine(rows: readonly Row[]): string {
  const failed = rows.filter(({ failures }) => failures.length > 0).length;
  const sum = (of: (row: Row) => number): number => rows.reduce((total, row) => total + of(row), 0);
  const highest = (of: (row: Row) => number): number => Math.max(0, ...rows.map(of));
  return [
    `${rows.at(-1)?.crashes ?? 0} crashes, ${sum(({ hangs }) => hangs)} hangs`,
    `memory growth at most ${mebibytes(highest(({ growthBytes }) => growthBytes))} MiB`,
    `honest p99 at most ${highest(({ honest }) => honest.p99Ms).toFixed(1)} ms`,
    `${rows.length - failed} passed, ${failed} failed`,
  ].join('; ');
}

function mebibytes(bytes: number): string {
  return `${Math.round(bytes / 2 ** 20)}`;
}

function line(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}
