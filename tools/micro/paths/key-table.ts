/**
 * Gets and puts of a node's store: slot, partition, table, value. Keys come in scattered order, so that with many of them
 * most look-ups miss the processor's caches, as they do in a node.
 */
import { readU32 } from '../../../src/base/bytes.ts';
import { KEY_BYTES, keysOf, scattered, VALUE_BYTES, writeKey, writeValue } from '../data.ts';
import { PartitionedStore } from '../partitioned-store.ts';
import { check, type HotPath, type PathOptions } from './path.ts';

const PARTITIONS = 256;
/** Operations of one call. */
const WINDOW = 1000;
const WINDOWS = 64;

export function keyTablePaths({ keys }: PathOptions): HotPath[] {
  const store = filledStore(keys);
  const known = scattered(WINDOW * WINDOWS, keys);
  const strange = Uint32Array.from(known, (index) => index + keys);
  const of = ` of ${keys.toLocaleString('en')} keys`;
  return [
    { name: `get${of}`, operations: WINDOW, run: getting(store, known) },
    { name: `get${of}, none there`, operations: WINDOW, run: missing(store, strange) },
    { name: `put${of}, over another value`, operations: WINDOW, run: putting(store, known) },
    { name: `put of a new key, and delete${of}`, operations: WINDOW, run: comingAndGoing(store, strange) },
  ];
}

function filledStore(keys: number): PartitionedStore {
  const store = new PartitionedStore(PARTITIONS);
  const key = new Uint8Array(KEY_BYTES);
  const value = new Uint8Array(VALUE_BYTES);
  for (let index = 0; index < keys; index++) {
    writeKey(key, 0, index);
    writeValue(value, 0, index);
    store.put(key, 0, value, 0);
  }
  check(store.size, keys, 'keys stored');
  return store;
}

/** Each call takes the next window of the sample. */
function windows(sample: ArrayLike<number>): () => number {
  const count = Math.floor(sample.length / WINDOW);
  let window = -1;
  return () => {
    window = (window + 1) % count;
    return window * WINDOW;
  };
}

function getting(store: PartitionedStore, sample: Uint32Array): () => void {
  const keys = keysOf(sample);
  const value = new Uint8Array(VALUE_BYTES);
  const next = windows(sample);
  return () => {
    const from = next();
    let wrong = 0;
    for (let i = from; i < from + WINDOW; i++) {
      if (!store.get(keys, i * KEY_BYTES, value) || readU32(value, VALUE_BYTES - 4) !== sample[i]) wrong++;
    }
    check(wrong, 0, 'wrong values');
  };
}

function missing(store: PartitionedStore, sample: Uint32Array): () => void {
  const keys = keysOf(sample);
  const value = new Uint8Array(VALUE_BYTES);
  const next = windows(sample);
  return () => {
    const from = next();
    let found = 0;
    for (let i = from; i < from + WINDOW; i++) if (store.get(keys, i * KEY_BYTES, value)) found++;
    check(found, 0, 'keys found that are not there');
  };
}

function putting(store: PartitionedStore, sample: Uint32Array): () => void {
  const keys = keysOf(sample);
  const values = valuesOf(sample);
  const next = windows(sample);
  const size = store.size;
  return () => {
    const from = next();
    for (let i = from; i < from + WINDOW; i++) store.put(keys, i * KEY_BYTES, values, i * VALUE_BYTES);
    check(store.size, size, 'keys stored');
  };
}

function comingAndGoing(store: PartitionedStore, sample: Uint32Array): () => void {
  const keys = keysOf(sample);
  const values = valuesOf(sample);
  const next = windows(sample);
  const size = store.size;
  return () => {
    const from = next();
    let removed = 0;
    for (let i = from; i < from + WINDOW; i++) {
      store.put(keys, i * KEY_BYTES, values, i * VALUE_BYTES);
      if (store.remove(keys, i * KEY_BYTES)) removed++;
    }
    check(removed, WINDOW, 'keys removed');
    check(store.size, size, 'keys stored');
  };
}

function valuesOf(sample: Uint32Array): Uint8Array {
  const values = new Uint8Array(sample.length * VALUE_BYTES);
  for (let i = 0; i < sample.length; i++) writeValue(values, i * VALUE_BYTES, sample[i] as number);
  return values;
}
