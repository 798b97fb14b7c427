/** The same gets and puts on what JavaScript has of its own, to compare with: a Map from strings to Buffers. */
import { KEY_BYTES, scattered, VALUE_BYTES, writeKey, writeValue } from '../data.ts';
import { check, type HotPath, type PathOptions } from './path.ts';

const WINDOW = 1000;
const WINDOWS = 64;

/** As a server would: keys come as bytes and become strings, values are copied out of the message. */
export class BufferMap {
  readonly #map: Map<string, Buffer> = new Map();

  get size(): number {
    return this.#map.size;
  }

  put(keys: Buffer, keyAt: number, values: Buffer, valueAt: number): void {
    this.#map.set(textOf(keys, keyAt), Buffer.from(values.subarray(valueAt, valueAt + VALUE_BYTES)));
  }

  get(keys: Buffer, keyAt: number, target: Buffer): boolean {
    const value = this.#map.get(textOf(keys, keyAt));
    value?.copy(target);
    return value !== undefined;
  }
}

function textOf(keys: Buffer, at: number): string {
  return keys.toString('latin1', at, at + KEY_BYTES);
}

export function mapPaths({ keys }: PathOptions): HotPath[] {
  const sample = new Sample(keys);
  const map = filledMap(keys);
  const of = ` of ${keys.toLocaleString('en')} keys`;
  return [
    { name: `Map, get${of}`, operations: WINDOW, run: getting(map, sample) },
    { name: `Map, put${of}, over another value`, operations: WINDOW, run: putting(map, sample) },
  ];
}

function filledMap(keys: number): BufferMap {
  const map = new BufferMap();
  const key = Buffer.alloc(KEY_BYTES);
  const value = Buffer.alloc(VALUE_BYTES);
  for (let index = 0; index < keys; index++) {
    writeKey(key, 0, index);
    writeValue(value, 0, index);
    map.put(key, 0, value, 0);
  }
  check(map.size, keys, 'keys stored');
  return map;
}

/** Keys and values in scattered order; each call takes the next part of them. */
class Sample {
  readonly indexes: Uint32Array;
  readonly keys: Buffer;
  readonly values: Buffer;
  #window = 0;

  constructor(limit: number) {
    this.indexes = scattered(WINDOW * WINDOWS, limit);
    this.keys = Buffer.alloc(this.indexes.length * KEY_BYTES);
    this.values = Buffer.alloc(this.indexes.length * VALUE_BYTES);
    this.indexes.forEach((index, i) => {
      writeKey(this.keys, i * KEY_BYTES, index);
      writeValue(this.values, i * VALUE_BYTES, index);
    });
  }

  next(): number {
    this.#window = (this.#window + 1) % WINDOWS;
    return this.#window * WINDOW;
  }
}

function getting(map: BufferMap, sample: Sample): () => void {
  const { indexes, keys } = sample;
  const value = Buffer.alloc(VALUE_BYTES);
  return () => {
    const from = sample.next();
    let wrong = 0;
    for (let i = from; i < from + WINDOW; i++) {
      if (!map.get(keys, i * KEY_BYTES, value) || value.readUInt32BE(VALUE_BYTES - 4) !== indexes[i]) wrong++;
    }
    check(wrong, 0, 'wrong values');
  };
}

function putting(map: BufferMap, sample: Sample): () => void {
  const { keys, values } = sample;
  const { size } = map;
  return () => {
    const from = sample.next();
    for (let i = from; i < from + WINDOW; i++) map.put(keys, i * KEY_BYTES, values, i * VALUE_BYTES);
    check(map.size, size, 'keys stored');
  };
}
