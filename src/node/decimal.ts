/** 64-bit decimal integers as text: what INCR reads and writes. The same on every replica. */

const INT64_MIN: bigint = -(2n ** 63n);
const INT64_MAX: bigint = 2n ** 63n - 1n;
/** `-9223372036854775808` */
export const DECIMAL_BYTES_MAX = 20;

const MINUS = 45;
const ZERO = 48;

/** The integer written in `bytes[start, end)`, or null: no sign but a leading minus, no space, no leading zeros. */
export function parseDecimal(bytes: Uint8Array, start: number, end: number): bigint | null {
  const length = end - start;
  if (length < 1 || length > DECIMAL_BYTES_MAX) return null;
  const negative = bytes[start] === MINUS;
  const first = negative ? start + 1 : start;
  if (first === end || (bytes[first] === ZERO && (negative || end - first > 1))) return null;
  let high = 0; // all digits but the last nine
  let low = 0;
  for (let at = first; at < end; at += 1) {
    const digit = (bytes[at] as number) - ZERO;
    if (digit < 0 || digit > 9) return null;
    if (end - at > 9) high = high * 10 + digit;
    else low = low * 10 + digit;
  }
  const magnitude = BigInt(high) * 1_000_000_000n + BigInt(low);
  const value = negative ? -magnitude : magnitude;
  return isInt64(value) ? value : null;
}

export function isInt64(value: bigint): boolean {
  return value >= INT64_MIN && value <= INT64_MAX;
}

/** Writes `value` as text at the start of `target`; gives the number of bytes. */
export function writeDecimal(target: Uint8Array, value: bigint): number {
  const text = value.toString();
  for (let index = 0; index < text.length; index += 1) target[index] = text.charCodeAt(index);
  return text.length;
}
