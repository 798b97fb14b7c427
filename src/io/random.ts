/** Random numbers and keyed hashes of the system. */
import { createHmac, randomFillSync, timingSafeEqual } from 'node:crypto';
import type { Crypto, Random } from '../base/ports.ts';

const POOL_WORDS = 1024;
const pool: Uint32Array = new Uint32Array(POOL_WORDS);
let left = 0;

export const systemRandom: Random = {
  u32(): number {
    if (left === 0) {
      randomFillSync(pool);
      left = POOL_WORDS;
    }
    left -= 1;
    return pool[left] as number;
  },
  fill(target: Uint8Array): void {
    randomFillSync(target);
  },
};

export const systemCrypto: Crypto = {
  hmac(secret: Uint8Array, parts: readonly Uint8Array[]): Uint8Array {
    const hmac = createHmac('sha256', secret);
    for (const part of parts) hmac.update(part);
    return new Uint8Array(hmac.digest());
  },
  equal: (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && timingSafeEqual(a, b),
};
