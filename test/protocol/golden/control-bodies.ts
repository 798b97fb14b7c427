/** Bodies of the control plane: Raft, founding, joining, proposals. */
import * as codec from '../../../src/protocol/control-codec.ts';
import { decodeRaftMessage, encodeRaftMessage, type RaftMessageType } from '../../../src/protocol/raft-codec.ts';
import type { Message } from '../../../src/raft/messages.ts';
import { type BodyCodec, type Fields, type FieldValue, hex, textOf, unhex } from './layout.ts';

/** A message of Raft. Its data, wherever it has some, is hexadecimal in the manifest. */
export function raft(type: RaftMessageType): BodyCodec {
  return {
    read: (body) => withoutType(shown(decodeRaftMessage(type, body)) as Fields),
    write: (writer, fields) => encodeRaftMessage(writer, { type, ...(meant(fields) as object) } as Message),
  };
}

function withoutType({ type: _, ...fields }: Fields): Fields {
  return fields;
}

/** Bytes as hexadecimal text, at any depth. */
function shown(value: unknown): FieldValue {
  if (value instanceof Uint8Array) return hex(value);
  if (Array.isArray(value)) return value.map(shown) as FieldValue;
  if (typeof value !== 'object' || value === null) return value as FieldValue;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, shown(one)]));
}

function meant(value: FieldValue, name = ''): unknown {
  if (name === 'data') return unhex(value);
  if (Array.isArray(value)) return value.map((one: FieldValue) => meant(one));
  if (typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([field, one]) => [field, meant(one, field)]));
}

/** What a decoder gives, or an end of the test. */
function sound<T extends object>(value: T | null): Fields {
  if (value === null) throw new Error('refused as malformed');
  return { ...value } as unknown as Fields;
}

export const foundingAsked: BodyCodec = {
  read: (body) => sound(codec.decodeFoundingSet(body)),
  write: (writer, fields) => codec.encodeFoundingSet(writer, fields as unknown as codec.FoundingSet),
};

export const foundingAnswered: BodyCodec = {
  read: (body) => sound(codec.decodeFoundingAnswer(body, 0, body.length)),
  write: (writer, fields) => codec.encodeFoundingAnswer(writer, fields as unknown as codec.FoundingAnswer),
};

export const founded: BodyCodec = {
  read: (body) => ({ clusterId: codec.decodeClusterId(body, 0, body.length) ?? 'malformed' }),
  write: (writer, fields) => codec.encodeClusterId(writer, textOf(fields, 'clusterId')),
};

export const joinAsked: BodyCodec = {
  read: (body) => sound(codec.decodeFounder(body, 0, body.length)),
  write: (writer, fields) => codec.encodeFounder(writer, fields as unknown as codec.Founder),
};
