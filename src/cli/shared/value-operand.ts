/** VALUE on the command line: the text itself, or `-` for standard input, byte for byte. */
import { VALUE_BYTES_MAX } from '../../protocol/limits.ts';
import { readInput } from './streams.ts';

export const valueDetails = 'VALUE is stored as UTF-8; - takes the bytes of standard input as they are.';

/** @throws KeyvalError KV_TOO_LARGE */
export function valueBytes(operand: string): Promise<Uint8Array> {
  return operand === '-' ? readInput(VALUE_BYTES_MAX) : Promise.resolve(new TextEncoder().encode(operand));
}
