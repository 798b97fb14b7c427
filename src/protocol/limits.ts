/** Limits of the wire, one place. A peer that passes one is answered or dropped before anything is allocated. */

/** Version of the protocol this code speaks, and the oldest it still understands. */
export const PROTOCOL_VERSION = 1;
export const PROTOCOL_VERSION_OLDEST = 1;

/** Bytes before the body: length u32, opcode u32, message id u32. */
export const FRAME_HEADER_BYTES = 12;
/** What the length field of an empty frame says: it counts opcode and message id. */
export const FRAME_LENGTH_MIN = 8;
/** Largest length field; below 2^24, so the first byte of a binary peer is 0x00 and tells it from other protocols. */
export const FRAME_LENGTH_MAX: number = (1 << 24) - 1;
/** Largest length field that a node takes from a client: a batch, a chunk of rows to load. */
export const CLIENT_FRAME_LENGTH_MAX: number = (1 << 21) - 1;
/** Largest length field before the login is done. */
export const LOGIN_FRAME_LENGTH_MAX = 4096;
/** A connection that has not logged in after this is closed. */
export const LOGIN_TIMEOUT_MS = 5000;

export const KEY_BYTES_MAX = 65_535;
export const VALUE_BYTES_MAX: number = 64 * 1024 * 1024;
/** A larger value travels as fragments and is staged: small frames pass between its pieces. */
export const INLINE_VALUE_BYTES_MAX: number = 64 * 1024;
/** Payload of one fragment. */
export const FRAGMENT_BYTES: number = 64 * 1024;
/** Bytes of one page of a scan, about; a page holds at least one entry. */
export const SCAN_PAGE_BYTES_MAX: number = 256 * 1024;
export const SCAN_PAGE_ENTRIES_MAX = 10_000;
/** Bytes of keys and values in one page of an export, about; a page holds at least one row. */
export const EXPORT_PAGE_BYTES_MAX: number = 256 * 1024;
/** Text of a page in one frame; a longer one travels as fragments. */
export const EXPORT_FRAME_TEXT_BYTES_MAX: number = 1024 * 1024;
/** Text of a page at all: the longest line has a value of 64 MiB and a key whose every byte takes six. */
export const EXPORT_TEXT_BYTES_MAX: number = 512 * 1024 * 1024;
/** Exports open at a node at the same time; one that nobody asks for a page for so long is forgotten. */
export const EXPORTS_MAX = 8;
export const EXPORT_IDLE_MS = 30_000;
/** Digests of partitions under way at a node at the same time. */
export const DIGESTS_MAX = 32;
/** Slots of a partition that one page of a scan looks at: a page that finds nothing ends, too. */
export const SCAN_PAGE_SLOTS_MAX = 32_768;
/** Text of one LOAD. */
export const LOAD_BYTES_MAX: number = 1024 * 1024;
/** Lines whose failure one LODD tells; further ones are only counted. */
export const LOAD_FAILURES_MAX = 100;
/** Frames in one batch container. */
export const BATCH_FRAMES_MAX = 1000;

/** Session leases, as asked for by clients. */
export const LEASE_MS_MIN = 100;
export const LEASE_MS_MAX = 60_000;
export const NAME_BYTES_MAX = 255;
/** L13: how long a key stays locked after its lock was lost, at most: an hour. */
export const LOCK_DELAY_MS_MAX = 3_600_000;
