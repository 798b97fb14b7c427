/** How often each loop had the lock, and how long each time it waited for it: in milliseconds and in sections of others. */

/** Seconds in which the host took more of the processors than this tell of the host. */
const STOLEN_MAX = 0.01;

interface Section {
  readonly waitedMs: number;
  /** How often others had the lock meanwhile. */
  readonly others: number;
  /** Second of the measurement in which it began. */
  readonly second: number;
}

export class Fairness {
  /** For how long it was measured. */
  seconds = 0;
  /** Of each second: the part of the processors that the host took. */
  readonly stolen: number[] = [];
  readonly #counts: number[];
  readonly #sections: Section[] = [];

  constructor(loops: number) {
    this.#counts = Array<number>(loops).fill(0);
  }

  section(loop: number, section: Section): void {
    this.#counts[loop] = (this.#counts[loop] as number) + 1;
    this.#sections.push(section);
  }

  /** Most sections of a loop over the fewest of one. */
  get ratio(): number {
    return Math.max(...this.#counts) / Math.min(...this.#counts);
  }

  text(): string {
    const total = this.#sections.length;
    return [
      `${this.#counts.length} loops, one lock: ${total} sections, ${Math.round(total / this.seconds)} a second`,
      `sections of a loop: ${Math.min(...this.#counts)} to ${Math.max(...this.#counts)}, ratio ${this.ratio.toFixed(2)}`,
      `sections of others in a wait: ${waitsText(this.#sections.map(({ others }) => others))}`,
      `wait in ms: ${waitsText(this.#sections.map(({ waitedMs }) => waitedMs))}`,
      this.#undisturbedText(),
    ].join('\n');
  }

  #undisturbedText(): string {
    const quiet = this.stolen.filter((part) => part <= STOLEN_MAX).length;
    const mean = this.stolen.reduce((sum, part) => sum + part, 0) / this.stolen.length;
    const begin = `the host took ${(mean * 100).toFixed(1)} % of the processors`;
    if (quiet === 0) return `${begin}, and more than ${STOLEN_MAX * 100} % in every second`;
    const waits = this.#sections.filter(({ second }) => (this.stolen[second] ?? 1) <= STOLEN_MAX);
    const text = waitsText(waits.map(({ waitedMs }) => waitedMs));
    return `${begin}; in the ${quiet} of ${this.stolen.length} s with at most ${STOLEN_MAX * 100} %: wait in ms ${text}`;
  }
}

function waitsText(waits: readonly number[]): string {
  const sorted = [...waits].sort((a, b) => a - b);
  const [p50, p99] = [quantile(sorted, 0.5), quantile(sorted, 0.99)];
  return `p50 ${p50.toFixed(1)}, p99 ${p99.toFixed(1)}, ratio ${(p99 / p50).toFixed(2)}`;
}

/** What so large a share of them does not exceed. */
function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}
