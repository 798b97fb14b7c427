/**
 * What LCKK says of the lock behind its key, when it is not simply exclusive:
 *
 *   mode u8 | flow u32 | delayMs u32 | label …         a request; `flow`: its number × 2, + 1 if it holds another lock
 *   mode u8 | sequence u32                             with a token: the grant that is to be converted
 */
import { readI32, readU32, writeU32 } from '../base/bytes.ts';
import { LOCK_MODES, LockMode } from '../base/lock-mode.ts';
import { WRITE_OPERATION } from './client-codec.ts';

export const LOCK_MODE = 0;
export const LOCK_FLOW = 1;
export const LOCK_DELAY = 5;
export const LOCK_LABEL = 9;
export const CONVERSION_BYTES = 5;
export const LABEL_BYTES_MAX = 255;

/** ULKK of what is not exclusive ends in the sequence of its grant. */
export const GRANT_SEQUENCE_BYTES = 4;

const utf8 = new TextEncoder();

export function lockPayload(mode: number, flow: number, delayMs: number, label: string): Uint8Array {
  const text = utf8.encode(label);
  const payload = new Uint8Array(LOCK_LABEL + text.length);
  payload[LOCK_MODE] = mode;
  writeU32(payload, LOCK_FLOW, flow);
  writeU32(payload, LOCK_DELAY, delayMs);
  payload.set(text, LOCK_LABEL);
  return payload;
}

export function conversionPayload(mode: number, sequence: number): Uint8Array {
  const payload = new Uint8Array(CONVERSION_BYTES);
  payload[LOCK_MODE] = mode;
  writeU32(payload, LOCK_FLOW, sequence);
  return payload;
}

/** Whether an LCKK whose body begins at `start` names a token: it asks for another mode. */
export function converts(bytes: Uint8Array, start: number): boolean {
  return readI32(bytes, start + WRITE_OPERATION) !== 0;
}

/** The mode that an LCKK asks for whose key ends at `keyEnd`. */
export function modeAsked(bytes: Uint8Array, keyEnd: number, end: number): number {
  return keyEnd === end ? LockMode.exclusive : (bytes[keyEnd + LOCK_MODE] as number);
}

/** The lock-delay that such a request asks for, in milliseconds. */
export function delayAsked(bytes: Uint8Array, start: number, keyEnd: number, end: number): number {
  return keyEnd === end || converts(bytes, start) ? 0 : readU32(bytes, keyEnd + LOCK_DELAY);
}

/** Whether `bytes[start, end)` is what may stand behind the key. */
export function isLockPayload(bytes: Uint8Array, start: number, end: number, isConversion: boolean): boolean {
  const length = end - start;
  if (length === 0) return !isConversion;
  if ((bytes[start + LOCK_MODE] as number) >= LOCK_MODES) return false;
  return isConversion ? length === CONVERSION_BYTES : length >= LOCK_LABEL && length <= LOCK_LABEL + LABEL_BYTES_MAX;
}
