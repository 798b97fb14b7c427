/**
 * Frames between nodes, beside the requests that one forwards to another.
 *
 * APND   incarnation 8 bytes (the sender's) | record …      a batch: everything one turn appended for this follower
 *        record: length u32 | partition u16 | configuration u32 | epoch u32 | operation u32 | commit u32 |
 *                kind u8 | timeMs u48 | body …
 *        length counts what follows it. `configuration` is the epoch of the sender's reign (R2), `epoch` that of the
 *        entry. `commit` is the operation of the reign's epoch up to which everything is committed, 0: nothing yet.
 *        Kind 0 carries no entry, only the commit point (`operation` is the last one sent).
 * ACKN   incarnation 8 bytes (the sender's) | record …
 *        record: partition u16 | status u8 | configuration u32 | epoch u32 | operation u32
 *        status 0: everything through (epoch, operation) is held; 1: this is my last entry that may be yours, send from
 *        behind it (R15); 2: `configuration` is over, I have seen a higher one (R2)
 * BEAT   incarnation 8 bytes | flags u8 | version u32 | sent u48 | echo u48
 *        every 100 ms; whoever is silent for 600 ms is down. `sent` is the sender's clock in microseconds; `echo` the
 *        last `sent` that it has received, and with it the sender grants its lease, counted from then (R12), as one who
 *        has applied the book through `version`. echo 0: it grants nothing.
 * DROP   (empty) the message id is the number of a staged value to forget
 * CONF   partition u16 | epoch u32                  has anybody passed this epoch? The message id is the round's (R10)
 * CNFD   partition u16 | epoch u32                  no. There is no other answer
 * LRLS   partition u16 | epoch u32                  the sender answers no more reads under `epoch` or below (R17)
 * REPT   partition u16 | epoch u32 | count u8 | slot u16 × count     a primary cannot reach those members (R18)
 * WISH   partition u16 | epoch u32 | slot u16       the commander asks a primary to hand the partition over to that member
 * SNAP   partition u16 | configuration u32 | number u32 | slice …    a piece of a snapshot (R21), on the bulk link
 * SNPD   partition u16 | configuration u32 | number u32 | status u8  it has come: 0 more is wanted, 1 it is installed, 2 begin anew
 * STLL   incarnation 8 bytes | nodeId u48 | stalledMs u32  on a liveness link, from another thread: the main thread of that
 *        life has not come round for so long. Believed for 300 ms; it says so again while that lasts
 */
import { readI32, readU32, readU48, writeU32 } from '../base/bytes.ts';
import type { FrameWriter } from './frame-writer.ts';
import { INCARNATION_BYTES } from './hello-codec.ts';
import { STLL } from './opcode.ts';

export const PEER_RECORDS: number = INCARNATION_BYTES;

export const RECORD_LENGTH = 0;
export const RECORD_PARTITION = 4;
export const RECORD_CONFIGURATION = 6;
export const RECORD_EPOCH = 10;
export const RECORD_OPERATION = 14;
export const RECORD_COMMIT = 18;
export const RECORD_KIND = 22;
export const RECORD_TIME = 23;
export const RECORD_BODY = 29;

export const ACK_PARTITION = 0;
export const ACK_STATUS = 2;
export const ACK_CONFIGURATION = 3;
export const ACK_EPOCH = 7;
export const ACK_OPERATION = 11;
export const ACK_BYTES = 15;

export const AckStatus = { held: 0, mismatch: 1, stale: 2 } as const;

export const BEAT_FLAGS: number = INCARNATION_BYTES;
export const BEAT_VERSION: number = INCARNATION_BYTES + 1;
export const BEAT_SENT: number = INCARNATION_BYTES + 5;
export const BEAT_ECHO: number = INCARNATION_BYTES + 11;
export const BEAT_BYTES: number = INCARNATION_BYTES + 17;
export const BeatFlag = {
  /** The sender has reached its memory limit: its primaries must not append what needs memory. */
  memoryFull: 1,
  /** At `sent` nobody else could be primary of the partitions that the receiver follows in sync from the sender (R13). */
  vouches: 2,
} as const;

/** CONF, CNFD, LRLS, REPT, WISH begin alike. */
export const NAMED_PARTITION = 0;
export const NAMED_EPOCH = 2;
export const NAMED_REST = 6;

export const SNAP_PARTITION = 0;
export const SNAP_CONFIGURATION = 2;
export const SNAP_NUMBER = 6;
export const SNAP_SLICE = 10;
export const SnapStatus = { more: 0, installed: 1, again: 2 } as const;
export const SNAPPED_STATUS = 10;
export const SNAPPED_BYTES = 11;

export const STALL_NODE: number = INCARNATION_BYTES;
export const STALL_MS: number = INCARNATION_BYTES + 6;
export const STALL_BYTES: number = INCARNATION_BYTES + 10;
const U32_MAX = 0xffff_ffff;

export interface Stall {
  readonly incarnation: Uint8Array;
  readonly nodeId: number;
  readonly stalledMs: number;
}

/** A whole STLL. */
export function writeStall(writer: FrameWriter, { incarnation, nodeId, stalledMs }: Stall): void {
  writer.begin(STLL, 0);
  writer.bytes(incarnation, 0, INCARNATION_BYTES);
  writer.u48(nodeId);
  writer.u32(Math.min(Math.round(stalledMs), U32_MAX));
  writer.end();
}

/** The body of STLL at `start`; null: it is cut short. */
export function readStall(bytes: Uint8Array, start: number, end: number): Stall | null {
  if (end - start < STALL_BYTES) return null;
  return {
    incarnation: bytes.slice(start, start + INCARNATION_BYTES),
    nodeId: readU48(bytes, start + STALL_NODE),
    stalledMs: readU32(bytes, start + STALL_MS),
  };
}

/** Whether the body at `at` begins with this incarnation. */
export function sameIncarnation(bytes: Uint8Array, at: number, incarnation: Uint8Array): boolean {
  return readI32(bytes, at) === readI32(incarnation, 0) && readI32(bytes, at + 4) === readI32(incarnation, 4);
}

export function copyIncarnation(incarnation: Uint8Array, target: Uint8Array, at: number): void {
  writeU32(target, at, readI32(incarnation, 0));
  writeU32(target, at + 4, readI32(incarnation, 4));
}
