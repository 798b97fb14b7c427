/**
 * How a long command goes on: one line on the terminal, written over a few times a second, and notes that stand above it.
 * Where standard error is no terminal there is no line, only the notes.
 */
import type { TimerHandle } from '../../base/ports.ts';
import { systemClock, systemTimers } from '../../io/clock.ts';
import { bytesText, spanText } from '../shared/table.ts';

export interface Terminal {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

const PERIOD_MS = 250;
const ERASE = '\r\u001b[K';
const BAR_LENGTH = 12;

/** What the line shows; whoever does the work keeps it up to date. */
export interface Figures {
  rows: number;
  failed: number;
  /** Of `total`: bytes or partitions. */
  done: number;
  /** 0: nobody knows. */
  total: number;
  readonly unit: 'bytes' | 'partitions';
}

export class Progress {
  readonly #figures: Figures;
  readonly #verb: string;
  readonly #terminal: Terminal;
  readonly #startedAtMs: number = systemClock.monotonicMs();
  readonly #doneAtStart: number;
  readonly #rowsAtStart: number;
  #timer: TimerHandle | null = null;

  constructor(verb: string, figures: Figures, terminal: Terminal = process.stderr) {
    this.#verb = verb;
    this.#figures = figures;
    this.#terminal = terminal;
    this.#doneAtStart = figures.done;
    this.#rowsAtStart = figures.rows;
    if (terminal.isTTY === true) this.#show();
  }

  get elapsedMs(): number {
    return systemClock.monotonicMs() - this.#startedAtMs;
  }

  #show(): void {
    const elapsedMs = this.elapsedMs;
    const rate = ((this.#figures.rows - this.#rowsAtStart) / Math.max(1, elapsedMs)) * 1000;
    const text = progressText(this.#verb, this.#figures, rate, this.#leftMs(elapsedMs));
    this.#terminal.write(ERASE + text.slice(0, (this.#terminal.columns ?? 80) - 1));
    this.#timer = systemTimers.after(PERIOD_MS, () => this.#show());
  }

  #leftMs(elapsedMs: number): number | null {
    const { done, total } = this.#figures;
    const since = done - this.#doneAtStart;
    return total === 0 || since <= 0 ? null : (elapsedMs / since) * (total - done);
  }

  /** A line above the bar. */
  note(line: string): void {
    this.#terminal.write(`${this.#terminal.isTTY === true ? ERASE : ''}${line}\n`);
  }

  [Symbol.dispose](): void {
    this.#timer?.cancel();
    if (this.#timer !== null) this.#terminal.write(ERASE);
    this.#timer = null;
  }
}

export function progressText(verb: string, figures: Figures, rowsPerSecond: number, leftMs: number | null): string {
  const { rows, failed, done, total, unit } = figures;
  const share = total === 0 ? 0 : Math.min(1, done / total);
  const parts = total === 0 ? [verb] : [`${verb} ${barText(share)} ${Math.floor(share * 100)} %`];
  if (unit === 'bytes') parts.push(total === 0 ? bytesText(done) : `${bytesText(done)} of ${bytesText(total)}`);
  parts.push(`${countText(rows)} rows`, `${countText(Math.round(rowsPerSecond))} rows/s`);
  if (failed > 0) parts.push(`${countText(failed)} failed`);
  if (leftMs !== null) parts.push(`${spanText(leftMs)} left`);
  return parts.join('  ');
}

function barText(share: number): string {
  const full = Math.floor(share * BAR_LENGTH);
  return `[${'#'.repeat(full)}${'.'.repeat(BAR_LENGTH - full)}]`;
}

export function countText(count: number): string {
  return count.toLocaleString('en');
}

/** `300,000 rows in 2.4 s (125,000 rows/s)`. */
export function summaryText(rows: number, elapsedMs: number): string {
  const seconds = elapsedMs / 1000;
  const rate = Math.round(rows / Math.max(0.001, seconds));
  return `${countText(rows)} rows in ${seconds.toFixed(1)} s (${countText(rate)} rows/s)`;
}
