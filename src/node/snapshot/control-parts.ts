/**
 * Sessions and locks of a partition as parts of a snapshot (layout.ts). They are copied all at once, when the snapshot is
 * taken: beside the keys they are small.
 */
import { assert } from '../../base/assert.ts';
import { ByteWriter } from '../../base/byte-writer.ts';
import { type Attachment, RecordStatus } from '../../replication/attachment.ts';
import type { PartitionState } from '../partition-state.ts';
import * as layout from './layout.ts';
import { Part } from './layout.ts';

const NONE = -1;
const utf8 = new TextEncoder();

export function controlParts(state: PartitionState): Uint8Array {
  const writer = new ByteWriter();
  writeList(writer, Part.freeSlots, state.attachments.freeSlots);
  for (const attachment of state.attachments) writeSession(writer, attachment);
  writeLocks(writer, state);
  writeList(writer, Part.waits, waitsInOrder(state));
  writeList(writer, Part.freeWaiters, state.locks.freeWaiters);
  return writer.finish();
}

export function beginPart(writer: ByteWriter, tag: number, length: number): void {
  writer.u8(tag);
  writer.u32(length);
}

function writeList(writer: ByteWriter, tag: number, numbers: readonly number[]): void {
  for (let from = 0; from < numbers.length; from += layout.LIST_PART_MAX) {
    const end = Math.min(numbers.length, from + layout.LIST_PART_MAX);
    beginPart(writer, tag, (end - from) * 4);
    for (let index = from; index < end; index += 1) writer.u32(numbers[index] as number);
  }
}

function writeSession(writer: ByteWriter, attachment: Attachment): void {
  const name = utf8.encode(attachment.name);
  beginPart(writer, Part.session, layout.SESSION_BYTES + name.length);
  writer.u32(attachment.slot);
  writer.u32(attachment.epoch);
  writer.u32(attachment.operation);
  writer.u32(attachment.mark);
  writer.u32(attachment.leaseMs);
  writeHex(writer, attachment.session);
  writer.bytes(name);
  for (let ahead = 0; ahead < attachment.recordsEnd; ahead += 1) {
    if (attachment.status((attachment.mark + ahead) | 0) > RecordStatus.pending) writeRecord(writer, attachment, ahead);
  }
}

function writeHex(writer: ByteWriter, digits: string): void {
  assert(digits.length === layout.SESSION_ID_BYTES * 2, 'snapshot: a session id has 16 bytes');
  for (let at = 0; at < digits.length; at += 8) writer.u32(Number.parseInt(digits.slice(at, at + 8), 16));
}

function writeRecord(writer: ByteWriter, attachment: Attachment, ahead: number): void {
  const sequence = (attachment.mark + ahead) | 0;
  beginPart(writer, Part.record, layout.RECORD_BYTES);
  writer.u16(ahead);
  writer.u8(attachment.status(sequence));
  writer.u32(attachment.recordEpoch(sequence));
  writer.u32(attachment.recordOperation(sequence));
  writer.u32(attachment.payloadHigh(sequence));
  writer.u32(attachment.payloadLow(sequence));
}

/** Every held lock is one of a session that is attached. */
function writeLocks(writer: ByteWriter, { attachments, locks }: PartitionState): void {
  let written = 0;
  for (const { slot: holder } of attachments) {
    for (let slot = locks.firstHeld(holder); slot !== NONE; slot = locks.heldAfter(slot)) {
      const key = new Uint8Array(locks.keyLength(slot));
      locks.copyKey(slot, key, 0);
      beginPart(writer, Part.lock, layout.LOCK_BYTES + key.length);
      writer.u32(holder);
      writer.u32(locks.holderSequence(slot));
      writer.u32(locks.tokenEpoch(slot));
      writer.u32(locks.tokenOperation(slot));
      writer.u48(locks.sinceMs(slot));
      writer.bytes(key);
      for (let waiter = locks.firstWaiter(slot); waiter !== NONE; waiter = locks.waiterAfter(waiter)) {
        beginPart(writer, Part.waiter, layout.WAITER_BYTES);
        writer.u32(waiter);
        writer.u32(locks.waiterAttachment(waiter));
        writer.u32(locks.waiterSequence(waiter));
        writer.u48(locks.waiterSinceMs(waiter));
      }
      written += 1;
    }
  }
  assert(written === locks.size, 'snapshot: every lock has a holder that is attached');
}

function waitsInOrder({ attachments, locks }: PartitionState): number[] {
  const waits: number[] = [];
  for (const { slot } of attachments) {
    for (let waiter = locks.firstWait(slot); waiter !== NONE; waiter = locks.waitAfter(waiter)) waits.push(waiter);
  }
  assert(waits.length === locks.waiting, 'snapshot: every wait is one of a session that is attached');
  return waits;
}
