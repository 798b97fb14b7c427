/** What is measured of one subject that holds a number of keys. */
import type { Pauses } from './gc-watch.ts';

/** The store of a node in one process; the same without partitions; a plain Map; a whole node; redis-server. */
export type Subject = 'tables' | 'one-table' | 'map' | 'node' | 'redis';

export const subjects: readonly Subject[] = ['tables', 'one-table', 'map', 'node', 'redis'];

export interface MemoryRequest {
  readonly subject: Subject;
  readonly keys: number;
  /** How long the mix of gets and puts goes on. */
  readonly seconds: number;
}

export interface MemoryFigures {
  readonly subject: Subject;
  readonly keys: number;
  /** What the keys added, bytes. */
  readonly residentBytes: number;
  /** What the process itself counts: heap and array buffers, or the used memory of redis-server. */
  readonly usedBytes: number;
  readonly heapBytes: number | null;
  /** Where the bytes of the tables are. */
  readonly parts: TableParts | null;
  /** Longest put while the keys came; of a node, as its client sees it with many requests under way. */
  readonly longestPutMs: number | null;
  readonly growth: Growth | null;
  readonly fillPauses: Pauses | null;
  readonly mixPauses: Pauses | null;
  /** Gets and puts in the mix. */
  readonly mixPerSecond: number | null;
}

/** Puts that made a table grow, all at once; without the pauses that fell into them. Milliseconds. */
export interface Growth {
  /** Median of the growths by the most bytes: of all tables when they are largest. */
  readonly largestMs: number;
  readonly longestMs: number;
}

export interface TableParts {
  /** Of 16-byte keys and 64-byte values alone. */
  readonly data: number;
  /** Besides, in blocks in use: lengths, revision, rounding up to a size class. */
  readonly blocks: number;
  /** Of chunks, not in use: blocks to come, and the bits. */
  readonly chunks: number;
  /** Buckets and refs of the indexes. */
  readonly index: number;
}

/** Why a subject could not be measured. */
export interface Absent {
  readonly subject: Subject;
  readonly keys: number;
  readonly absent: string;
}
