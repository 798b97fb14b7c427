/** Chance and keyed hashes decided by a seed. Not secret, and not meant to be. */
import { absorb, finish } from '../base/mix.ts';
import type { Crypto, Random } from '../base/ports.ts';
import type { Prng } from '../base/prng.ts';

export function simRandom(random: Prng): Random {
  return {
    u32: () => random.u32(),
    fill: (target) => {
      for (let at = 0; at < target.length; at += 1) target[at] = random.u32() >>> 24;
    },
  };
}

const HASH_BYTES = 32;

/** As long as an HMAC-SHA256 and as different for different input, for those who do not try to break it. */
export const simCrypto: Crypto = {
  hmac(secret, parts) {
    const out = new Uint8Array(HASH_BYTES);
    for (let lane = 0; lane < HASH_BYTES; lane += 4) {
      let state = lane;
      for (const part of [secret, ...parts]) {
        state = absorb(state, part.length);
        for (const byte of part) state = absorb(state, byte);
      }
      const hash = finish(state);
      for (let byte = 0; byte < 4; byte += 1) out[lane + byte] = hash >>> (8 * byte);
    }
    return out;
  },
  equal: (a, b) => a.length === b.length && a.every((byte, at) => byte === b[at]),
};
