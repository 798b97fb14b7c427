/** A large value on its way to a client: GOTK that announces it, then FRAG frames. */
import { GotFlag } from '../protocol/client-codec.ts';
import { GOTK } from '../protocol/opcode.ts';
import { sendFragments } from '../protocol/pieces.ts';
import type { Connection } from './connection.ts';

/** For a value that is the latest: it has no age. */
export const NO_AGE: number = -1;

/** Resolves when everything has left or the connection has closed. */
export function sendLargeValue(
  to: Connection,
  messageId: number,
  value: Uint8Array,
  epoch: number,
  operation: number,
  ttlMs: number,
  ageMs: number,
): Promise<void> {
  const { frames } = to;
  frames.begin(GOTK, messageId);
  frames.u8(GotFlag.value | GotFlag.fragmented | (ageMs === NO_AGE ? 0 : GotFlag.stale));
  frames.u32(epoch);
  frames.u32(operation);
  frames.u48(ttlMs);
  if (ageMs !== NO_AGE) frames.u32(ageMs);
  frames.u32(value.length);
  frames.end();
  return sendFragments(to.queue, messageId, value);
}
