/**
 * Frames by which deadlocks are found (L10). The message id is the number of the round. Numbers big-endian; text8: length u8,
 * UTF-8 bytes.
 *
 * DLKQ   after u32                                          which of your locks are waited for, longer than that (ms)?
 * DLKA   lock …                                             these
 *        lock:  partition u16 | key text8 | grants u16 | waits u16 | grant … | wait …
 *        grant: token u64 | mode u8 | session 16 bytes | flow u32
 *        wait:  attachment u64 | sequence u32 | mode u8 | flags u8 (1: a conversion) | token u64 (of what it converts, or 0) |
 *               session 16 bytes | flow u32 | waits u32 (ms) | name text8
 * DLKV   partition u16 | attachment u64 | sequence u32 | cycle, the rest      that wait is to end; the cycle as in FAIL
 */
import type { ByteReader } from '../base/byte-reader.ts';
import { LOCK_MODES } from '../base/lock-mode.ts';
import type { DeadlockStep } from '../errors.ts';
import type { ReportedGrant, ReportedLock, ReportedWait } from '../lock/messages.ts';
import { SESSION_BYTES } from './client-codec.ts';
import { type Fields, readHex, readText, whole, writeHex, writeText } from './control-codec.ts';
import { decodeCycle, encodeCycle } from './deadlock-cycle.ts';

export const DEADLOCK_AFTER = 0;
export const DEADLOCK_ASKED_BYTES = 4;

const GRANT_BYTES = 29;
/** With an empty name. */
const WAIT_BYTES_MIN = 47;
const FLAG_CONVERTS = 1;

/** A wait that is to end, and why. */
export interface Condemned {
  readonly partition: number;
  /** Attachment. */
  readonly epoch: number;
  readonly operation: number;
  readonly sequence: number;
  readonly cycle: readonly DeadlockStep[];
}

export function encodeReport(fields: Fields, locks: readonly ReportedLock[]): void {
  for (const { partition, key, grants, waits } of locks) {
    fields.u16(partition);
    writeText(fields, key);
    fields.u16(grants.length);
    fields.u16(waits.length);
    for (const grant of grants) encodeGrant(fields, grant);
    for (const wait of waits) encodeWait(fields, wait);
  }
}

function encodeGrant(fields: Fields, { epoch, operation, mode, session, flow }: ReportedGrant): void {
  fields.u32(epoch);
  fields.u32(operation);
  fields.u8(mode);
  writeHex(fields, session);
  fields.u32(flow);
}

function encodeWait(fields: Fields, wait: ReportedWait): void {
  const { converts } = wait;
  fields.u32(wait.epoch);
  fields.u32(wait.operation);
  fields.u32(wait.sequence);
  fields.u8(wait.mode);
  fields.u8(converts === null ? 0 : FLAG_CONVERTS);
  fields.u32(converts?.epoch ?? 0);
  fields.u32(converts?.operation ?? 0);
  writeHex(fields, wait.session);
  fields.u32(wait.flow);
  fields.u32(wait.waitsMs);
  writeText(fields, wait.name);
}

/** Null: these bytes are no report. */
export function decodeReport(bytes: Uint8Array, start: number, end: number): ReportedLock[] | null {
  return whole(bytes, start, end, (reader) => {
    const locks: ReportedLock[] = [];
    while (reader.left > 0 && !reader.isShort) {
      const lock = readLock(reader);
      if (lock === null) return null;
      locks.push(lock);
    }
    return locks;
  });
}

function readLock(reader: ByteReader): ReportedLock | null {
  const partition = reader.u16();
  const key = readText(reader);
  const grantCount = reader.u16();
  const waitCount = reader.u16();
  if (grantCount * GRANT_BYTES + waitCount * WAIT_BYTES_MIN > reader.left) return null;
  const grants = Array.from({ length: grantCount }, () => readGrant(reader));
  const waits = Array.from({ length: waitCount }, () => readWait(reader));
  const isSound = [...grants, ...waits].every(({ mode }) => mode < LOCK_MODES);
  return isSound ? { partition, key, grants, waits } : null;
}

function readGrant(reader: ByteReader): ReportedGrant {
  const epoch = reader.u32();
  const operation = reader.u32() | 0;
  const mode = reader.u8();
  const session = readHex(reader, SESSION_BYTES);
  return { epoch, operation, mode, session, flow: reader.u32() };
}

function readWait(reader: ByteReader): ReportedWait {
  const epoch = reader.u32();
  const operation = reader.u32() | 0;
  const sequence = reader.u32() | 0;
  const mode = reader.u8();
  const isConversion = (reader.u8() & FLAG_CONVERTS) !== 0;
  const token = { epoch: reader.u32(), operation: reader.u32() | 0 };
  const session = readHex(reader, SESSION_BYTES);
  const flow = reader.u32();
  const waitsMs = reader.u32();
  const converts = isConversion ? token : null;
  return { epoch, operation, sequence, mode, converts, session, flow, waitsMs, name: readText(reader) };
}

export function encodeCondemned(fields: Fields, { partition, epoch, operation, sequence, cycle }: Condemned): void {
  fields.u16(partition);
  fields.u32(epoch);
  fields.u32(operation);
  fields.u32(sequence);
  const text = encodeCycle(cycle);
  fields.bytes(text, 0, text.length);
}

/** Null: these bytes are none. */
export function decodeCondemned(bytes: Uint8Array, start: number, end: number): Condemned | null {
  return whole(bytes, start, end, (reader) => {
    const partition = reader.u16();
    const epoch = reader.u32();
    const operation = reader.u32() | 0;
    const sequence = reader.u32() | 0;
    const cycle = decodeCycle(reader.bytes(Math.max(0, reader.left)));
    return cycle === null ? null : { partition, epoch, operation, sequence, cycle };
  });
}
