/**
 * Remembers which configurations (operations put in order so far, state) a search has been to. A configuration is kept
 * as a fingerprint of 128 bits in an open-addressed table: two different ones share a fingerprint with a chance below
 * 10⁻²⁵ in a search of ten million.
 *
 * The fingerprint of a set of operations is the exclusive or of one fingerprint for each, so that adding and taking away
 * cost the same few steps whatever the size of the set (Zobrist 1970).
 */

import { absorb, finish } from '../../../base/mix.ts';

const WORDS = 4;

/** Seeds of the four lanes: digits of π. */
const SEEDS = [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344] as const;

/** Slots at the start: most keys never fill them. */
const SLOTS_AT_START = 64;

const TWO_POW_32 = 2 ** 32;

/** Stands for an infinite moment: no stamp reaches it. */
const FAR = 2 ** 53;

export class ConfigurationSet {
  /** Fingerprint of the operations put in order so far. */
  readonly #members = new Int32Array(WORDS);
  #slots = SLOTS_AT_START;
  #table = new Int32Array(SLOTS_AT_START * WORDS);
  #used = 0;
  readonly #fingerprint = new Int32Array(WORDS);

  /** Adds an operation to the present set, or takes it away. */
  toggle(index: number): void {
    for (let lane = 0; lane < WORDS; lane++) {
      this.#members[lane] = (this.#members[lane] as number) ^ finish(absorb(SEEDS[lane] as number, index));
    }
  }

  /**
   * Remembers the present set together with a state.
   * @param state the fields of the state: whole numbers below 2^53, or infinite
   * @returns false when it was there already
   */
  add(state: readonly number[]): boolean {
    for (let lane = 0; lane < WORDS; lane++) {
      let hash = absorb(SEEDS[lane] as number, this.#members[lane] as number);
      for (const field of state) hash = absorbField(hash, field);
      this.#fingerprint[lane] = finish(hash);
    }
    // A slot of zeros is empty.
    if (this.#fingerprint[0] === 0) this.#fingerprint[0] = 1;
    if (this.#used * 2 >= this.#slots) this.#grow();
    return this.#insert(this.#fingerprint);
  }

  #insert(fingerprint: Int32Array): boolean {
    const mask = this.#slots - 1;
    for (let slot = (fingerprint[1] as number) & mask; ; slot = (slot + 1) & mask) {
      const at = slot * WORDS;
      if (this.#table[at] === 0) {
        this.#table.set(fingerprint, at);
        this.#used++;
        return true;
      }
      if (this.#equals(at, fingerprint)) return false;
    }
  }

  #equals(at: number, fingerprint: Int32Array): boolean {
    for (let lane = 0; lane < WORDS; lane++) if (this.#table[at + lane] !== fingerprint[lane]) return false;
    return true;
  }

  #grow(): void {
    const old = this.#table;
    this.#slots *= 2;
    this.#table = new Int32Array(this.#slots * WORDS);
    this.#used = 0;
    for (let at = 0; at < old.length; at += WORDS) {
      if (old[at] !== 0) this.#insert(old.subarray(at, at + WORDS));
    }
  }
}

function absorbField(hash: number, field: number): number {
  const whole = Math.max(-FAR, Math.min(FAR, field));
  return absorb(absorb(hash, whole), Math.floor(whole / TWO_POW_32));
}
