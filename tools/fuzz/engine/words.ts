/** Numbers and byte strings that code is likely to treat specially: edges of limits, opcodes. */
import * as limits from '../../../src/protocol/limits.ts';
import * as opcodes from '../../../src/protocol/opcode.ts';

/** Every opcode of the protocol. */
export const OPCODES: readonly number[] = Object.values(opcodes).filter((value) => typeof value === 'number');

const edges: readonly number[] = [
  ...Object.values(limits).filter((value) => typeof value === 'number'),
  0,
  2 ** 7,
  2 ** 8,
  2 ** 15,
  2 ** 16,
  2 ** 24,
  2 ** 31,
  2 ** 32,
];

/** Each edge, one below and one above. */
export const NUMBERS: readonly number[] = [...new Set(edges.flatMap((edge) => [edge - 1, edge, edge + 1]))].map(
  (value) => value >>> 0,
);

export const WORDS: readonly Uint8Array[] = [
  ...OPCODES.map((opcode) => u32(opcode)),
  ...['keyval', '127.0.0.1:6234', '{', '}', ',', '"', '\\', '\n', '0', '-1', 'null', '\u00e9', '\ufeff'].map((text) =>
    new TextEncoder().encode(text),
  ),
  new Uint8Array([0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
  new Uint8Array([0xc3]),
  new Uint8Array(16),
];

export function u32(value: number): Uint8Array {
  return new Uint8Array([value >>> 24, value >>> 16, value >>> 8, value]);
}
