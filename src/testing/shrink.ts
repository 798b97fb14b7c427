/**
 * Makes a failing run small enough to be read: leaves out faults, shortens those that are left, and ends it soon after
 * the breach, for as long as the same rule breaks. Delta debugging (Zeller and Hildebrandt, 2002), with a bound on the
 * number of runs.
 */
import type { Fault } from './faults.ts';
import { type RunOptions, type RunResult, runScenario } from './scenario.ts';

export interface Shrunk {
  /** The smallest run found that breaks the same rule, with its whole trace. */
  readonly result: RunResult;
  readonly untilSeconds: number;
  readonly runs: number;
}

const RUNS_MAX = 60;
const MARGIN_SECONDS = 1;

/** @param failing a run that has a breach @param options what it was run with */
export async function shrink(failing: RunResult, options: RunOptions, runsMax: number = RUNS_MAX): Promise<Shrunk> {
  const shrinker = new Shrinker(failing, options, runsMax);
  await shrinker.endSooner();
  await shrinker.leaveOut();
  await shrinker.shorten();
  return shrinker.smallest();
}

class Shrinker {
  readonly #options: RunOptions;
  readonly #rule: string;
  readonly #runsMax: number;
  #faults: readonly Fault[];
  #untilSeconds: number;
  #breachAtMs: number;
  #runs = 0;

  constructor(failing: RunResult, options: RunOptions, runsMax: number) {
    this.#options = options;
    this.#rule = failing.breach?.rule ?? '';
    this.#breachAtMs = failing.breach?.atMs ?? 0;
    this.#runsMax = runsMax;
    this.#faults = failing.faults;
    this.#untilSeconds = options.untilSeconds ?? options.seconds ?? 60;
  }

  async #breaks(faults: readonly Fault[], untilSeconds: number): Promise<boolean> {
    if (this.#runs >= this.#runsMax) return false;
    this.#runs += 1;
    const { breach } = await runScenario({ ...this.#options, faults, untilSeconds, trace: false });
    if (breach?.rule !== this.#rule) return false;
    this.#faults = faults;
    this.#untilSeconds = untilSeconds;
    this.#breachAtMs = breach.atMs;
    return true;
  }

  async endSooner(): Promise<void> {
    const soon = Math.ceil(this.#breachAtMs / 1000) + MARGIN_SECONDS;
    if (soon < this.#untilSeconds) {
      const begun = this.#faults.filter(({ atMs }) => atMs < soon * 1000);
      if (await this.#breaks(begun, soon)) return;
    }
    // What is found when all is over may have happened early.
    for (let seconds = this.#untilSeconds / 2; seconds >= 2; seconds /= 2) {
      const begun = this.#faults.filter(({ atMs }) => atMs < seconds * 1000);
      if (!(await this.#breaks(begun, Math.ceil(seconds)))) return;
    }
  }

  /** Ever smaller groups of faults are left out. */
  async leaveOut(): Promise<void> {
    for (let size = Math.ceil(this.#faults.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
      for (let from = 0; from < this.#faults.length; ) {
        const fewer = [...this.#faults.slice(0, from), ...this.#faults.slice(from + size)];
        if (!(await this.#breaks(fewer, this.#untilSeconds))) from += size;
      }
    }
  }

  async shorten(): Promise<void> {
    for (let index = 0; index < this.#faults.length; index += 1) {
      for (;;) {
        const fault = this.#faults[index] as Fault;
        if (fault.forMs < 100) break;
        const shorter = this.#faults.with(index, { ...fault, forMs: Math.round(fault.forMs / 2) });
        if (!(await this.#breaks(shorter, this.#untilSeconds))) break;
      }
    }
  }

  async smallest(): Promise<Shrunk> {
    const untilSeconds = this.#untilSeconds;
    const result = await runScenario({ ...this.#options, faults: this.#faults, untilSeconds, trace: true });
    return { result, untilSeconds, runs: this.#runs };
  }
}
