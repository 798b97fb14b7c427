/** The course of the bench: all modes in turn, round after round, each run in a process of its own, and checked. */
import { type Spread, spreadOf } from '../tools/bench/ratio.ts';
import { askChild } from '../tools/micro/child.ts';
import type { ModeAnswer, ModeFigure, ModeRequest } from './child.ts';
import { environmentOf, type Mode, modes, native } from './modes.ts';

const child = new URL('./child.ts', import.meta.url);

export interface RunOptions extends ModeRequest {
  readonly rounds: number;
  readonly onProgress: (what: string) => void;
}

/** One path at one size. */
export interface Comparison {
  readonly path: string;
  readonly payloadBytes: number;
  /** Nanoseconds with the add-ons. */
  readonly nanos: Spread;
  /** Time in each of the other modes, by its name, in times of that in the same round with the add-ons. */
  readonly ratios: Readonly<Record<string, Spread>>;
}

export interface NativeFreeReport {
  readonly proofs: readonly Proof[];
  readonly comparisons: readonly Comparison[];
}

/** What the processes of one mode had loaded at their end. */
export interface Proof {
  readonly mode: string;
  readonly processes: number;
  readonly addons: readonly string[];
}

/** @throws Error when a process of a mode had loaded what it must not have, or lacked what it must have */
export async function run(options: RunOptions): Promise<NativeFreeReport> {
  const answers = new Map<Mode, ModeAnswer[]>(modes.map((mode) => [mode, []]));
  for (let round = 0; round < options.rounds; round++) {
    for (let turn = 0; turn < modes.length; turn++) {
      // Each mode is the first one as often as the others.
      const mode = modes[(round + turn) % modes.length] as Mode;
      options.onProgress(`${mode.name}, round ${round + 1} of ${options.rounds}`);
      answers.get(mode)?.push(await runMode(mode, options));
    }
  }
  return { proofs: modes.map((mode) => proofOf(mode, answers.get(mode) ?? [])), comparisons: compare(answers) };
}

export async function runMode(mode: Mode, { sizes, keys, seconds }: ModeRequest): Promise<ModeAnswer> {
  const { execArgv } = mode;
  const request: ModeRequest = { sizes, keys, seconds };
  const answer = await askChild<ModeAnswer>(child, request, { execArgv, env: environmentOf(mode) });
  const fault = mode.fault(answer.addons);
  if (fault !== null) throw new Error(`${mode.name}: ${fault}`);
  return answer;
}

function proofOf({ name }: Mode, answers: readonly ModeAnswer[]): Proof {
  return { mode: name, processes: answers.length, addons: [...new Set(answers.flatMap(({ addons }) => addons))] };
}

function compare(answers: ReadonlyMap<Mode, readonly ModeAnswer[]>): Comparison[] {
  const withAddons = answers.get(native) ?? [];
  const figures = withAddons[0]?.figures ?? [];
  const others = modes.filter((mode) => mode !== native);
  return figures.map(({ path, payloadBytes }, index) => {
    const nanosOf = (answer: ModeAnswer): number => (answer.figures[index] as ModeFigure).nanos;
    const ratiosOf = (mode: Mode): Spread =>
      spreadOf(withAddons.map((own, round) => nanosOf((answers.get(mode) ?? [])[round] as ModeAnswer) / nanosOf(own)));
    return {
      path,
      payloadBytes,
      nanos: spreadOf(withAddons.map(nanosOf)),
      ratios: Object.fromEntries(others.map((mode) => [mode.name, ratiosOf(mode)])),
    };
  });
}
