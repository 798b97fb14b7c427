/** From which size on a worker is worth it, and why. */
import type { Figure } from './measure.ts';
import { type Way, ways } from './ways.ts';

export interface Row {
  readonly bytes: number;
  readonly figures: Readonly<Record<Way, Figure>>;
}

export interface Verdict {
  /** The best way through a pool, and from which size on; null: never. */
  readonly way: Way;
  readonly fromBytes: number | null;
  readonly reason: string;
}

/** A worker must at least halve how long the main thread is busy: it costs a thread, and the caller waits longer. */
const BUSY_RATIO_MAX = 0.5;

export function verdictOf(rows: readonly Row[]): Verdict {
  const pooled = ways.filter((way) => way !== 'main');
  const way = pooled.reduce((best, other) => (busyOf(rows, other) < busyOf(rows, best) ? other : best));
  const worth = rows.map((row) => row.figures[way].busyMicros <= row.figures.main.busyMicros * BUSY_RATIO_MAX);
  const from = worth.lastIndexOf(false) + 1;
  const first = rows[from];
  if (first === undefined) return { way, fromBytes: null, reason: never(rows, way) };
  const { main, [way]: there } = first.figures;
  const reason = `${way}: there the main thread is busy for ${text(there.busyMicros)} µs instead of ${text(main.busyMicros)}, and the answer takes ${text(there.wholeMicros)} µs instead of ${text(main.wholeMicros)}`;
  return { way, fromBytes: first.bytes, reason };
}

function busyOf(rows: readonly Row[], way: Way): number {
  return rows.at(-1)?.figures[way].busyMicros ?? 0;
}

function never(rows: readonly Row[], way: Way): string {
  const last = rows.at(-1);
  if (last === undefined) return 'nothing was measured';
  const { main, [way]: there } = last.figures;
  return `even at ${last.bytes} bytes ${way} keeps the main thread busy for ${text(there.busyMicros)} µs, doing it there for ${text(main.busyMicros)}`;
}

export function text(micros: number): string {
  return micros >= 100 ? micros.toFixed(0) : micros.toFixed(micros >= 10 ? 1 : 2);
}
