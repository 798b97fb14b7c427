/** The figures as tables in Markdown. */
import type { Machine } from '../bench/report.ts';
import type { Absent, MemoryFigures, Subject } from './memory/figures.ts';
import type { Pauses } from './memory/gc-watch.ts';
import type { MicroReport, PathResult } from './run.ts';

/** With fewer keys what the system gives a process depends on chance more than on the keys. */
const RESIDENT_KEYS_MIN = 100_000;

const names: Readonly<Record<Subject, string>> = {
  tables: 'the store of a node: 256 tables',
  'one-table': 'the same in 1 table',
  map: 'a Map of strings to Buffers',
  node: 'keyval-node, through the client',
  redis: 'redis-server',
};

export function toMarkdown({ paths, memory }: MicroReport, machine: Machine): string {
  const measured = memory.filter((one) => 'usedBytes' in one);
  const tables = [pathTable(paths), memoryTable(memory), partsTable(measured), pauseTable(measured)];
  return `${[heading(machine), ...tables.filter((table) => table !== '')].join('\n\n')}\n`;
}

function heading({ cores, processor, node, system, load }: Machine): string {
  return [
    `${cores} cores (${processor}), Node.js ${node}, ${system}, load ${load.toFixed(1)} at the start.`,
    'Keys of 16 bytes, values of 64.',
  ].join(' ');
}

function pathTable(paths: readonly PathResult[]): string {
  const rows = paths.map(({ name, nanos: { median, min, max } }) => [name, ns(median), `${ns(min)}–${ns(max)}`]);
  return table(['one operation', 'ns, median of the rounds', 'least–greatest'], rows);
}

function memoryTable(memory: readonly (MemoryFigures | Absent)[]): string {
  const rows = memory.map((one) => {
    const head = [names[one.subject], count(one.keys)];
    if ('absent' in one) return [...head, one.absent, '', ''];
    const { keys, usedBytes, heapBytes, residentBytes } = one;
    const resident = keys < RESIDENT_KEYS_MIN ? '' : perKey(residentBytes, keys);
    return [...head, perKey(usedBytes, keys), heapBytes === null ? '' : perKey(heapBytes, keys), resident];
  });
  return table(['what', 'keys', 'bytes a key', 'of these on the heap', 'resident bytes a key'], rows);
}

function partsTable(measured: readonly MemoryFigures[]): string {
  const rows = measured.flatMap(({ subject, keys, parts }) => {
    if (parts === null) return [];
    const { data, blocks, index, chunks } = parts;
    return [[names[subject], count(keys), ...[data, blocks, index, chunks].map((bytes) => perKey(bytes, keys))]];
  });
  const columns = ['bytes a key', 'keys', 'key and value', 'revision, lengths, rounding', 'index', 'free in chunks'];
  return table(columns, rows);
}

function pauseTable(measured: readonly MemoryFigures[]): string {
  const rows = measured.flatMap((one) => {
    const { subject, keys, mixPauses, fillPauses, mixPerSecond, longestPutMs, growth } = one;
    if (mixPauses === null || fillPauses === null || mixPerSecond === null) return [];
    return [
      [
        names[subject],
        count(keys),
        count(Math.round(mixPerSecond)),
        ...pausesCells(mixPauses),
        ms(fillPauses.maxMs),
        longestPutMs === null ? '' : ms(longestPutMs),
        ...(growth === null ? ['', ''] : [ms(growth.largestMs), ms(growth.longestMs)]),
      ],
    ];
  });
  const mixed = ['gets and puts a second', 'pauses a second', 'median ms', 'longest ms', '% of the time'];
  const filled = ['filling: longest pause ms', 'longest put ms', 'growth of the largest ms', 'longest growth ms'];
  return table(['garbage collection', 'keys', ...mixed, ...filled], rows);
}

function pausesCells({ count: pauses, seconds, medianMs, maxMs, totalMs }: Pauses): string[] {
  return [(pauses / seconds).toFixed(1), ms(medianMs), ms(maxMs), (totalMs / seconds / 10).toFixed(2)];
}

function table(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return '';
  return [columns, columns.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

function ns(value: number): string {
  return value < 100 ? value.toFixed(1) : value.toFixed(0);
}

function ms(value: number): string {
  return value.toFixed(value < 10 ? 2 : 1);
}

function perKey(bytes: number, keys: number): string {
  return (bytes / keys).toFixed(1);
}

function count(value: number): string {
  return value.toLocaleString('en');
}
