/**
 * Messages of Raft on the wire, between voters and learners. Numbers big-endian; a frame's body begins with
 *
 *     from u48 | to u48 | term u48
 *
 * and goes on, by type, with
 *
 *     pre-vote         lastIndex u48 | lastTerm u48
 *     vote             lastIndex u48 | lastTerm u48 | flags u8 (1: asked for by the leader)
 *     pre-vote-reply   granted u8
 *     vote-reply       granted u8
 *     append           previousIndex u48 | previousTerm u48 | commit u48 | count u32 | entry …
 *                      entry: term u48 | kind u8 | length u32 | data; indexes follow on previousIndex
 *     append-reply     rejected u8 | index u48 | hintIndex u48 | hintTerm u48
 *     heartbeat        commit u48 | round u48
 *     heartbeat-reply  round u48
 *     snapshot         index u48 | term u48 | voters u8 | id u48 … | learners u8 | id u48 … | length u32 | data
 *     time-out-now
 *     read-request     id u48
 *     read-reply       id u48 | index u48
 *
 * The type is the frame's opcode; what is not needed is not sent.
 */

import { ByteReader } from '../base/byte-reader.ts';
import { KeyvalError } from '../errors.ts';
import type { Append, Entry, EntryKind, Message, Snapshot } from '../raft/messages.ts';

export type RaftMessageType = Message['type'];

/** What the encoder writes into: a frame under way, or plain bytes. */
export interface Fields {
  u8(value: number): void;
  u32(value: number): void;
  u48(value: number): void;
  bytes(source: Uint8Array, start: number, end: number): void;
}

const TRANSFER_FLAG = 1;
const ENTRY_KIND_MAX = 2;
/** Bytes of an entry without data: a count that the body has no room for is refused before anything is allocated. */
const ENTRY_BYTES_MIN = 11;

export function encodeRaftMessage(fields: Fields, message: Message): void {
  fields.u48(message.from);
  fields.u48(message.to);
  fields.u48(message.term);
  encodeBody(fields, message);
}

function encodeBody(fields: Fields, message: Message): void {
  switch (message.type) {
    case 'pre-vote':
      return encodeNumbers(fields, message.lastIndex, message.lastTerm);
    case 'vote':
      encodeNumbers(fields, message.lastIndex, message.lastTerm);
      return fields.u8(message.isTransfer ? TRANSFER_FLAG : 0);
    case 'pre-vote-reply':
    case 'vote-reply':
      return fields.u8(message.isGranted ? 1 : 0);
    case 'append':
      return encodeAppend(fields, message);
    case 'append-reply':
      fields.u8(message.isRejected ? 1 : 0);
      return encodeNumbers(fields, message.index, message.hintIndex, message.hintTerm);
    case 'heartbeat':
      return encodeNumbers(fields, message.commit, message.round);
    case 'heartbeat-reply':
      return fields.u48(message.round);
    case 'snapshot':
      return encodeSnapshot(fields, message.snapshot);
    case 'time-out-now':
      return;
    case 'read-request':
      return fields.u48(message.id);
    case 'read-reply':
      return encodeNumbers(fields, message.id, message.index);
  }
}

function encodeNumbers(fields: Fields, ...numbers: readonly number[]): void {
  for (const number of numbers) fields.u48(number);
}

function encodeAppend(fields: Fields, { previousIndex, previousTerm, commit, entries }: Append): void {
  encodeNumbers(fields, previousIndex, previousTerm, commit);
  fields.u32(entries.length);
  for (const { term, kind, data } of entries) {
    fields.u48(term);
    fields.u8(kind);
    encodeData(fields, data);
  }
}

function encodeSnapshot(fields: Fields, { index, term, configuration, data }: Snapshot): void {
  encodeNumbers(fields, index, term);
  for (const ids of [configuration.voters, configuration.learners]) {
    fields.u8(ids.length);
    encodeNumbers(fields, ...ids);
  }
  encodeData(fields, data);
}

function encodeData(fields: Fields, data: Uint8Array): void {
  fields.u32(data.length);
  fields.bytes(data, 0, data.length);
}

/** @throws KeyvalError KV_BAD_REQUEST when the body does not have the layout of `type` */
export function decodeRaftMessage(type: RaftMessageType, body: Uint8Array): Message {
  const reader = new ByteReader(body);
  const between = { from: reader.u48(), to: reader.u48(), term: reader.u48() };
  const message = { type, ...between, ...bodyOf(type, reader) } as Message;
  if (!reader.isComplete) throw badBody(type, 'the body does not have its length');
  return message;
}

function bodyOf(type: RaftMessageType, reader: ByteReader): object {
  switch (type) {
    case 'pre-vote':
      return { lastIndex: reader.u48(), lastTerm: reader.u48() };
    case 'vote':
      return { lastIndex: reader.u48(), lastTerm: reader.u48(), isTransfer: (reader.u8() & TRANSFER_FLAG) !== 0 };
    case 'pre-vote-reply':
    case 'vote-reply':
      return { isGranted: reader.u8() === 1 };
    case 'append':
      return decodeAppend(reader);
    case 'append-reply':
      return {
        isRejected: reader.u8() === 1,
        index: reader.u48(),
        hintIndex: reader.u48(),
        hintTerm: reader.u48(),
      };
    case 'heartbeat':
      return { commit: reader.u48(), round: reader.u48() };
    case 'heartbeat-reply':
      return { round: reader.u48() };
    case 'snapshot':
      return { snapshot: decodeSnapshot(reader) };
    case 'time-out-now':
      return {};
    case 'read-request':
      return { id: reader.u48() };
    case 'read-reply':
      return { id: reader.u48(), index: reader.u48() };
  }
}

function decodeAppend(reader: ByteReader): object {
  const previousIndex = reader.u48();
  const previousTerm = reader.u48();
  const commit = reader.u48();
  const count = reader.u32();
  if (count * ENTRY_BYTES_MIN > reader.left) throw badBody('append', `${count} entries do not fit into it`);
  const entries: Entry[] = [];
  for (let place = 1; place <= count; place += 1) {
    const term = reader.u48();
    const kind = reader.u8();
    if (kind > ENTRY_KIND_MAX) throw badBody('append', `there is no entry of kind ${kind}`);
    const data = reader.bytes(reader.u32());
    entries.push({ index: previousIndex + place, term, kind: kind as EntryKind, data });
  }
  return { previousIndex, previousTerm, commit, entries };
}

function decodeSnapshot(reader: ByteReader): Snapshot {
  const index = reader.u48();
  const term = reader.u48();
  const configuration = { voters: decodeIds(reader), learners: decodeIds(reader) };
  return { index, term, configuration, data: reader.bytes(reader.u32()) };
}

function decodeIds(reader: ByteReader): number[] {
  const ids: number[] = [];
  for (let left = reader.u8(); left > 0 && !reader.isShort; left -= 1) ids.push(reader.u48());
  return ids;
}

function badBody(type: string, why: string): KeyvalError {
  return new KeyvalError('KV_BAD_REQUEST', `Raft ${type}: ${why}`);
}
