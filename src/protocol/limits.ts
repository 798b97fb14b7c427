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
/** Frames in one batch container. */
export const BATCH_FRAMES_MAX = 10_000;

/** Session leases, as asked for by clients. */
export const LEASE_MS_MIN = 100;
export const LEASE_MS_MAX = 60_000;
export const NAME_BYTES_MAX = 255;
