/** The results as Markdown and as JSON. */
import { cpus, loadavg, release, totalmem, type } from 'node:os';
import { type Case, frameBytes } from './cases.ts';
import type { Measurement } from './messages.ts';
import { figureOf, median, type Round, type Spread, type Summary, spreadOf, summarize } from './ratio.ts';

export interface CaseResult {
  readonly benchCase: Case;
  readonly rounds: readonly Round[];
}

export interface Machine {
  readonly cores: number;
  readonly processor: string;
  readonly memoryBytes: number;
  readonly system: string;
  readonly node: string;
  /** Average number of processes that wanted to run in the last minute. */
  readonly load: number;
}

export interface Report {
  readonly startedAt: string;
  /** Before the run. */
  readonly machine: Machine;
  readonly seconds: number;
  readonly pairs: number;
  readonly keys: number;
  readonly isProfiled: boolean;
  readonly against: string | null;
  readonly results: readonly CaseResult[];
}

export function machineFacts(): Machine {
  return {
    cores: cpus().length,
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    memoryBytes: totalmem(),
    system: `${type()} ${release()}`,
    node: process.version,
    load: loadavg()[0] ?? 0,
  };
}

export function toJson(report: Report): unknown {
  const results = report.results.map(({ benchCase, rounds }) => ({
    ...benchCase,
    echoFrameBytes: frameBytes(benchCase.operation),
    summary: summarize(benchCase, rounds),
    rounds,
  }));
  return { ...report, results };
}

export function toMarkdown(report: Report): string {
  return `${[heading(report), table(report), notes(report)].join('\n\n')}\n`;
}

function heading({ machine, seconds, pairs, keys, results }: Report): string {
  const { cores, processor, node, system } = machine;
  const others = `Other processes kept ${othersText(results)} of the cores busy meanwhile, the host took ${stolenText(results)}`;
  return [
    `${cores} cores (${processor}), Node.js ${node}, ${system}. ${others}.`,
    `3 nodes, ${keys} keys; ${pairs} pairs of ${seconds} s. Ratios: median (min–max) of the pairs.`,
  ].join('\n');
}

/** Median and most over all runs: above a few tenths the figures are not to be trusted. */
function othersText(results: readonly CaseResult[]): string {
  return coresText(runsOf(results).flatMap(({ othersCores }) => othersCores ?? []));
}

/** Of a virtual machine: what the host gave to others, while this machine had work for it. */
function stolenText(results: readonly CaseResult[]): string {
  return coresText(runsOf(results).map(({ stolenCores }) => stolenCores));
}

function runsOf(results: readonly CaseResult[]): Measurement[] {
  return results.flatMap(({ rounds }) => rounds.flatMap(({ keyval, echo }) => [keyval, echo]));
}

function coresText(cores: readonly number[]): string {
  if (cores.length === 0) return 'an unknown number';
  const { median, max } = spreadOf(cores);
  return `${median.toFixed(2)} (at most ${max.toFixed(2)})`;
}

function table({ results, against }: Report): string {
  const others = against === null ? [] : ['other ÷ echo', 'this ÷ other'];
  const columns = ['case', 'keyval', 'echo', 'keyval ÷ echo', 'target', '', ...others, 'CPU keyval', 'CPU echo'];
  const rows = results.map(({ benchCase, rounds }) => rowOf(benchCase, rounds, against !== null));
  return [columns, columns.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

function rowOf(benchCase: Case, rounds: readonly Round[], hasOther: boolean): string[] {
  const summary = summarize(benchCase, rounds);
  const others = hasOther ? [spreadText(summary.otherRatio), spreadText(summary.change)] : [];
  const keyval = rounds.map((round) => round.keyval);
  const echo = rounds.map((round) => round.echo);
  return [
    benchCase.name,
    figureText(benchCase, keyval),
    figureText(benchCase, echo),
    spreadText(summary.ratio),
    targetText(benchCase),
    verdictText(summary),
    ...others,
    cpuText(keyval),
    cpuText(echo),
  ];
}

function figureText({ measure }: Case, measurements: readonly Measurement[]): string {
  const figure = median(measurements.map((measurement) => figureOf(measure, measurement)));
  if (measure === 'rate') return `${Math.round(figure).toLocaleString('en')}/s`;
  const p99 = median(measurements.map(({ roundTrip }) => roundTrip?.p99 ?? Number.NaN));
  return `${figure.toFixed(1)} µs (p99 ${p99.toFixed(0)})`;
}

function spreadText(spread: Spread | null): string {
  if (spread === null) return '';
  return `${spread.median.toFixed(2)} (${spread.min.toFixed(2)}–${spread.max.toFixed(2)})`;
}

function targetText({ measure, target }: Case): string {
  if (target === null) return '';
  return measure === 'rate' ? `≥ ${target}` : `≤ ${target}`;
}

function verdictText({ verdict }: Summary): string {
  return verdict ?? '';
}

function cpuText(measurements: readonly Measurement[]): string {
  const client = median(measurements.map(({ clientCpuMicros }) => clientCpuMicros));
  const servers = measurements.map(({ serverCpuMicros }) => serverCpuMicros ?? Number.NaN);
  return `${client.toFixed(2)} + ${median(servers).toFixed(2)}`;
}

function notes({ isProfiled }: Report): string {
  return [
    'Cases end in the number of loops on one client. With one loop get and put compare the p50 of a round trip (smaller is better),',
    'all else operations a second (larger is better); a lock case counts pairs of acquire and release. The echo moves frames of the',
    'same mean size, as many at a time, on one connection. CPU: µs an operation, client + servers (all nodes together).',
    ...(isProfiled ? ['**Profiled: these ratios do not count.**'] : []),
  ].join('\n');
}
