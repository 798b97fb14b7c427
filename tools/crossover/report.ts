/** The table of the crossover as text. */
import type { Subject } from './subjects.ts';
import { type Row, text, verdictOf } from './verdict.ts';
import { ways } from './ways.ts';

export interface SubjectReport {
  readonly subject: Subject;
  readonly rows: readonly Row[];
}

const COLUMN = 13;

export function reportOf({ subject, rows }: SubjectReport): string {
  const heading = ['bytes', ...ways.map((way) => `${way}`), ...ways.map((way) => `${way}`)];
  const lines = rows.map(({ bytes, figures }) => [
    `${bytes}`,
    ...ways.map((way) => text(figures[way].wholeMicros)),
    ...ways.map((way) => text(figures[way].busyMicros)),
  ]);
  const { fromBytes, reason } = verdictOf(rows);
  const verdict =
    fromBytes === null ? `stays on the main thread: ${reason}` : `a worker from ${fromBytes} bytes on, ${reason}`;
  const groups = `${''.padStart(COLUMN)}${'whole, median µs'.padStart(COLUMN * ways.length)}${'main thread busy, µs'.padStart(COLUMN * ways.length)}`;
  const limit = subject.limit === undefined ? '' : ` (${subject.limit.why})`;
  return [`${subject.name}: ${subject.what}${limit}`, groups, ...[heading, ...lines].map(line), `→ ${verdict}`].join(
    '\n',
  );
}

function line(cells: readonly string[]): string {
  return cells.map((cell) => cell.padStart(COLUMN)).join('');
}
