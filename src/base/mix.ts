/**
 * Hashing of small things, the same on every engine: MurmurHash3 (x86, 32 bits; Austin Appleby) taken apart into its
 * steps, so that a hash can be continued. One lane has 32 bits; who needs more runs two lanes with different seeds.
 * Not for keys (hash-slot.ts) and not against an adversary.
 *
 *     state = absorb(absorb(seed, word), word)      hash = finish(state)
 */

/** Takes one 32-bit word into the state. */
export function absorb(state: number, word: number): number {
  const scrambled = Math.imul(rotateLeft(Math.imul(word, 0xcc9e2d51), 15), 0x1b873593);
  return (Math.imul(rotateLeft(state ^ scrambled, 13), 5) + 0xe6546b64) | 0;
}

/** Takes a text into the state: one word per UTF-16 code unit, then the length, so that no two texts run together. */
export function absorbText(state: number, text: string): number {
  let next = state;
  for (let i = 0; i < text.length; i++) next = absorb(next, text.charCodeAt(i));
  return absorb(next, text.length);
}

/** The hash (0..2³²−1) of a state: every bit of it depends on every bit of the state. A bijection. */
export function finish(state: number): number {
  let hash = state;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

function rotateLeft(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}
