/**
 * When the load saw each partition answer, in memory shared by its thread and the main one. The main thread sets a mark,
 * right behind a fault, and reads what was seen since: the first success of a request sent after the mark, and the longest
 * time without any success.
 *
 *     mark    last success before    ✕ fault                first one sent after it
 *      │            │                │                        │
 *      ▼            ▼                ▼                        ▼
 *     ─┴────────────┴────────────────┴────────────────────────┴──────► time        each partition for itself
 *
 * Single cells are written by one side at a time but for the mark, where an answer that comes in that very moment may count
 * on either side of it.
 */

/** Cells before those of the partitions. */
const HEAD = 4;
const CELLS = 4;
const At = { mark: 0, succeeded: 1, refused: 2, unknown: 3 } as const;
const Of = { last: 0, first: 1, longest: 2, longestEnd: 3 } as const;

export interface Totals {
  /** Answered, be it that a condition or a lock was refused. */
  readonly succeeded: number;
  /** Failed, and certainly not done. */
  readonly refused: number;
  /** Failed, and nobody knows. */
  readonly unknown: number;
}

export class Sightings {
  readonly buffer: SharedArrayBuffer;
  readonly partitions: number;
  readonly #cells: Float64Array;

  constructor(buffer: SharedArrayBuffer) {
    this.buffer = buffer;
    this.#cells = new Float64Array(buffer);
    this.partitions = (this.#cells.length - HEAD) / CELLS;
  }

  static forPartitions(partitions: number): Sightings {
    return new Sightings(new SharedArrayBuffer((HEAD + partitions * CELLS) * 8));
  }

  // ---- the load's side

  succeeded(partition: number, calledNs: number, nowNs: number): void {
    const cells = this.#cells;
    const at = HEAD + partition * CELLS;
    const markNs = cells[At.mark] as number;
    const gap = nowNs - Math.max(cells[at + Of.last] as number, markNs);
    if (gap > (cells[at + Of.longest] as number)) {
      cells[at + Of.longest] = gap;
      cells[at + Of.longestEnd] = nowNs;
    }
    if (calledNs >= markNs && cells[at + Of.first] === 0) cells[at + Of.first] = nowNs;
    cells[at + Of.last] = nowNs;
    cells[At.succeeded] = (cells[At.succeeded] as number) + 1;
  }

  failed(isUnknown: boolean): void {
    const at = isUnknown ? At.unknown : At.refused;
    this.#cells[at] = (this.#cells[at] as number) + 1;
  }

  // ---- the main thread's side

  mark(nowNs: number): void {
    const cells = this.#cells;
    cells[At.mark] = nowNs;
    for (let at = HEAD; at < cells.length; at += CELLS) {
      cells[at + Of.first] = 0;
      cells[at + Of.longest] = 0;
    }
  }

  /** Nanoseconds from the mark to the first success of a request sent behind it; null: none yet. */
  firstSuccessNs(partition: number): number | null {
    const first = this.#cells[HEAD + partition * CELLS + Of.first] as number;
    return first === 0 ? null : first - (this.#cells[At.mark] as number);
  }

  /** Longest time since the mark without a success, up to now. */
  longestGapNs(partition: number, nowNs: number): number {
    return this.longestGap(partition, nowNs).ns;
  }

  /** The same with its end, counted from the mark. */
  longestGap(partition: number, nowNs: number): { readonly ns: number; readonly endNs: number } {
    const cells = this.#cells;
    const at = HEAD + partition * CELLS;
    const markNs = cells[At.mark] as number;
    const open = nowNs - Math.max(cells[at + Of.last] as number, markNs);
    const ns = cells[at + Of.longest] as number;
    if (open > ns) return { ns: open, endNs: nowNs - markNs };
    return { ns, endNs: (cells[at + Of.longestEnd] as number) - markNs };
  }

  /** Partitions that have ever answered: those that the load has keys in. */
  get seen(): number[] {
    const partitions = Array.from({ length: this.partitions }, (_, partition) => partition);
    return partitions.filter((partition) => this.#cells[HEAD + partition * CELLS + Of.last] !== 0);
  }

  get totals(): Totals {
    const [, succeeded = 0, refused = 0, unknown = 0] = this.#cells;
    return { succeeded, refused, unknown };
  }
}
