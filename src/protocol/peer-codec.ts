/**
 * Frames between nodes, beside the requests that one forwards to another.
 *
 * APND   incarnation 8 bytes (the sender's) | record …      a batch: everything one turn appended for this backup
 *        record: length u32 | partition u16 | epoch u32 | operation u32 | commit u32 | kind u8 | timeMs u48 | body …
 *        length counts what follows it. `commit` is the operation of this epoch up to which everything is committed.
 *        Kind 0 carries no entry, only the commit point (`operation` is the last one sent).
 * ACKN   incarnation 8 bytes (the sender's) | record …
 *        record: partition u16 | status u8 | epoch u32 | operation u32
 *        status 0: everything through (epoch, operation) is held; 1: this is my last entry, send from there (R15);
 *        2: refused, I hold state of your former life (R4); 3: I have seen the higher epoch named, and hold nothing
 * BEAT   incarnation 8 bytes | flags u8 | …                 every 100 ms; whoever is silent for 600 ms is down
 * DROP   (empty) the message id is the number of a staged value to forget
 */
import { readI32, writeU32 } from '../base/bytes.ts';
import { INCARNATION_BYTES } from './hello-codec.ts';

export const PEER_RECORDS: number = INCARNATION_BYTES;

export const RECORD_LENGTH = 0;
export const RECORD_PARTITION = 4;
export const RECORD_EPOCH = 6;
export const RECORD_OPERATION = 10;
export const RECORD_COMMIT = 14;
export const RECORD_KIND = 18;
export const RECORD_TIME = 19;
export const RECORD_BODY = 25;

export const ACK_PARTITION = 0;
export const ACK_STATUS = 2;
export const ACK_EPOCH = 3;
export const ACK_OPERATION = 7;
export const ACK_BYTES = 11;

export const AckStatus = { held: 0, mismatch: 1, refused: 2, staleEpoch: 3 } as const;

export const BEAT_FLAGS: number = INCARNATION_BYTES;
export const BEAT_BYTES: number = INCARNATION_BYTES + 1;
export const BeatFlag = {
  /** The sender has reached its memory limit: its primaries must not append what needs memory. */
  memoryFull: 1,
} as const;

/** Whether the body at `at` begins with this incarnation. */
export function sameIncarnation(bytes: Uint8Array, at: number, incarnation: Uint8Array): boolean {
  return readI32(bytes, at) === readI32(incarnation, 0) && readI32(bytes, at + 4) === readI32(incarnation, 4);
}

export function copyIncarnation(incarnation: Uint8Array, target: Uint8Array, at: number): void {
  writeU32(target, at, readI32(incarnation, 0));
  writeU32(target, at + 4, readI32(incarnation, 4));
}
