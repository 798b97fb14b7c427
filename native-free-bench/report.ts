/** The figures as tables in Markdown, and the sentence that follows from them. */
import { basename } from 'node:path';
import { type Spread, spreadOf } from '../tools/bench/ratio.ts';
import type { Machine } from '../tools/bench/report.ts';
import { withoutAddons, withoutBufferutil } from './modes.ts';
import type { Comparison, NativeFreeReport, Proof } from './run.ts';

const others: readonly string[] = [withoutBufferutil.name, withoutAddons.name];
const framePaths: readonly string[] = ['mask', 'unmask', 'echo'];

/** Savings below this are not worth an add-on. */
const WORTH_PERCENT = 10;

export function toMarkdown(report: NativeFreeReport, machine: Machine): string {
  const { cores, processor, node, system, load } = machine;
  const heading = [
    `${cores} cores (${processor}), Node.js ${node}, ${system}, load ${load.toFixed(1)} at the start.`,
    'Ratios: time of the mode in times of that with native add-ons, median (least–greatest) of the rounds; of an echo and of a',
    'task in a thread, processor time.',
  ].join(' ');
  const { proofs, comparisons } = report;
  const parts = [heading, proofTable(proofs), frameTable(comparisons), ownTable(comparisons), conclusion(comparisons)];
  return `${parts.join('\n\n')}\n`;
}

function proofTable(proofs: readonly Proof[]): string {
  const rows = proofs.map(({ mode, processes, addons }) => [
    mode,
    `${processes}`,
    addons.length === 0 ? 'none' : addons.map((path) => basename(path)).join(', '),
  ]);
  return table(['mode', 'processes', '`.node` files in their process reports'], rows);
}

function frameTable(comparisons: readonly Comparison[]): string {
  const sizes = [...new Set(comparisons.map(({ payloadBytes }) => payloadBytes))].filter((bytes) => bytes > 0);
  const columns = framePaths.flatMap((path) => others.map((mode) => `${path}, ${mode}`));
  const rows = sizes.map((bytes) => {
    const ofSize = framePaths.map((path) => found(comparisons, path, bytes));
    const echo = ofSize.at(-1) as Comparison;
    return [sizeText(bytes), ...ofSize.flatMap(ratioCells), (echo.nanos.median / 1000).toFixed(1)];
  });
  return table(['payload', ...columns, 'echo with add-ons, µs of processor time'], rows);
}

function ownTable(comparisons: readonly Comparison[]): string {
  const rows = own(comparisons).map((one) => [one.path, ...ratioCells(one), one.nanos.median.toFixed(1)]);
  return table(["keyval's own paths", ...others, 'with add-ons, ns'], rows);
}

/** What the figures say about frame sizes, and about keyval's own paths. */
export function conclusion(comparisons: readonly Comparison[]): string {
  const echoes = comparisons.filter(({ path }) => path === 'echo').sort((a, b) => a.payloadBytes - b.payloadBytes);
  return `${others.map((mode) => echoSentence(echoes, mode)).join(' ')} ${ownSentence(own(comparisons))}`;
}

function echoSentence(echoes: readonly Comparison[], mode: string): string {
  const saved = echoes.map((one) => savedPercent(one, mode));
  const lastSmall = saved.findLastIndex((percent) => percent <= WORTH_PERCENT);
  const first = echoes[lastSmall + 1];
  const largest = echoes.at(-1);
  if (first === undefined || largest === undefined) {
    return `Against ${mode} the add-on does not save ${WORTH_PERCENT} % of the processor time of a WebSocket echo at the largest size.`;
  }
  const most = `${Math.round(savedPercent(largest, mode))} % at ${sizeText(largest.payloadBytes)}`;
  return `Against ${mode} the add-on saves more than ${WORTH_PERCENT} % of the processor time of a WebSocket echo from ${sizeText(first.payloadBytes)} on (${most}).`;
}

function savedPercent({ ratios }: Comparison, mode: string): number {
  return 100 * (1 - 1 / (ratios[mode] as Spread).median);
}

function ownSentence(paths: readonly Comparison[]): string {
  const medians = paths.flatMap(({ ratios }) => Object.values(ratios).map(({ median }) => median));
  if (medians.length === 0) return '';
  const { median, min, max } = spreadOf(medians);
  const figure = `${median.toFixed(2)} times as long (least–greatest path: ${min.toFixed(2)}–${max.toFixed(2)})`;
  return `keyval's own paths take ${figure} without add-ons: they have no native part, and frames on a bare socket have no mask.`;
}

function own(comparisons: readonly Comparison[]): Comparison[] {
  return comparisons.filter(({ payloadBytes }) => payloadBytes === 0);
}

function found(comparisons: readonly Comparison[], path: string, bytes: number): Comparison {
  return comparisons.find((one) => one.path === path && one.payloadBytes === bytes) as Comparison;
}

function ratioCells({ ratios }: Comparison): string[] {
  return others.map((mode) => {
    const { median, min, max } = ratios[mode] as Spread;
    return `${median.toFixed(2)} (${min.toFixed(2)}–${max.toFixed(2)})`;
  });
}

export function sizeText(bytes: number): string {
  if (bytes % 1024 ** 2 === 0) return `${bytes / 1024 ** 2} MiB`;
  return bytes % 1024 === 0 ? `${bytes / 1024} KiB` : `${bytes} B`;
}

function table(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  return [columns, columns.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}
