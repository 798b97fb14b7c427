/** From a key to its slot, for a whole key and for one with a tag. */
import { hashSlot, SLOTS } from '../../../src/base/hash-slot.ts';
import { KEY_BYTES, keysOf } from '../data.ts';
import { check, type HotPath } from './path.ts';

const KEYS = 1000;

export function hashSlotPaths(): HotPath[] {
  const plain = keysOf(Uint32Array.from({ length: KEYS }, (_, i) => i));
  const tagged = plain.slice();
  for (let at = 0; at < tagged.length; at += KEY_BYTES) {
    tagged[at] = 0x7b;
    tagged[at + 9] = 0x7d;
  }
  return [
    { name: 'slot of a key', operations: KEYS, run: hashing(plain, 0, KEY_BYTES) },
    { name: 'slot of a key with a tag of 8 bytes', operations: KEYS, run: hashing(tagged, 1, 9) },
  ];
}

/** What counts stands in `[from, to)` of each key. */
function hashing(keys: Uint8Array, from: number, to: number): () => void {
  let expected = 0;
  for (let at = 0; at < keys.length; at += KEY_BYTES) expected += plainCrc(keys.subarray(at + from, at + to)) % SLOTS;
  return () => {
    let sum = 0;
    for (let at = 0; at < keys.length; at += KEY_BYTES) sum += hashSlot(keys, at, at + KEY_BYTES);
    check(sum, expected, 'sum of the slots');
  };
}

/** CRC16/XMODEM bit by bit, from its definition. */
function plainCrc(bytes: Uint8Array): number {
  let crc = 0;
  for (const byte of bytes) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 0x8000) === 0 ? crc << 1 : (crc << 1) ^ 0x1021;
    crc &= 0xffff;
  }
  return crc;
}
