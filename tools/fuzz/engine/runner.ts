/**
 * Runs inputs on a target, life after life, and tells what failed. What promises throw that nobody waits for comes to
 * light only when the event loop turns: then the inputs since the last turn are run again one by one.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Target } from '../target.ts';

export interface Failure {
  readonly error: unknown;
  /** Inputs of its life up to the one that failed. */
  readonly inputs: readonly Uint8Array[];
}

/** Told before each input runs, so that another thread knows what hangs. */
export interface Watch {
  life(): void;
  input(input: Uint8Array): void;
}

const unwatched: Watch = { life: () => undefined, input: () => undefined };

/** Promises of this thread that were rejected and that nobody handled, since the last look. */
const escaped: unknown[] = [];
let listening = false;

export function catchEscaped(): void {
  if (listening) return;
  listening = true;
  process.on('unhandledRejection', (reason) => void escaped.push(reason));
}

export class Runner {
  readonly target: Target;
  readonly #watch: Watch;
  #lifeLeft = 0;

  constructor(target: Target, watch: Watch = unwatched) {
    this.target = target;
    this.#watch = watch;
  }

  /** Runs them all, from a fresh life on; gives the first failure. */
  async run(inputs: readonly Uint8Array[]): Promise<Failure | null> {
    const failure = await this.#runAll(inputs);
    await nextTurn();
    if (escaped.length === 0) return failure;
    escaped.length = 0;
    return (await this.#findEscaped(inputs)) ?? failure;
  }

  async #runAll(inputs: readonly Uint8Array[]): Promise<Failure | null> {
    const { target } = this;
    this.#lifeLeft = 0;
    let lifeFrom = 0;
    for (let index = 0; index < inputs.length; index += 1) {
      if (this.#lifeLeft === 0) {
        lifeFrom = index;
        this.#newLife();
      }
      this.#lifeLeft -= 1;
      const input = inputs[index] as Uint8Array;
      this.#watch.input(input);
      try {
        const pending = target.run(input);
        if (pending !== undefined) await pending;
      } catch (error) {
        return { error, inputs: inputs.slice(lifeFrom, index + 1) };
      }
    }
    return null;
  }

  #newLife(): void {
    this.#lifeLeft = this.target.inputsPerLife;
    this.#watch.life();
    this.target.reset();
  }

  async #findEscaped(inputs: readonly Uint8Array[]): Promise<Failure | null> {
    const { inputsPerLife } = this.target;
    for (let from = 0; from < inputs.length; from += inputsPerLife) {
      const life = inputs.slice(from, from + inputsPerLife);
      this.#newLife();
      for (const [index, input] of life.entries()) {
        await Promise.resolve(this.target.run(input)).catch(() => undefined);
        await nextTurn();
        const error = escaped[0];
        escaped.length = 0;
        if (error !== undefined) return { error, inputs: life.slice(0, index + 1) };
      }
    }
    return null;
  }
}
