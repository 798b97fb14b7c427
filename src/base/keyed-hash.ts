/**
 * Hash of keys that others choose: HalfSipHash (Aumasson & Bernstein, "SipHash: a fast short-input PRF", 2012; the
 * variant for 32-bit words, as Linux uses it for its tables) with 1 round a word and 3 at the end. Who does not know the
 * 64-bit secret cannot choose keys that meet in one place of a table, and so cannot make look-ups slow.
 */

/** Two random words, the same for the life of a process. */
export interface HashKey {
  readonly low: number;
  readonly high: number;
}

/** The last word's round and the three at the end. */
const LAST_ROUNDS = 4;

/** Hash of `bytes[start, end)` as an int32. The round stands there twice, for calls would cost as much as it does. */
export function keyedHash(bytes: Uint8Array, start: number, end: number, key: HashKey): number {
  const wordsEnd = end - ((end - start) & 3);
  let v0 = key.low;
  let v1 = key.high;
  let v2 = 0x6c796765 ^ key.low;
  let v3 = 0x74656462 ^ key.high;
  for (let at = start; at < wordsEnd; at += 4) {
    const word = wordAt(bytes, at);
    v3 ^= word;
    v0 = (v0 + v1) | 0;
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
    v0 = (v0 << 16) | (v0 >>> 16);
    v2 = (v2 + v3) | 0;
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
    v0 = (v0 + v3) | 0;
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
    v2 = (v2 + v1) | 0;
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
    v2 = (v2 << 16) | (v2 >>> 16);
    v0 ^= word;
  }
  const last = lastWord(bytes, start, wordsEnd, end);
  v3 ^= last;
  for (let round = 0; round < LAST_ROUNDS; round += 1) {
    v0 = (v0 + v1) | 0;
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
    v0 = (v0 << 16) | (v0 >>> 16);
    v2 = (v2 + v3) | 0;
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
    v0 = (v0 + v3) | 0;
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
    v2 = (v2 + v1) | 0;
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
    v2 = (v2 << 16) | (v2 >>> 16);
    if (round > 0) continue;
    v0 ^= last;
    v2 ^= 0xff;
  }
  return v1 ^ v3;
}

function wordAt(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at] as number) |
    ((bytes[at + 1] as number) << 8) |
    ((bytes[at + 2] as number) << 16) |
    ((bytes[at + 3] as number) << 24)
  );
}

function lastWord(bytes: Uint8Array, start: number, at: number, end: number): number {
  let word = (end - start) << 24;
  for (let left = end - 1; left >= at; left -= 1) word |= (bytes[left] as number) << ((left - at) * 8);
  return word;
}
