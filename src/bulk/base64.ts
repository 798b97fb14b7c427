/**
 * Base64 (RFC 4648 §4) between bytes and bytes, strict: the usual alphabet, padding to a multiple of four, no other
 * character, and nothing in the bits that padding leaves over, so that each value has one text only.
 */

const ALPHABET: Uint8Array = new TextEncoder().encode(
  'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/',
);
const PAD = 0x3d;
/** What no character stands for: a bit above the six. */
const INVALID = 64;
const VALUE_OF = new Uint8Array(256).fill(INVALID);
ALPHABET.forEach((character, value) => {
  VALUE_OF[character] = value;
});

/** Characters that `bytes` bytes take. */
export function base64Length(bytes: number): number {
  return Math.ceil(bytes / 3) * 4;
}

/** Writes `source[start, end)` to `target` at `at`, base64Length(end − start) characters. */
export function writeBase64(source: Uint8Array, start: number, end: number, target: Uint8Array, at: number): void {
  let to = at;
  let from = start;
  for (; from + 2 < end; from += 3) {
    const triple =
      ((source[from] as number) << 16) | ((source[from + 1] as number) << 8) | (source[from + 2] as number);
    target[to] = ALPHABET[triple >> 18] as number;
    target[to + 1] = ALPHABET[(triple >> 12) & 63] as number;
    target[to + 2] = ALPHABET[(triple >> 6) & 63] as number;
    target[to + 3] = ALPHABET[triple & 63] as number;
    to += 4;
  }
  if (from === end) return;
  const rest = ((source[from] as number) << 16) | (from + 1 < end ? (source[from + 1] as number) << 8 : 0);
  target[to] = ALPHABET[rest >> 18] as number;
  target[to + 1] = ALPHABET[(rest >> 12) & 63] as number;
  target[to + 2] = from + 1 < end ? (ALPHABET[(rest >> 6) & 63] as number) : PAD;
  target[to + 3] = PAD;
}

/** Bytes that the characters `source[start, end)` stand for, if they are base64 at all; −1: their number cannot be. */
export function base64Bytes(source: Uint8Array, start: number, end: number): number {
  const length = end - start;
  if (length % 4 !== 0) return -1;
  if (length === 0) return 0;
  if (source[end - 1] !== PAD) return (length / 4) * 3;
  return (length / 4) * 3 - (source[end - 2] === PAD ? 2 : 1);
}

/** Reads `source[start, end)` into `target` at `at`, base64Bytes(…) bytes. False: that is not base64. */
export function readBase64(source: Uint8Array, start: number, end: number, target: Uint8Array, at: number): boolean {
  const bytes = base64Bytes(source, start, end);
  if (bytes < 0) return false;
  const wholeEnd = start + Math.floor(bytes / 3) * 4;
  let to = at;
  let seen = 0;
  for (let from = start; from < wholeEnd; from += 4) {
    const a = VALUE_OF[source[from] as number] as number;
    const b = VALUE_OF[source[from + 1] as number] as number;
    const c = VALUE_OF[source[from + 2] as number] as number;
    const d = VALUE_OF[source[from + 3] as number] as number;
    seen |= a | b | c | d;
    target[to] = (a << 2) | (b >> 4);
    target[to + 1] = (b << 4) | (c >> 2);
    target[to + 2] = (c << 6) | d;
    to += 3;
  }
  if (wholeEnd === end) return seen < INVALID;
  return seen < INVALID && readLast(source, wholeEnd, target, to, bytes % 3);
}

/** The last four characters, one or two of which are padding. */
function readLast(source: Uint8Array, from: number, target: Uint8Array, at: number, bytes: number): boolean {
  const a = VALUE_OF[source[from] as number] as number;
  const b = VALUE_OF[source[from + 1] as number] as number;
  const c = bytes === 2 ? (VALUE_OF[source[from + 2] as number] as number) : 0;
  if ((a | b | c) >= INVALID) return false;
  target[at] = (a << 2) | (b >> 4);
  if (bytes === 1) return (b & 15) === 0;
  target[at + 1] = (b << 4) | (c >> 2);
  return (c & 3) === 0;
}
