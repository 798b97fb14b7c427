/** How values become bytes and come back. */
import { KeyvalError } from '../errors.ts';

export interface Codec<V> {
  /** The bytes of a value. They are not changed until the request has settled. */
  encode(value: V): Uint8Array;
  /** The value in `bytes[start, end)`; the array is reused, so a codec that keeps bytes copies them. */
  decode(bytes: Uint8Array, start: number, end: number): V;
}

const encoder = new TextEncoder();

/** Decodes text from chunks without a view object per value: one for each chunk is enough. */
export class TextReader {
  #chunk: Uint8Array | null = null;
  #view: Buffer = Buffer.alloc(0);

  read(bytes: Uint8Array, start: number, end: number): string {
    if (bytes !== this.#chunk) {
      this.#chunk = bytes;
      this.#view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    }
    return this.#view.toString('utf8', start, end);
  }
}

const reader = new TextReader();

export const stringCodec: Codec<string> = {
  encode: (value) => {
    if (typeof value !== 'string')
      throw new KeyvalError('KV_USAGE', `a value is a string here, not ${describe(value)}`);
    return encoder.encode(value);
  },
  decode: (bytes, start, end) => reader.read(bytes, start, end),
};

export const bufferCodec: Codec<Uint8Array> = {
  encode: (value) => {
    if (!(value instanceof Uint8Array))
      throw new KeyvalError('KV_USAGE', `a value is a Buffer here, not ${describe(value)}`);
    return value;
  },
  decode: (bytes, start, end) => Buffer.from(bytes.subarray(start, end)),
};

export const jsonCodec: Codec<unknown> = {
  encode: (value) => {
    const text = JSON.stringify(value);
    if (text === undefined) throw new KeyvalError('KV_USAGE', `JSON has no form for ${describe(value)}`);
    return encoder.encode(text);
  },
  decode: (bytes, start, end) => JSON.parse(reader.read(bytes, start, end)),
};

function describe(value: unknown): string {
  if (value === null) return 'null';
  return typeof value === 'object' ? (value.constructor?.name ?? 'an object') : typeof value;
}
