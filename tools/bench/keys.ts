/** The keys of a run and the value that belongs to each: whoever reads a key knows what must come. */
import { KEY_BYTES, VALUE_BYTES } from './cases.ts';

export interface KeySpace {
  readonly keys: readonly string[];
  /** By the index of the key. */
  readonly values: readonly string[];
}

export function keySpace(count: number): KeySpace {
  const keys = Array.from({ length: count }, (_, index) => keyOf('key', index));
  return { keys, values: keys.map(valueFor) };
}

/** Distinct keys for `loops` loops, `perLoop` each. */
export function ownKeys(loops: number, perLoop: number): string[][] {
  return Array.from({ length: loops }, (_, loop) =>
    Array.from({ length: perLoop }, (_, index) => keyOf('lock', loop * perLoop + index)),
  );
}

export function keyOf(prefix: string, index: number): string {
  return flat(`${prefix}${String(index).padStart(KEY_BYTES - prefix.length, '0')}`);
}

export function valueFor(key: string): string {
  return flat(key.repeat(VALUE_BYTES / KEY_BYTES));
}

/** One piece of memory: a string made of others would be joined in the middle of a measurement. */
function flat(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1');
}
