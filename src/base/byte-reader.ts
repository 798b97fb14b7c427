/**
 * Reads fields front to back. Reading past the end gives zeros and is remembered in `isShort`: who reads a whole record
 * asks once, at its end. What is read is copied.
 */
import { readU16, readU32, readU48 } from './bytes.ts';

const NOTHING: Uint8Array = new Uint8Array(0);

export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #end: number;
  #at: number;
  /** Something was read that was not there. */
  isShort = false;

  constructor(bytes: Uint8Array, start = 0, end: number = bytes.length) {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
  }

  /** Everything was there, and nothing is left over. */
  get isComplete(): boolean {
    return !this.isShort && this.#at === this.#end;
  }

  get left(): number {
    return this.#end - this.#at;
  }

  u8(): number {
    return this.#has(1) ? (this.#bytes[this.#at++] as number) : 0;
  }

  u16(): number {
    return this.#has(2) ? readU16(this.#bytes, this.#skip(2)) : 0;
  }

  u32(): number {
    return this.#has(4) ? readU32(this.#bytes, this.#skip(4)) : 0;
  }

  u48(): number {
    return this.#has(6) ? readU48(this.#bytes, this.#skip(6)) : 0;
  }

  bytes(count: number): Uint8Array {
    if (!this.#has(count)) return NOTHING;
    const at = this.#skip(count);
    return this.#bytes.slice(at, at + count);
  }

  #has(count: number): boolean {
    if (this.#at + count <= this.#end && !this.isShort) return true;
    this.isShort = true;
    return false;
  }

  #skip(count: number): number {
    const at = this.#at;
    this.#at += count;
    return at;
  }
}
