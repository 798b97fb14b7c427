/**
 * The timetable of a given rate: operation k is meant to start at first + k · interval, whether or not the one before has
 * been answered. Its time counts from that moment, so that requests which a slow cluster held up are not left out
 * ("coordinated omission", Gil Tene, "How NOT to Measure Latency"; wrk2).
 *
 *     slots     │    │    │    │    │          a loop that is free waits for its slot;
 *     a loop    ├────────────┤├─┤├─┤           one that comes late begins at once, and its time counts from the slot
 */

/** A timer fires up to this much late; that is our own inaccuracy, not the cluster's, and is not counted. */
const TIMER_ERROR_NS = 2_000_000;

/** Longest sleep, ms: so often a long wait looks whether the run was stopped. */
const NAP_MS_MAX = 50;

const NS_PER_MS = 1_000_000;

export interface PacerOptions {
  /** When the first slot is, and how far apart they are. */
  readonly firstNs: number;
  readonly intervalNs: number;
  /** Monotonic; the same origin as `firstNs`. */
  readonly nowNs: () => number;
  /** Calls back after so many milliseconds. */
  readonly after: (delayMs: number, callback: () => void) => void;
  /** Once true, nobody waits any more. */
  readonly isStopped: () => boolean;
}

interface Waiting {
  readonly slotNs: number;
  readonly begin: (startNs: number) => void;
}

export class Pacer {
  readonly #options: PacerOptions;
  #taken = 0;
  /** In the order of their slots. At most one per loop. */
  readonly #waiting: Waiting[] = [];

  constructor(options: PacerOptions) {
    this.#options = options;
  }

  /** Takes the next slot; resolves when it has come, with the moment from which the operation's time counts. */
  turn(): Promise<number> {
    const { firstNs, intervalNs, nowNs, isStopped } = this.#options;
    const slotNs = firstNs + this.#taken * intervalNs;
    this.#taken += 1;
    if (slotNs <= nowNs() || isStopped()) return Promise.resolve(slotNs);
    return new Promise((begin) => {
      this.#waiting.push({ slotNs, begin });
      if (this.#waiting.length === 1) this.#sleep();
    });
  }

  #sleep(): void {
    const next = this.#waiting[0];
    if (next === undefined) return;
    const leftMs = Math.ceil((next.slotNs - this.#options.nowNs()) / NS_PER_MS);
    this.#options.after(Math.min(NAP_MS_MAX, Math.max(1, leftMs)), () => this.#wake());
  }

  #wake(): void {
    const nowNs = this.#options.nowNs();
    const untilNs = this.#options.isStopped() ? Number.POSITIVE_INFINITY : nowNs;
    for (let next = this.#waiting[0]; next !== undefined && next.slotNs <= untilNs; next = this.#waiting[0]) {
      this.#waiting.shift();
      next.begin(Math.min(nowNs, next.slotNs + TIMER_ERROR_NS));
    }
    this.#sleep();
  }
}
