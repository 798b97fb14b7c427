/** SHA-256 of very many bytes, a slice a turn: without a copy for a worker thread, and without holding up others. */
import { createHash } from 'node:crypto';
import type { Timers } from '../base/ports.ts';

/** About a millisecond. */
const SLICE_BYTES: number = 512 * 1024;

/** The bytes stay as they are meanwhile. */
export function slicedSha256(bytes: Uint8Array, timers: Timers): Promise<Uint8Array> {
  const hash = createHash('sha256');
  let at = 0;
  return new Promise((resolve) => {
    const slice = (): void => {
      hash.update(bytes.subarray(at, at + SLICE_BYTES));
      at += SLICE_BYTES;
      if (at < bytes.length) timers.atTurnEnd(slice);
      else resolve(new Uint8Array(hash.digest()));
    };
    slice();
  });
}
