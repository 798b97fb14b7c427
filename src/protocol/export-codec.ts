/**
 * Bodies of what reads a partition as a whole: export in pages of NDJSON, and digests. The layout stands above each
 * group of offsets; PROTOCOL.md has them in words.
 */

/*
 * XPRT   timeLeftMs u32 | flags u8 | partition u16 | snapshot u32 (0: open one)
 *        rowsMax u32 (0: as many as there is room for) | prefixLength u16 | prefix
 */
export const EXPORT_FLAGS = 4;
export const EXPORT_PARTITION = 5;
export const EXPORT_SNAPSHOT = 7;
export const EXPORT_ROWS_MAX = 11;
export const EXPORT_PREFIX_LENGTH = 15;
export const EXPORT_PREFIX = 17;
export const ExportFlag = {
  /** The rest is not wanted: the snapshot is forgotten. */
  close: 1,
  /** No page is wanted yet, and the snapshot is to stay. */
  keep: 2,
} as const;

/*
 * XPRD   flags u8 | revision u64 | partition u16 | snapshot u32 | length u32 | rows u32 | check 32 bytes | text …
 *        `fragmented` and `length` stand where GOTK has them: with it the text follows in FRAG frames
 */
export const EXPORTED_FLAGS = 0;
export const EXPORTED_EPOCH = 1;
export const EXPORTED_OPERATION = 5;
export const EXPORTED_PARTITION = 9;
export const EXPORTED_SNAPSHOT = 11;
export const EXPORTED_LENGTH = 15;
export const EXPORTED_ROWS = 19;
export const EXPORTED_CHECK = 23;
export const EXPORTED_TEXT = 55;
export const CHECK_BYTES = 32;
export const ExportedFlag = { last: 1, fragmented: 2 } as const;

/*
 * HASH   timeLeftMs u32 | kind u8 | partition u16 | revision u64 | keyLength u16 | key
 */
export const HASH_KIND = 4;
export const HASH_PARTITION = 5;
export const HASH_EPOCH = 7;
export const HASH_OPERATION = 11;
export const HASH_KEY_LENGTH = 15;
export const HASH_KEY = 17;
export const HashKind = {
  /** SHA-256 of the value of the key. */
  value: 0,
  /** Content digest of a partition, at the revision named; 0: as it is now. */
  partition: 1,
} as const;

/*
 * HSHD   state u8 | revision u64 | count u48 (bytes of the value, keys of the partition) | digest …
 */
export const HASHED_STATE = 0;
export const HASHED_EPOCH = 1;
export const HASHED_OPERATION = 5;
export const HASHED_COUNT = 9;
export const HASHED_DIGEST = 15;
export const HashedState = {
  /** The key does not exist. */
  absent: 0,
  digest: 1,
  /** The replica is beyond the revision named: it is at `revision`. */
  passed: 2,
  /** The replica did not come to the revision named in time: it is at `revision`. */
  notReached: 3,
} as const;
