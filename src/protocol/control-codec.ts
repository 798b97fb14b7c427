/**
 * Frames of the control plane beside those of Raft (raft-codec.ts). Numbers big-endian; text8: length u8, UTF-8 bytes.
 *
 * FNDQ   founding set                                       promise to found exactly this cluster, or none
 * FNDA   cluster 8 bytes | status u8 | why, the rest        0: promised, durably; 1: not, the text says why
 * FNDC   cluster 8 bytes | reform text8                     I belong to this cluster; no reform where it never was reformed
 * JOIN   founder                                            take me in: into your cluster, or into the one to be founded
 * PROP   command, the rest (cluster/book-codec.ts)          for the leader; nobody answers
 *
 * founding set
 *        cluster 8 bytes | attempt u32 | founded at u48 (Unix seconds) | name text8 | partitions u16 | replicas u8 |
 *        min u8 | longest lease u48 (ms) | flags u8 (1: no former cluster, 2: lost partitions begin anew) |
 *        count u16 | founder × count
 * founder
 *        address text8 | node u48 | incarnation 8 bytes | zone text8 | flags u8 (1: witness, 2: keeps no state,
 *        4: has a vote, or wants one)
 *
 * The promise in a state directory has the layout of FNDQ, too.
 */
import { ByteReader } from '../base/byte-reader.ts';
import { hexOf } from '../base/bytes.ts';
import type { Message } from '../raft/messages.ts';
import { INCARNATION_BYTES } from './hello-codec.ts';
import { NAME_BYTES_MAX } from './limits.ts';
import * as op from './opcode.ts';

export const CLUSTER_ID_BYTES = 8;
/** In the id of a reformed cluster, between that of the first one and what tells the reforms apart. */
export const REFORM_MARK = '~';
/** Smallest founder: empty texts. A count that the body has no room for is refused before anything is allocated. */
const FOUNDER_BYTES_MIN = 17;

export interface FoundingSettings {
  readonly clusterName: string;
  readonly partitions: number;
  readonly replicas: number;
  readonly min: number;
  readonly maxLeaseMs: number;
  readonly onLoss: 'stop' | 'empty';
  /** There was no cluster before this one: locks are granted at once. */
  readonly isNew: boolean;
}

export interface Founder {
  readonly address: string;
  readonly nodeId: number;
  /** 16 hexadecimal digits. */
  readonly incarnation: string;
  readonly zone: string;
  readonly role: 'data' | 'witness';
  /** It has no state directory: another life of it is another node. */
  readonly isVolatile: boolean;
  /** It keeps its state, or was told to do without (--new): it may found, and it may vote. */
  readonly mayVote: boolean;
}

/** What a founder promises to found, and with whom. */
export interface FoundingSet {
  /** 16 hexadecimal digits, drawn anew for each attempt. */
  readonly clusterId: string;
  /** Counts the sets that one asker has made: of two, the higher is the later. */
  readonly attempt: number;
  readonly foundedAtSeconds: number;
  readonly settings: FoundingSettings;
  /** Sorted by address; the first is the one who asks. */
  readonly founders: readonly Founder[];
}

export interface FoundingAnswer {
  readonly clusterId: string;
  readonly isPromised: boolean;
  readonly why: string;
}

/** What the encoders write into: a frame under way, or plain bytes. */
export interface Fields {
  u8(value: number): void;
  u16(value: number): void;
  u32(value: number): void;
  u48(value: number): void;
  bytes(source: Uint8Array, start: number, end: number): void;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

const FLAG_WITNESS = 1;
const FLAG_VOLATILE = 2;
const FLAG_MAY_VOTE = 4;
const FLAG_NEW = 1;
const FLAG_ON_LOSS_EMPTY = 2;
const STATUS_PROMISED = 0;
const STATUS_REFUSED = 1;

// ── founding ──

export function encodeFoundingSet(fields: Fields, set: FoundingSet): void {
  const { settings, founders } = set;
  writeHex(fields, set.clusterId);
  fields.u32(set.attempt);
  fields.u48(set.foundedAtSeconds);
  writeText(fields, settings.clusterName);
  fields.u16(settings.partitions);
  fields.u8(settings.replicas);
  fields.u8(settings.min);
  fields.u48(settings.maxLeaseMs);
  fields.u8((settings.isNew ? FLAG_NEW : 0) | (settings.onLoss === 'empty' ? FLAG_ON_LOSS_EMPTY : 0));
  fields.u16(founders.length);
  for (const founder of founders) encodeFounder(fields, founder);
}

export function encodeFounder(fields: Fields, { address, nodeId, incarnation, zone, ...traits }: Founder): void {
  writeText(fields, address);
  fields.u48(nodeId);
  writeHex(fields, incarnation);
  writeText(fields, zone);
  const witness = traits.role === 'witness' ? FLAG_WITNESS : 0;
  fields.u8(witness | (traits.isVolatile ? FLAG_VOLATILE : 0) | (traits.mayVote ? FLAG_MAY_VOTE : 0));
}

/** Null: these bytes are no founding set. */
export function decodeFoundingSet(bytes: Uint8Array, start = 0, end: number = bytes.length): FoundingSet | null {
  return whole(bytes, start, end, (reader) => {
    const clusterId = readHex(reader, CLUSTER_ID_BYTES);
    const attempt = reader.u32();
    const foundedAtSeconds = reader.u48();
    const settings = readSettings(reader);
    const count = reader.u16();
    if (count * FOUNDER_BYTES_MIN > reader.left) return null;
    const founders = Array.from({ length: count }, () => readFounder(reader));
    return { clusterId, attempt, foundedAtSeconds, settings, founders };
  });
}

function readSettings(reader: ByteReader): FoundingSettings {
  const clusterName = readText(reader);
  const partitions = reader.u16();
  const replicas = reader.u8();
  const min = reader.u8();
  const maxLeaseMs = reader.u48();
  const flags = reader.u8();
  const onLoss = (flags & FLAG_ON_LOSS_EMPTY) === 0 ? 'stop' : 'empty';
  return { clusterName, partitions, replicas, min, maxLeaseMs, onLoss, isNew: (flags & FLAG_NEW) !== 0 };
}

function readFounder(reader: ByteReader): Founder {
  const address = readText(reader);
  const nodeId = reader.u48();
  const incarnation = readHex(reader, INCARNATION_BYTES);
  const zone = readText(reader);
  const flags = reader.u8();
  const role = (flags & FLAG_WITNESS) === 0 ? 'data' : 'witness';
  const isVolatile = (flags & FLAG_VOLATILE) !== 0;
  return { address, nodeId, incarnation, zone, role, isVolatile, mayVote: (flags & FLAG_MAY_VOTE) !== 0 };
}

/** Null: these bytes are no founder. */
export function decodeFounder(bytes: Uint8Array, start: number, end: number): Founder | null {
  return whole(bytes, start, end, readFounder);
}

export function encodeFoundingAnswer(fields: Fields, { clusterId, isPromised, why }: FoundingAnswer): void {
  writeHex(fields, clusterId);
  fields.u8(isPromised ? STATUS_PROMISED : STATUS_REFUSED);
  const text = encoder.encode(why);
  fields.bytes(text, 0, text.length);
}

export function decodeFoundingAnswer(bytes: Uint8Array, start: number, end: number): FoundingAnswer | null {
  return whole(bytes, start, end, (reader) => {
    const clusterId = readHex(reader, CLUSTER_ID_BYTES);
    const status = reader.u8();
    const why = decoder.decode(reader.bytes(Math.max(0, reader.left)));
    return status > STATUS_REFUSED ? null : { clusterId, isPromised: status === STATUS_PROMISED, why };
  });
}

export function encodeClusterId(fields: Fields, clusterId: string): void {
  const [first = '', reform = ''] = clusterId.split(REFORM_MARK);
  writeHex(fields, first);
  if (reform !== '') writeText(fields, reform);
}

export function decodeClusterId(bytes: Uint8Array, start: number, end: number): string | null {
  return whole(bytes, start, end, (reader) => {
    const first = readHex(reader, CLUSTER_ID_BYTES);
    return reader.left === 0 ? first : `${first}${REFORM_MARK}${readText(reader)}`;
  });
}

// ── Raft ──

const opcodes: readonly (readonly [Message['type'], number])[] = [
  ['pre-vote', op.RPVQ],
  ['pre-vote-reply', op.RPVD],
  ['vote', op.RVOT],
  ['vote-reply', op.RVTD],
  ['append', op.RAPP],
  ['append-reply', op.RAPD],
  ['heartbeat', op.RBEA],
  ['heartbeat-reply', op.RBED],
  ['snapshot', op.RSNP],
  ['time-out-now', op.RTON],
  ['read-request', op.RRDQ],
  ['read-reply', op.RRDA],
];

/** The opcode of each type of message of Raft, and back. */
export const raftOpcodes: ReadonlyMap<Message['type'], number> = new Map(opcodes);
export const raftTypes: ReadonlyMap<number, Message['type']> = new Map(opcodes.map(([type, opcode]) => [opcode, type]));

// ── fields ──

/** What `read` makes of exactly these bytes; null: they are cut short, too long, or no UTF-8. */
export function whole<T>(
  bytes: Uint8Array,
  start: number,
  end: number,
  read: (reader: ByteReader) => T | null,
): T | null {
  const reader = new ByteReader(bytes, start, end);
  try {
    const found = read(reader);
    return reader.isComplete ? found : null;
  } catch (cause) {
    if (cause instanceof TypeError) return null; // what a fatal TextDecoder throws
    throw cause;
  }
}

export function readText(reader: ByteReader): string {
  return decoder.decode(reader.bytes(reader.u8()));
}

/** A text too long for its length byte is cut behind its last whole character. */
export function writeText(fields: Fields, text: string): void {
  const bytes = new Uint8Array(NAME_BYTES_MAX);
  const { written } = encoder.encodeInto(text, bytes);
  fields.u8(written);
  fields.bytes(bytes, 0, written);
}

export function readHex(reader: ByteReader, count: number): string {
  return hexOf(reader.bytes(count));
}

export function writeHex(fields: Fields, hex: string): void {
  for (let at = 0; at < hex.length; at += 2) fields.u8(Number.parseInt(hex.slice(at, at + 2), 16));
}
