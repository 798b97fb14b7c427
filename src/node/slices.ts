/** Work on very many bytes, a slice a turn, without holding up others. The bytes stay as they are meanwhile. */
import { createHash } from 'node:crypto';
import type { Timers } from '../base/ports.ts';

/** About a millisecond of hashing, a fraction of one of copying. */
const SLICE_BYTES: number = 512 * 1024;

export async function slicedSha256(bytes: Uint8Array, timers: Timers): Promise<Uint8Array> {
  const hash = createHash('sha256');
  await inSlices(bytes, timers, (slice) => hash.update(slice));
  return new Uint8Array(hash.digest());
}

export async function slicedCopy(bytes: Uint8Array, timers: Timers): Promise<Uint8Array<ArrayBuffer>> {
  const copy = new Uint8Array(bytes.length);
  await inSlices(bytes, timers, (slice, at) => copy.set(slice, at));
  return copy;
}

/** Calls `work` with each slice and where it stands. */
function inSlices(bytes: Uint8Array, timers: Timers, work: (slice: Uint8Array, at: number) => void): Promise<void> {
  let at = 0;
  return new Promise((resolve) => {
    const next = (): void => {
      work(bytes.subarray(at, at + SLICE_BYTES), at);
      at += SLICE_BYTES;
      if (at < bytes.length) timers.atTurnEnd(next);
      else resolve();
    };
    next();
  });
}
