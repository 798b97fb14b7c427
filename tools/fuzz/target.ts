/** What is fuzzed: a way to run one input, the state it runs in, and what to begin with. */

export interface Target {
  readonly name: string;
  /** Source files whose coverage guides it and counts for it: paths from the repository's root, folders end in `/`. */
  readonly files: readonly string[];
  /** Bytes before the first frame, for inputs that are frames; null for inputs that are not. */
  readonly framesFrom: number | null;
  readonly inputBytesMax: number;
  /** So many inputs meet the state that the ones before them left; then `reset` is called. */
  readonly inputsPerLife: number;
  readonly seeds: readonly Uint8Array[];
  /** Byte strings that mean something to it, beside those that every target gets. */
  readonly words: readonly Uint8Array[];
  /** Back to the beginning. */
  reset(): void;
  /**
   * Runs one input; whatever it throws is a finding. A promise is waited for.
   * The input's bytes are only lent: what is kept of them must be copied.
   */
  run(input: Uint8Array): Promise<void> | undefined;
}

/** Something that must hold does not. */
export class BrokenRule extends Error {
  override readonly name = 'BrokenRule';
}

/** @throws BrokenRule unless `condition` holds */
export function mustHold(condition: boolean, rule: string): asserts condition {
  if (!condition) throw new BrokenRule(rule);
}
