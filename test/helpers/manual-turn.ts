/** A turn that ends when the test says so. */
import { Turn } from '../../src/base/turn.ts';

export class ManualTurn {
  readonly turn: Turn;
  #run: (() => void) | null = null;

  constructor() {
    this.turn = new Turn((run) => {
      this.#run = run;
    });
  }

  /** Whether somebody waits for the end of the turn. */
  get isAwaited(): boolean {
    return this.#run !== null;
  }

  end(): void {
    const run = this.#run;
    this.#run = null;
    run?.();
  }
}
