/** A copy of very many bytes, a slice a turn, without holding up others. */
import type { Timers } from '../base/ports.ts';

/** A fraction of a millisecond. */
const SLICE_BYTES: number = 512 * 1024;

/** The bytes stay as they are meanwhile. */
export function slicedCopy(bytes: Uint8Array, timers: Timers): Promise<Uint8Array<ArrayBuffer>> {
  const copy = new Uint8Array(bytes.length);
  let at = 0;
  return new Promise((resolve) => {
    const slice = (): void => {
      copy.set(bytes.subarray(at, at + SLICE_BYTES), at);
      at += SLICE_BYTES;
      if (at < bytes.length) timers.atTurnEnd(slice);
      else resolve(copy);
    };
    slice();
  });
}
