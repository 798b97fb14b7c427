/**
 * The payload of a key's block: what one value needs besides its bytes. It lies next to the key, so that reading it
 * touches no other line of memory.
 *
 *     ┌────────────┬────────────────┬──────────────────┬───────────────────────────────────────┐
 *     │ epoch u32  │ operation u32  │ value length u32 │ value; none here if it is a large one │
 *     └────────────┴────────────────┴──────────────────┴───────────────────────────────────────┘
 *
 * Epoch and operation are the revision that wrote the value (replication.md).
 */

import { readU32, writeU32 } from '../base/bytes.ts';
import { payloadBytesMax } from '../base/key-index.ts';

export const ENTRY_HEADER_BYTES = 12;

/** Whether a value lies in the block of its key; otherwise it is large and an array of its own. */
export function valueFitsBlock(keyLength: number, valueLength: number): boolean {
  return ENTRY_HEADER_BYTES + valueLength <= payloadBytesMax(keyLength);
}

export function writeEntryHeader(
  target: Uint8Array,
  at: number,
  epoch: number,
  operation: number,
  valueLength: number,
): void {
  writeU32(target, at, epoch);
  writeU32(target, at + 4, operation);
  writeU32(target, at + 8, valueLength);
}

export function readEpoch(bytes: Uint8Array, at: number): number {
  return readU32(bytes, at);
}

export function readOperation(bytes: Uint8Array, at: number): number {
  return readU32(bytes, at + 4);
}

export function readValueLength(bytes: Uint8Array, at: number): number {
  return readU32(bytes, at + 8);
}
