/**
 * Zipf's law over the ranks 1 to n: rank k comes with a probability proportional to 1 / k^exponent. Rejection-inversion
 * (W. Hörmann and G. Derflinger, "Rejection-inversion to generate variates from monotone discrete distributions", ACM
 * TOMACS 6, 1996): no table, and on average less than 1.1 tries per draw.
 *
 *     h(x) = x^-exponent          H(x) = ∫ h          a point under H's curve is drawn and rounded to a rank; the few
 *                                                     points that lie beyond the rank's own bar are drawn again
 */
import type { Prng } from '../../src/base/prng.ts';

/** Below this, the series is more exact than the quotient. */
const SERIES_BELOW = 1e-8;

/** Draws which of `count` things comes next. */
export interface Picker {
  /** A whole number from 0 to count − 1. */
  pick(random: Prng): number;
}

/** Exponent 0 is uniform. */
export function pickerOf(count: number, exponent: number): Picker {
  if (exponent === 0) return { pick: (random) => random.below(count) };
  return new ZipfPicker(count, exponent);
}

/** Index 0 is the most frequent. */
class ZipfPicker implements Picker {
  readonly #count: number;
  readonly #exponent: number;
  readonly #integralFirst: number;
  readonly #integralLast: number;
  /** A point this close below its rank is always accepted. */
  readonly #shortcut: number;

  constructor(count: number, exponent: number) {
    this.#count = count;
    this.#exponent = exponent;
    this.#integralFirst = this.#integral(1.5) - 1;
    this.#integralLast = this.#integral(count + 0.5);
    this.#shortcut = 2 - this.#integralInverse(this.#integral(2.5) - this.#density(2));
  }

  pick(random: Prng): number {
    for (;;) {
      const area = this.#integralLast + random.float() * (this.#integralFirst - this.#integralLast);
      const x = this.#integralInverse(area);
      const rank = Math.min(this.#count, Math.max(1, Math.floor(x + 0.5)));
      if (rank - x <= this.#shortcut || area >= this.#integral(rank + 0.5) - this.#density(rank)) return rank - 1;
    }
  }

  #density(x: number): number {
    return Math.exp(-this.#exponent * Math.log(x));
  }

  /** (x^(1 − exponent) − 1) / (1 − exponent), and ln x for exponent 1. */
  #integral(x: number): number {
    const log = Math.log(x);
    return expm1OverX((1 - this.#exponent) * log) * log;
  }

  #integralInverse(area: number): number {
    // Rounding may lead below −1, where the logarithm ends.
    const t = Math.max(-1, area * (1 - this.#exponent));
    return Math.exp(log1pOverX(t) * area);
  }
}

function log1pOverX(x: number): number {
  if (Math.abs(x) > SERIES_BELOW) return Math.log1p(x) / x;
  return 1 - x / 2;
}

function expm1OverX(x: number): number {
  if (Math.abs(x) > SERIES_BELOW) return Math.expm1(x) / x;
  return 1 + x / 2;
}
