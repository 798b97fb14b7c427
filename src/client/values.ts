/** Values, times to live and summands, on their way to a node. */
import { shown } from '../base/option-table.ts';
import { KeyvalError } from '../errors.ts';
import { VALUE_BYTES_MAX } from '../protocol/limits.ts';
import type { Codec } from './codecs.ts';

const SPAN_MS_MAX: number = 2 ** 47;

/** @throws KeyvalError KV_TOO_LARGE, and whatever the codec throws */
export function encodeValue<V>(codec: Codec<V>, value: V): Uint8Array {
  const bytes = codec.encode(value);
  if (bytes.length <= VALUE_BYTES_MAX) return bytes;
  throw new KeyvalError('KV_TOO_LARGE', `the value has ${bytes.length} bytes; the largest has ${VALUE_BYTES_MAX}`);
}

/** @throws KeyvalError KV_USAGE */
export function encodeSummand(by: bigint | number): Uint8Array {
  if (typeof by !== 'bigint' && !Number.isSafeInteger(by))
    throw new KeyvalError('KV_USAGE', `incr adds whole numbers, not ${shown(by)}`);
  const summand = BigInt(by);
  if (BigInt.asIntN(64, summand) !== summand) throw new KeyvalError('KV_USAGE', `${by} does not fit 64 bits`);
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigInt64(0, summand);
  return bytes;
}

/** Milliseconds to live; 0: for ever. @throws KeyvalError KV_USAGE */
export function spanOf(ttlMs: number | undefined): number {
  if (ttlMs === undefined) return 0;
  if (!(ttlMs > 0) || ttlMs > SPAN_MS_MAX)
    throw new KeyvalError('KV_USAGE', `ttlMs must be above 0 and at most 2^47, not ${ttlMs}`);
  return Math.ceil(ttlMs);
}
