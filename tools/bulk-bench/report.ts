/** The figures of the bench as a table: each measurement, then the medians with the pool on and off. */
import { type Spread, spreadOf } from '../bench/ratio.ts';
import type { Measurement, Pool } from './run.ts';

const headings = [
  'threads',
  'rows/s',
  'failed',
  'idle p50',
  'p99',
  'max',
  'import p50',
  'p99',
  'p99.9',
  'max',
  'requests',
  'CPU s',
];

export function reportOf(measurements: readonly Measurement[]): string {
  const lines = [headings, ...measurements.map(cellsOf)];
  const widths = headings.map((_, column) => Math.max(...lines.map((line) => (line[column] ?? '').length)));
  const table = lines.map((line) => line.map((cell, column) => cell.padStart(widths[column] ?? 0)).join('  '));
  const medians = (['on', 'off'] as const).map((pool) => medianLine(pool, measurements));
  return ['small requests alone and during an import, milliseconds:', ...table, '', ...medians].join('\n');
}

function cellsOf({ pool, idle, during, imported, nodes }: Measurement): string[] {
  const cpu = nodes.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0);
  return [
    pool,
    rowsPerSecond(imported).toFixed(0),
    `${imported.failed}`,
    ms(idle.p50),
    ms(idle.p99),
    ms(idle.max),
    ms(during.p50),
    ms(during.p99),
    ms(during.p999),
    ms(during.max),
    `${during.requests}`,
    cpu.toFixed(1),
  ];
}

function rowsPerSecond({ rows, seconds }: Measurement['imported']): number {
  return rows / seconds;
}

function medianLine(pool: Pool, measurements: readonly Measurement[]): string {
  const own = measurements.filter((one) => one.pool === pool);
  const of = (figure: (one: Measurement) => number): Spread => spreadOf(own.map(figure));
  const rate = of(({ imported }) => rowsPerSecond(imported));
  const p99 = of(({ during }) => during.p99);
  const idle = of((one) => one.idle.p99);
  const rates = `${rate.median.toFixed(0)} rows/s (${rate.min.toFixed(0)}–${rate.max.toFixed(0)})`;
  return `worker threads ${pool}: ${rates}; p99 of small requests ${ms(p99.median)} ms (${ms(p99.min)}–${ms(p99.max)}), idle ${ms(idle.median)} ms`;
}

function ms(value: number): string {
  return value.toFixed(2);
}
