/**
 * What is measured, and what each case is compared with: a raw echo that moves the same number of bytes in the same
 * number of frames. Requests and replies differ in size and an echo's do not, so its frames have their mean size.
 */
import { DONE_PAYLOAD, GOT_VALUE, LOCKED_GOT, READ_KEY, WRITE_KEY } from '../../src/protocol/client-codec.ts';
import { FRAME_HEADER_BYTES } from '../../src/protocol/limits.ts';

export type Operation =
  | 'get'
  | 'put'
  | 'mix'
  | 'lock'
  | 'lock-confirmed'
  | 'lock-value'
  | 'lock-one-key'
  | 'lock-16-keys';

/** Round trips are compared by their median, rates by operations a second. */
export type Measure = 'round-trip' | 'rate';

export interface Case {
  readonly name: string;
  readonly operation: Operation;
  /** Async loops on one client, each with one operation under way. */
  readonly loops: number;
  readonly measure: Measure;
  /** Of the ratio to the echo: at most this for a round trip, at least this for a rate. Null: none is set. */
  readonly target: number | null;
}

export const cases: readonly Case[] = [
  { name: 'get-1', operation: 'get', loops: 1, measure: 'round-trip', target: 1.25 },
  { name: 'get-64', operation: 'get', loops: 64, measure: 'rate', target: 0.55 },
  { name: 'get-512', operation: 'get', loops: 512, measure: 'rate', target: 0.3 },
  { name: 'put-1', operation: 'put', loops: 1, measure: 'round-trip', target: null },
  { name: 'put-64', operation: 'put', loops: 64, measure: 'rate', target: 0.3 },
  { name: 'put-512', operation: 'put', loops: 512, measure: 'rate', target: null },
  { name: 'mix-64', operation: 'mix', loops: 64, measure: 'rate', target: null },
  { name: 'mix-512', operation: 'mix', loops: 512, measure: 'rate', target: null },
  { name: 'lock-1', operation: 'lock', loops: 1, measure: 'rate', target: 0.5 },
  { name: 'lock-64', operation: 'lock', loops: 64, measure: 'rate', target: 0.25 },
  { name: 'lock-confirmed-64', operation: 'lock-confirmed', loops: 64, measure: 'rate', target: null },
  { name: 'lock-value-64', operation: 'lock-value', loops: 64, measure: 'rate', target: null },
  { name: 'lock-16-keys-64', operation: 'lock-16-keys', loops: 64, measure: 'rate', target: null },
  { name: 'lock-one-key-64', operation: 'lock-one-key', loops: 64, measure: 'rate', target: null },
];

export const KEY_BYTES = 16;
export const VALUE_BYTES = 64;

const getFrames = [READ_KEY + KEY_BYTES, GOT_VALUE + VALUE_BYTES];
const putFrames = [WRITE_KEY + KEY_BYTES + VALUE_BYTES, DONE_PAYLOAD];
/** A pair: acquire and its answer, release and its answer. */
const lockFrames = [WRITE_KEY + KEY_BYTES, LOCKED_GOT + GOT_VALUE, WRITE_KEY + KEY_BYTES, DONE_PAYLOAD];
/** The value comes with the grant, and the next one goes with the release. */
const lockValueFrames = [
  WRITE_KEY + KEY_BYTES,
  LOCKED_GOT + GOT_VALUE + VALUE_BYTES,
  WRITE_KEY + KEY_BYTES + VALUE_BYTES,
  DONE_PAYLOAD,
];

const bodies: Record<Operation, readonly number[]> = {
  get: getFrames,
  put: putFrames,
  mix: [...getFrames, ...putFrames],
  lock: lockFrames,
  'lock-confirmed': lockFrames,
  'lock-value': lockValueFrames,
  'lock-one-key': lockFrames,
  'lock-16-keys': lockFrames,
};

/** Mean size of the frames of an operation, headers included: the size of the echo's frames. */
export function frameBytes(operation: Operation): number {
  const sizes = bodies[operation];
  return Math.round(FRAME_HEADER_BYTES + sizes.reduce((sum, size) => sum + size, 0) / sizes.length);
}
