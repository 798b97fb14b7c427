/**
 * Versions and tokens are 64-bit numbers, written as decimal digits where JSON numbers would lose bits. They are kept as
 * canonical digit strings: comparing two strings by length, then by text, is comparing two numbers.
 */

/** No sign, no leading zero, at most the 20 digits of 2⁶⁴. */
const CANONICAL = /^(?:0|[1-9][0-9]{0,19})$/;

/** The canonical digits of a JSON number or string; undefined when it is neither or not a whole number from 0 on. */
export function toDecimal(json: unknown): string | undefined {
  if (typeof json === 'number') return Number.isSafeInteger(json) && json >= 0 ? String(json) : undefined;
  return typeof json === 'string' && CANONICAL.test(json) ? json : undefined;
}

/** Less than, equal to or greater than 0, as for `sort`. */
export function compareDecimals(a: string, b: string): number {
  if (a.length !== b.length) return a.length - b.length;
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
