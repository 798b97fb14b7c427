/** How often each loop had the lock, and how long each time it waited for it. */
export class Fairness {
  /** For how long it was measured. */
  seconds = 0;
  readonly #sections: number[];
  readonly #waitsMs: number[] = [];

  constructor(loops: number) {
    this.#sections = Array<number>(loops).fill(0);
  }

  section(loop: number, waitedMs: number): void {
    this.#sections[loop] = (this.#sections[loop] as number) + 1;
    this.#waitsMs.push(waitedMs);
  }

  /** Most sections of a loop over the fewest of one. */
  get ratio(): number {
    return Math.max(...this.#sections) / Math.min(...this.#sections);
  }

  /** Wait that so large a share of the sections did not exceed, milliseconds. */
  quantile(share: number): number {
    const sorted = [...this.#waitsMs].sort((a, b) => a - b);
    return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  }

  text(): string {
    const total = this.#sections.reduce((sum, one) => sum + one, 0);
    const [p50, p99] = [this.quantile(0.5), this.quantile(0.99)];
    return [
      `${this.#sections.length} loops, one lock: ${total} sections, ${Math.round(total / this.seconds)} a second`,
      `sections of a loop: ${Math.min(...this.#sections)} to ${Math.max(...this.#sections)}, ratio ${this.ratio.toFixed(2)}`,
      `wait: p50 ${p50.toFixed(2)} ms, p99 ${p99.toFixed(2)} ms, ratio ${(p99 / p50).toFixed(2)}`,
    ].join('\n');
  }
}
