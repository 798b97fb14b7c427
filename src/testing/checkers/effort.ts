/**
 * How much searching one history is worth. A search takes at least one step for each operation; what it takes back and
 * tries again comes on top, and all keys of a history share that, so that a history of many hard keys ends too.
 */

/** Steps that every key may take back, however hard the keys before it were. */
const LEAST_PER_KEY = 10_000;

/** One key takes at most this part of what is left: one hard key does not starve the others. */
const PART_PER_KEY = 1 / 4;

/** Operations looked at to make contradictions small, in all keys together: some seconds. */
const SHRINKING = 1_000_000;

export class Effort {
  #left: number;
  #shrinking: number = SHRINKING;

  /** @param maxSteps steps that all keys together may take back, roughly */
  constructor(maxSteps: number) {
    this.#left = maxSteps;
  }

  /** Steps a search over so many operations may take. */
  stepsFor(operations: number): number {
    return operations + Math.max(LEAST_PER_KEY, Math.floor(this.#left * PART_PER_KEY));
  }

  spend(operations: number, steps: number): void {
    this.#left -= Math.max(0, steps - operations);
  }

  get mayShrink(): boolean {
    return this.#shrinking > 0;
  }

  spendShrinking(operations: number): void {
    this.#shrinking -= operations;
  }
}
