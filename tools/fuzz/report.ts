/** The figures of a run, for people. */
import type { Finding } from './engine/finding.ts';
import type { TargetFigures } from './engine/worker.ts';
import type { FuzzReport } from './supervisor.ts';

const STACK_LINES_SHOWN = 6;

export function reportText(report: FuzzReport): string {
  const { seconds, tried, seed, workers, findings } = report;
  return [
    table(['target', 'inputs', 'inputs/s', 'corpus', 'blocks covered'], report.targets.map(targetRow)),
    table(
      ['file', 'blocks covered'],
      report.files.map(({ path, covered, blocks }) => [path, share(covered, blocks)]),
    ),
    `${count(tried)} inputs in ${seconds.toFixed(0)} s (${count(tried / seconds)} a second, ${workers} thread${workers === 1 ? '' : 's'}, seed ${seed}), ` +
      `${share(sum(report, 'covered'), sum(report, 'blocks'))} blocks, ${findings.length} findings`,
  ].join('\n\n');
}

function targetRow({ target, tried, ranMs, corpus, covered, blocks }: TargetFigures): string[] {
  return [target, count(tried), count((tried / Math.max(1, ranMs)) * 1000), count(corpus), share(covered, blocks)];
}

function sum(report: FuzzReport, of: 'covered' | 'blocks'): number {
  return report.files.reduce((total, file) => total + file[of], 0);
}

function share(covered: number, blocks: number): string {
  return `${covered} of ${blocks} (${((covered / Math.max(1, blocks)) * 100).toFixed(1)} %)`;
}

function count(value: number): string {
  return Math.round(value).toLocaleString('en');
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => (row[column] ?? '').length)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('  ');
  return [line(head), ...rows.map(line)].join('\n');
}

export function findingText(file: string, finding: Finding): string {
  const stack = finding.stack.split('\n').slice(1, STACK_LINES_SHOWN).join('\n');
  return [
    `${finding.target}: ${finding.kind}: ${finding.message}`,
    ...(stack === '' ? [] : [stack]),
    `  again with: npm run fuzz -- --reproduce ${file}`,
  ].join('\n');
}

export function liveLine(targets: readonly TargetFigures[]): string {
  const tried = targets.reduce((total, one) => total + one.tried, 0);
  return `${count(tried)} inputs, blocks covered: ${targets.map((one) => `${one.target} ${one.covered}`).join(', ')}`;
}
