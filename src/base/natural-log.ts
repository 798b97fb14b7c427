/**
 * The natural logarithm, the same to the last bit on every engine. `Math.log` is left to the engine by ECMAScript, so
 * two nodes could disagree about its last bit, and then about a placement. Addition, multiplication and division are not:
 * IEEE 754 rounds each of them in one way only, and nothing else is used here.
 *
 *     x = m · 2^e with m from √½ to √2        ln x = e · ln 2 + 2 · artanh(s),  s = (m − 1) / (m + 1)
 *     artanh(s) = s + s³/3 + s⁵/5 + …         |s| ≤ 0.172, so that 11 terms leave an error below 2⁻⁵³
 */

import { assert } from './assert.ts';

const TERMS = 11;
const ROOT_HALF = Math.SQRT1_2;

/** ln(x) for 0 < x ≤ 1. */
export function naturalLog(x: number): number {
  assert(x > 0 && x <= 1, 'naturalLog: x must be more than 0 and at most 1');
  let mantissa = x;
  let exponent = 0;
  while (mantissa < ROOT_HALF) {
    mantissa *= 2;
    exponent--;
  }
  const s = (mantissa - 1) / (mantissa + 1);
  return exponent * Math.LN2 + 2 * s * artanhOverS(s * s);
}

/** 1 + s²/3 + s⁴/5 + …, from the smallest term up (Horner). */
function artanhOverS(squared: number): number {
  let sum = 0;
  for (let term = TERMS - 1; term >= 0; term--) sum = sum * squared + 1 / (2 * term + 1);
  return sum;
}
