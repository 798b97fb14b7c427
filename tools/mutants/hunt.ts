/**
 * Hunts one mutant: seeds until one notices, and the same seed on the source as it is, which must pass: a seed that fails
 * anyway would seem to notice whatever is broken.
 */
import { KeyvalError } from '../../src/errors.ts';
import { type Attempt, trySeeds, tryTest } from './attempt.ts';
import type { Mutant } from './patch.ts';
import type { Scratch } from './scratch.ts';

export interface HuntOptions {
  /** Instead of what the mutants say. */
  readonly seedsMax: number | undefined;
  /** Virtual seconds of a seed, where they are not as usual. */
  readonly seconds: number | undefined;
}

/** Virtual seconds of a seed. */
const USUAL_SECONDS: Readonly<Record<string, number>> = { simulate: 30, raft: 20 };
/** Seeds that must pass before anything is broken; of the others only those that notice something are run again. */
const SEEDS_FIRST = 5;

export interface Hunted {
  readonly mutant: Mutant;
  /** What noticed; null: nothing did. */
  readonly noticed: string | null;
  /** Seeds needed, the one that noticed included; 0 where it was a test. */
  readonly seeds: number;
  readonly seconds: number;
}

/** The source as it is, and what passes on it. */
export class Unbroken {
  readonly #scratch: Scratch;
  readonly #seconds: number | undefined;
  readonly #known: Map<string, Promise<boolean>> = new Map();

  constructor(scratch: Scratch, { seconds }: HuntOptions) {
    this.#scratch = scratch;
    this.#seconds = seconds;
  }

  /** The test, or the first seeds. @throws KeyvalError KV_USAGE when they do not pass */
  async mustPass(how: string): Promise<void> {
    const { noticed, seed } = isTest(how)
      ? await tryTest(this.#scratch, how)
      : await trySeeds(this.#scratch, how, { first: 1, count: SEEDS_FIRST, seconds: secondsOf(how, this.#seconds) });
    if (noticed === null) return;
    const what = isTest(how) ? how : `${how}, seed ${seed},`;
    throw new KeyvalError('KV_USAGE', `${what} fails without any mutant (${noticed}); mend that first`);
  }

  passes(how: string, seed: number): Promise<boolean> {
    const name = `${how} ${seed}`;
    let known = this.#known.get(name);
    if (known === undefined) {
      const range = { first: seed, count: 1, seconds: secondsOf(how, this.#seconds) };
      known = trySeeds(this.#scratch, how, range).then(({ noticed }) => noticed === null);
      this.#known.set(name, known);
    }
    return known;
  }
}

function secondsOf(how: string, seconds: number | undefined): number {
  return seconds ?? (USUAL_SECONDS[how] as number);
}

function isTest(how: string): boolean {
  return how.endsWith('.test.ts');
}

export async function hunt(
  scratch: Scratch,
  unbroken: Unbroken,
  mutant: Mutant,
  { seedsMax = mutant.seedsMax, seconds }: HuntOptions,
): Promise<Hunted> {
  const beganMs = performance.now();
  scratch.apply(mutant);
  try {
    const { noticed, seed } = isTest(mutant.how)
      ? await tryTest(scratch, mutant.how)
      : await firstThatCounts(scratch, unbroken, mutant.how, seedsMax, secondsOf(mutant.how, seconds));
    return { mutant, noticed, seeds: seed, seconds: (performance.now() - beganMs) / 1000 };
  } finally {
    scratch.restore();
  }
}

async function firstThatCounts(
  scratch: Scratch,
  unbroken: Unbroken,
  how: string,
  seedsMax: number,
  seconds: number,
): Promise<Attempt> {
  for (let first = 1; first <= seedsMax; ) {
    const attempt = await trySeeds(scratch, how, { first, count: seedsMax - first + 1, seconds });
    if (attempt.noticed === null || (await unbroken.passes(how, attempt.seed))) return attempt;
    first = attempt.seed + 1;
  }
  return { noticed: null, seed: seedsMax };
}
