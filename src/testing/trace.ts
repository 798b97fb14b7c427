/** What happened, line by line, for people: the last lines always, all of them when a seed is replayed. */

/** Lines kept when nobody asked for all, and when somebody did. */
const LINES_KEPT = 400;
const LINES_MAX = 500_000;

export class Trace {
  readonly #now: () => number;
  readonly #all: boolean;
  #lines: string[] = [];

  constructor(now: () => number, all: boolean) {
    this.#now = now;
    this.#all = all;
  }

  /** True when details are wanted that cost time to write. */
  get wanted(): boolean {
    return this.#all;
  }

  line(who: string, text: string): void {
    this.#lines.push(`${(this.#now() / 1000).toFixed(4).padStart(9)} s  ${who.padEnd(8)} ${text}`);
    const kept = this.#all ? LINES_MAX : LINES_KEPT;
    if (this.#lines.length > 2 * kept) this.#lines = this.#lines.slice(-kept);
  }

  get lines(): readonly string[] {
    return this.#lines;
  }
}
