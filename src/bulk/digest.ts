/** SHA-256 of bytes, for comparing what two sides hold. */
import { createHash } from 'node:crypto';

export const DIGEST_BYTES = 32;

export function sha256(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(createHash('sha256').update(bytes).digest());
}

/** Digest of packed rows as they stand: the same for the same rows in the same order, with the same lines. */
export function rowsDigest(rows: Uint8Array): Uint8Array<ArrayBuffer> {
  return sha256(rows);
}
