/** Memory, longest puts and pauses of a store inside this process: the tables of a node, or a Map. */
import { performance } from 'node:perf_hooks';
import { setImmediate as turn } from 'node:timers/promises';
import { median } from '../../bench/ratio.ts';
import { KEY_BYTES, VALUE_BYTES, writeKey, writeValue } from '../data.ts';
import { PartitionedStore } from '../partitioned-store.ts';
import { BufferMap } from '../paths/map.ts';
import type { Growth, MemoryFigures, MemoryRequest, TableParts } from './figures.ts';
import { GcWatch, settledUsage } from './gc-watch.ts';

const PARTITIONS = 256;
/** Operations of the mix between two looks at the clock. */
const BATCH = 1000;

interface Store {
  put(key: Buffer, value: Buffer): void;
  /** Copies the value to `target`; false: not there. */
  get(key: Buffer, target: Buffer): boolean;
  /** Bytes of the indexes where a put of this key would go; it grows by doubling. Null: not known. */
  indexBytes(key: Buffer): number | null;
  parts(keys: number): TableParts | null;
}

export async function measureInProcess({ subject, keys, seconds }: MemoryRequest): Promise<MemoryFigures> {
  const watch = new GcWatch();
  const store = subject === 'map' ? mapStore() : tableStore(subject === 'tables' ? PARTITIONS : 1);
  const before = await settledUsage();
  watch.begin();
  const { longestPutMs, growths } = fill(store, keys);
  const fillPauses = await watch.end();
  const timed = growths.map((one) => ({ bytes: one.bytes, ms: one.endMs - one.beginMs - pausedIn(watch, one) }));
  const after = await settledUsage();
  watch.begin();
  const operations = await mix(store, keys, seconds);
  const mixPauses = await watch.end();
  watch.close();
  const heapBytes = after.heapBytes - before.heapBytes;
  return {
    subject,
    keys,
    residentBytes: after.residentBytes - before.residentBytes,
    usedBytes: heapBytes + after.arrayBufferBytes - before.arrayBufferBytes,
    heapBytes,
    parts: store.parts(keys),
    longestPutMs,
    growth: growthOf(timed),
    fillPauses,
    mixPauses,
    mixPerSecond: operations / mixPauses.seconds,
  };
}

/** Plain `Uint8Array` views are what the tables see in a node; a Map gets Buffers. */
function tableStore(partitions: number): Store {
  const store = new PartitionedStore(partitions);
  const value = new Uint8Array(VALUE_BYTES);
  const key = new Uint8Array(KEY_BYTES);
  return {
    put: (fromKey, fromValue) => {
      key.set(fromKey);
      value.set(fromValue);
      store.put(key, 0, value, 0);
    },
    get: (fromKey, target) => {
      key.set(fromKey);
      if (!store.get(key, 0, value)) return false;
      target.set(value);
      return true;
    },
    indexBytes: (fromKey) => {
      key.set(fromKey);
      const table = store.tableOf(key, 0);
      return table.bytes - table.size * BLOCK_BYTES;
    },
    parts: (keys) => partsOf(store, keys),
  };
}

/** Size class of the block of one of these keys: 2 + 16 + 12 + 64 bytes. */
const BLOCK_BYTES = 96;

function partsOf({ arena, tables }: PartitionedStore, keys: number): TableParts {
  const data = keys * (KEY_BYTES + VALUE_BYTES);
  return {
    data,
    blocks: arena.usedBytes - data,
    chunks: arena.reservedBytes - arena.usedBytes,
    index: tables.reduce((sum, table) => sum + table.bytes, 0) - arena.usedBytes,
  };
}

function mapStore(): Store {
  const map = new BufferMap();
  return {
    put: (key, value) => map.put(key, 0, value, 0),
    get: (key, target) => map.get(key, 0, target),
    indexBytes: () => null,
    parts: () => null,
  };
}

/** A put that made a table grow, and by how much. */
interface Step {
  readonly beginMs: number;
  readonly endMs: number;
  readonly bytes: number;
}

function pausedIn(watch: GcWatch, { beginMs, endMs }: Step): number {
  return watch.pausedMs(beginMs, endMs);
}

function growthOf(steps: readonly { readonly bytes: number; readonly ms: number }[]): Growth | null {
  if (steps.length === 0) return null;
  const most = Math.max(...steps.map(({ bytes }) => bytes));
  const largest = steps.filter(({ bytes }) => bytes === most).map(({ ms }) => ms);
  return { largestMs: median(largest), longestMs: Math.max(...steps.map(({ ms }) => ms)) };
}

function fill(store: Store, keys: number): { longestPutMs: number; growths: Step[] } {
  const key = Buffer.alloc(KEY_BYTES);
  const value = Buffer.alloc(VALUE_BYTES);
  const growths: Step[] = [];
  let longestPutMs = 0;
  for (let index = 0; index < keys; index++) {
    writeKey(key, 0, index);
    writeValue(value, 0, index);
    const bytesBefore = store.indexBytes(key);
    const beginMs = performance.now();
    store.put(key, value);
    const endMs = performance.now();
    longestPutMs = Math.max(longestPutMs, endMs - beginMs);
    const bytes = (store.indexBytes(key) ?? 0) - (bytesBefore ?? 0);
    if (bytes > 0) growths.push({ beginMs, endMs, bytes });
  }
  return { longestPutMs, growths };
}

/** Gets and puts in turn on keys in scattered order, until the time is over. Gives how many there were. */
async function mix(store: Store, keys: number, seconds: number): Promise<number> {
  const key = Buffer.alloc(KEY_BYTES);
  const value = Buffer.alloc(VALUE_BYTES);
  const endMs = performance.now() + seconds * 1000;
  let operations = 0;
  let state = 1;
  do {
    for (let i = 0; i < BATCH; i += 2) {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      const index = state % keys;
      writeKey(key, 0, index);
      if (!store.get(key, value) || value.readUInt32BE(VALUE_BYTES - 4) !== index) throw new Error('a wrong value');
      store.put(key, value);
    }
    operations += BATCH;
    await turn();
  } while (performance.now() < endMs);
  return operations;
}
