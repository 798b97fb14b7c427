/**
 * Sessions and locks of a partition as parts of a snapshot (layout.ts). They are copied all at once, when the snapshot is
 * taken: beside the keys they are small.
 */
import { assert } from '../../base/assert.ts';
import { ByteWriter } from '../../base/byte-writer.ts';
import type { Conversion } from '../../lock/conversions.ts';
import type { LockTable } from '../../lock/lock-table.ts';
import type { Requests } from '../../lock/requests.ts';
import { type Attachment, RecordStatus } from '../../replication/attachment.ts';
import type { PartitionState } from '../partition-state.ts';
import * as layout from './layout.ts';
import { Part, RequestState } from './layout.ts';
import { writeLosses } from './loss-parts.ts';

const NONE = -1;
const utf8 = new TextEncoder();

export function controlParts(state: PartitionState): Uint8Array {
  const writer = new ByteWriter();
  writeList(writer, Part.freeSlots, state.attachments.freeSlots);
  for (const attachment of state.attachments) writeSession(writer, attachment);
  writeLocks(writer, state.locks);
  writeList(writer, Part.held, heldInOrder(state));
  writeList(writer, Part.waits, waitsInOrder(state));
  writeList(writer, Part.freeRequests, state.locks.requests.freed);
  writeLosses(writer, state.losses);
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

function writeLocks(writer: ByteWriter, locks: LockTable): void {
  for (let slot = locks.next(0); slot !== NONE; slot = locks.next(slot + 1)) {
    const key = new Uint8Array(locks.keyLength(slot));
    locks.copyKey(slot, key, 0);
    beginPart(writer, Part.lock, key.length);
    writer.bytes(key);
    for (let held = locks.firstGranted(slot); held !== NONE; held = locks.grantedAfter(held))
      writeRequest(writer, locks, held);
    for (let waiter = locks.firstWaiter(slot); waiter !== NONE; waiter = locks.waiterAfter(waiter)) {
      if (locks.requests.isWaiting(waiter)) writeRequest(writer, locks, waiter);
      else writeConversion(writer, waiter, locks.conversionOf(waiter), false);
    }
    for (let held = locks.firstGranted(slot); held !== NONE; held = locks.grantedAfter(held))
      writeConversion(writer, held, locks.formerOf(held), true);
    for (let held = locks.firstConverting(slot); held !== NONE; held = locks.convertingAfter(held))
      writeConversion(writer, held, locks.conversionOf(held), false);
  }
}

function writeRequest(writer: ByteWriter, { requests }: LockTable, request: number): void {
  const label = utf8.encode(requests.label(request));
  const attachment = requests.attachment(request);
  beginPart(writer, Part.request, layout.REQUEST_BYTES + label.length);
  writer.u32(request);
  writer.u8(stateOf(requests, request));
  writer.u32(attachment < 0 ? layout.NOBODY : attachment);
  writer.u32(requests.sequence(request));
  writer.u32(requests.tokenEpoch(request));
  writer.u32(requests.tokenOperation(request));
  writer.u48(requests.sinceMs(request));
  writer.u8(requests.mode(request));
  writer.u32(requests.flow(request));
  writer.u32(requests.delayMs(request));
  writer.u48(requests.untilMs(request));
  writer.bytes(label);
}

function stateOf(requests: Requests, request: number): number {
  if (requests.isWaiting(request)) return RequestState.waiting;
  return requests.isAbandoned(request) ? RequestState.abandoned : RequestState.granted;
}

function writeConversion(writer: ByteWriter, request: number, one: Conversion | undefined, isFormer: boolean): void {
  if (one === undefined) return;
  beginPart(writer, Part.conversion, layout.CONVERSION_BYTES);
  writer.u32(request);
  writer.u8(isFormer ? 1 : 0);
  writer.u8(one.mode);
  writer.u32(one.sequence);
  writer.u32(one.epoch);
  writer.u32(one.operation);
  writer.u48(one.sinceMs);
}

function heldInOrder({ attachments, locks }: PartitionState): number[] {
  const held: number[] = [];
  for (const { slot } of attachments)
    for (let request = locks.firstHeld(slot); request !== NONE; request = locks.heldAfter(request)) held.push(request);
  return held;
}

function waitsInOrder({ attachments, locks }: PartitionState): number[] {
  const waits: number[] = [];
  for (const { slot } of attachments)
    for (let request = locks.firstWait(slot); request !== NONE; request = locks.waitAfter(request)) waits.push(request);
  assert(waits.length === locks.waiting, 'snapshot: every wait is one of a session that is attached');
  return waits;
}
