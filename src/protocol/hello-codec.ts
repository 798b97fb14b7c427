/**
 * The login. Whoever connects speaks first:
 *
 *     HELO ─►                        who I am, which versions I speak
 *          ◄─ CHAL nonce             only where a secret is set
 *     PROV proof ─►
 *          ◄─ WLCM proof, table      or FAIL with a code, then the connection closes
 *
 * A proof is HMAC-SHA256(secret, side ‖ HELO body ‖ node's nonce); each side proves itself to the other and nothing
 * that is said can be replayed, for both nonces are in it.
 *
 * HELO   versionOldest u16 | version u16 | role u8 | flags u8 | nonce 16 bytes | cluster text8 | name text8 |
 *        with role client: owner 8 bytes, with which the ids of its sessions begin (may be left out)
 *        with role peer: incarnation 8 bytes | address text8 | partitions u16 | replicas u8 | count u16 |
 *        address text8 × count | nodeId u48 | clusterId text8 ('' none yet)
 * CHAL   nonce 16 bytes
 * PROV   proof 32 bytes
 * WLCM   version u16 | incarnation 8 bytes | proof 32 bytes (zeros without secret) | table |
 *        nodeId u48 | clusterId text8 ('' none yet) | address text8 (of the node itself)
 * table  version u32 | partitions u16 | self u16 | count u16 | address text8 × count | primary u16 × partitions
 *        (an empty address is a place without a member; 0xffff as self or primary: none)
 *        (text8: length u8, UTF-8 bytes)
 */

import { readU16, readU32, readU48 } from '../base/bytes.ts';
import { KeyvalError } from '../errors.ts';
import type { FrameWriter } from './frame-writer.ts';
import { NAME_BYTES_MAX } from './limits.ts';

/** On a liveness link comes nothing but STLL. */
export const Role = { client: 0, control: 1, bulk: 2, liveness: 3 } as const;
export const HelloFlag = {
  /** The sender finds primaries itself: answer MOVD instead of forwarding. */
  routes: 1,
} as const;

export const NONCE_BYTES = 16;
export const PROOF_BYTES = 32;
export const INCARNATION_BYTES = 8;
/** The ids of all sessions of a client begin alike. */
export const OWNER_BYTES = 8;

export interface Hello {
  readonly versionOldest: number;
  readonly version: number;
  readonly role: number;
  readonly flags: number;
  readonly nonce: Uint8Array;
  readonly cluster: string;
  readonly name: string;
  /** With role client: whose sessions it will speak of; null: it does not say. */
  readonly owner: Uint8Array | null;
  /** With any role but client. */
  readonly peer: PeerHello | null;
}

export interface PeerHello {
  readonly incarnation: Uint8Array;
  /** Kept in the state directory. */
  readonly nodeId: number;
  /** The cluster it belongs to; '': none yet. */
  readonly clusterId: string;
  readonly address: string;
  readonly partitions: number;
  readonly replicas: number;
  /** All members' addresses, sorted. */
  readonly members: readonly string[];
}

/** Stands for a member where there is none. */
export const NO_MEMBER = 0xffff;

/** Who is primary of what, as a client needs it. */
export interface RoutingTable {
  /** Of the book; 0: there is no book yet. */
  readonly version: number;
  readonly partitions: number;
  /** Index in `members` of the node that sent this; NO_MEMBER: it is none. */
  readonly self: number;
  /** Addresses; an empty one is a place that nobody has. */
  readonly members: readonly string[];
  /** By partition: index in `members`; NO_MEMBER: it has no primary at present. */
  readonly primaries: Uint16Array;
}

export interface Welcome {
  readonly version: number;
  readonly incarnation: Uint8Array;
  readonly proof: Uint8Array;
  readonly table: RoutingTable;
  readonly nodeId: number;
  readonly clusterId: string;
  readonly address: string;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export function encodeHello(writer: FrameWriter, hello: Hello): void {
  writer.u16(hello.versionOldest);
  writer.u16(hello.version);
  writer.u8(hello.role);
  writer.u8(hello.flags);
  writer.bytes(hello.nonce, 0, NONCE_BYTES);
  writeText(writer, hello.cluster);
  writeText(writer, hello.name);
  if (hello.owner !== null) writer.bytes(hello.owner, 0, OWNER_BYTES);
  if (hello.peer !== null) encodePeer(writer, hello.peer);
}

function encodePeer(writer: FrameWriter, peer: PeerHello): void {
  writer.bytes(peer.incarnation, 0, INCARNATION_BYTES);
  writeText(writer, peer.address);
  writer.u16(peer.partitions);
  writer.u8(peer.replicas);
  writeTexts(writer, peer.members);
  writer.u48(peer.nodeId);
  writeText(writer, peer.clusterId);
}

/** @throws KeyvalError KV_BAD_REQUEST when the body does not have the layout above. */
export function decodeHello(bytes: Uint8Array): Hello {
  const reader = new BodyReader(bytes, 'HELO');
  const versionOldest = reader.u16();
  const version = reader.u16();
  const role = reader.u8();
  const flags = reader.u8();
  const nonce = reader.bytes(NONCE_BYTES);
  const cluster = reader.text();
  const name = reader.text();
  const peer = role === Role.client ? null : decodePeer(reader);
  const owner = peer !== null || reader.isAtEnd ? null : reader.bytes(OWNER_BYTES);
  return { versionOldest, version, role, flags, nonce, cluster, name, owner, peer };
}

function decodePeer(reader: BodyReader): PeerHello {
  return {
    incarnation: reader.bytes(INCARNATION_BYTES),
    address: reader.text(),
    partitions: reader.u16(),
    replicas: reader.u8(),
    members: reader.texts(),
    nodeId: reader.isAtEnd ? 0 : reader.u48(),
    clusterId: reader.isAtEnd ? '' : reader.text(),
  };
}

export function encodeWelcome(writer: FrameWriter, welcome: Welcome): void {
  writer.u16(welcome.version);
  writer.bytes(welcome.incarnation, 0, INCARNATION_BYTES);
  writer.bytes(welcome.proof, 0, PROOF_BYTES);
  encodeTable(writer, welcome.table);
  writer.u48(welcome.nodeId);
  writeText(writer, welcome.clusterId);
  writeText(writer, welcome.address);
}

/** @throws KeyvalError KV_BAD_REQUEST */
export function decodeWelcome(bytes: Uint8Array): Welcome {
  const reader = new BodyReader(bytes, 'WLCM');
  return {
    version: reader.u16(),
    incarnation: reader.bytes(INCARNATION_BYTES),
    proof: reader.bytes(PROOF_BYTES),
    table: readTable(reader),
    nodeId: reader.isAtEnd ? 0 : reader.u48(),
    clusterId: reader.isAtEnd ? '' : reader.text(),
    address: reader.isAtEnd ? '' : reader.text(),
  };
}

export function encodeTable(writer: FrameWriter, table: RoutingTable): void {
  writer.u32(table.version);
  writer.u16(table.partitions);
  writer.u16(table.self);
  writeTexts(writer, table.members);
  for (let partition = 0; partition < table.partitions; partition += 1)
    writer.u16(table.primaries[partition] as number);
}

/** @throws KeyvalError KV_BAD_REQUEST */
export function decodeTable(bytes: Uint8Array): RoutingTable {
  return readTable(new BodyReader(bytes, 'TABL'));
}

function readTable(reader: BodyReader): RoutingTable {
  const version = reader.u32();
  const partitions = reader.u16();
  const self = reader.u16();
  const members = reader.texts();
  const primaries = new Uint16Array(partitions);
  for (let partition = 0; partition < partitions; partition += 1) primaries[partition] = reader.u16();
  return { version, partitions, self, members, primaries };
}

/** A text too long for its length byte is cut behind its last whole character. */
function writeText(writer: FrameWriter, text: string): void {
  const bytes = new Uint8Array(NAME_BYTES_MAX);
  const { written } = encoder.encodeInto(text, bytes);
  writer.u8(written);
  writer.bytes(bytes, 0, written);
}

function writeTexts(writer: FrameWriter, texts: readonly string[]): void {
  writer.u16(texts.length);
  for (const text of texts) writeText(writer, text);
}

/** Reads one body front to back; reading past its end is KV_BAD_REQUEST. For the control plane: it allocates. */
export class BodyReader {
  readonly #bytes: Uint8Array;
  readonly #what: string;
  #at = 0;

  constructor(bytes: Uint8Array, what: string) {
    this.#bytes = bytes;
    this.#what = what;
  }

  #take(count: number): number {
    const at = this.#at;
    if (at + count > this.#bytes.length)
      throw new KeyvalError('KV_BAD_REQUEST', `${this.#what}: the body is cut short`);
    this.#at = at + count;
    return at;
  }

  /** What later versions have added is not there. */
  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  u8(): number {
    return this.#bytes[this.#take(1)] as number;
  }

  u16(): number {
    return readU16(this.#bytes, this.#take(2));
  }

  u32(): number {
    return readU32(this.#bytes, this.#take(4));
  }

  u48(): number {
    return readU48(this.#bytes, this.#take(6));
  }

  bytes(count: number): Uint8Array {
    const at = this.#take(count);
    return this.#bytes.slice(at, at + count);
  }

  text(): string {
    const length = this.u8();
    try {
      return decoder.decode(this.bytes(length));
    } catch (cause) {
      if (cause instanceof KeyvalError) throw cause;
      throw new KeyvalError('KV_BAD_REQUEST', `${this.#what}: a text is not UTF-8`, { cause });
    }
  }

  texts(): string[] {
    const count = this.u16();
    const texts: string[] = [];
    for (let index = 0; index < count; index += 1) texts.push(this.text());
    return texts;
  }
}
