/** Work on many bytes at once, done here or elsewhere: whoever does it knows from which size on a hand-over is worth it. */
export interface BulkWork {
  /** Packed rows as NDJSON; the rows are given away. */
  encodeRows(rows: Uint8Array<ArrayBuffer>): Uint8Array | Promise<Uint8Array>;
  /** The bytes stay as they are meanwhile. */
  sha256(bytes: Uint8Array): Uint8Array | Promise<Uint8Array>;
}
