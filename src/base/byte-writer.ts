/** Fields one after another into bytes that grow: for what is written now and then, not for the hot path. */
import { writeU16, writeU32, writeU48 } from './bytes.ts';

const BYTES_AT_FIRST = 256;

export class ByteWriter {
  #bytes: Uint8Array = new Uint8Array(BYTES_AT_FIRST);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  u8(value: number): void {
    const at = this.#take(1);
    this.#bytes[at] = value;
  }

  u16(value: number): void {
    const at = this.#take(2);
    writeU16(this.#bytes, at, value);
  }

  u32(value: number): void {
    const at = this.#take(4);
    writeU32(this.#bytes, at, value);
  }

  u48(value: number): void {
    const at = this.#take(6);
    writeU48(this.#bytes, at, value);
  }

  bytes(source: Uint8Array, start = 0, end: number = source.length): void {
    const at = this.#take(end - start);
    this.#bytes.set(source.subarray(start, end), at);
  }

  /** A copy of what was written. */
  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  #take(count: number): number {
    const at = this.#length;
    this.#length += count;
    if (this.#length > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(this.#length, this.#bytes.length * 2));
      larger.set(this.#bytes.subarray(0, at));
      this.#bytes = larger;
    }
    return at;
  }
}
