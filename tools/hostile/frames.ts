/**
 * Frames and bodies as bytes, written down from PROTOCOL.md and from nothing else: wrong ones are made as easily as right
 * ones, and a mistake in the codecs is not repeated here.
 */

export const NO_BYTES: Buffer = Buffer.alloc(0);
/** With it begin the ids of all sessions of attackers: what one connection has prepared another may use. */
export const OWNER: Buffer = Buffer.from('attacker');
/** Longest time left that a request can name. */
export const PLENTY_MS = 0xffff_ffff;
/** Flags of writes. */
export const IF_REVISION = 1;
export const STAGED = 2;
/** A wait for a lock that does not end by itself. */
export const FOR_EVER: number = 2 ** 48 - 1;

export const u8 = (value: number): Buffer => Buffer.from([value]);
export const u16 = (value: number): Buffer => filled(2, (buffer) => buffer.writeUInt16BE(value));
export const u32 = (value: number): Buffer => filled(4, (buffer) => buffer.writeUInt32BE(value));
export const u48 = (value: number): Buffer => filled(6, (buffer) => buffer.writeUIntBE(value, 0, 6));
export const u64 = (value: bigint): Buffer => filled(8, (buffer) => buffer.writeBigUInt64BE(value));
export const i64 = (value: bigint): Buffer => filled(8, (buffer) => buffer.writeBigInt64BE(value));
export const text8 = (text: string): Buffer => Buffer.concat([u8(Buffer.byteLength(text)), Buffer.from(text)]);
export const bytes16 = (bytes: Uint8Array): Buffer => Buffer.concat([u16(bytes.length), bytes]);

function filled(bytes: number, fill: (buffer: Buffer) => void): Buffer {
  const buffer = Buffer.alloc(bytes);
  fill(buffer);
  return buffer;
}

/** A whole frame. `length` other than the true one makes it a broken one. */
export function frame(opcode: string, messageId: number, body: Uint8Array = NO_BYTES, length?: number): Buffer {
  return Buffer.concat([u32(length ?? body.length + 8), Buffer.from(opcode, 'latin1'), u32(messageId), body]);
}

export interface HelloParts {
  readonly role?: number;
  readonly flags?: number;
  readonly nonce?: Uint8Array;
  readonly cluster?: string;
  readonly name?: string;
  /** With which the ids of the client's sessions begin. */
  readonly owner?: Uint8Array;
  /** What only nodes append. */
  readonly peer?: Uint8Array;
}

export function hello(parts: HelloParts = {}): Buffer {
  const { role = 0, flags = 0, nonce = Buffer.alloc(16, 7) } = parts;
  const { cluster = 'keyval', name = 'hostile', peer = role === 0 ? (parts.owner ?? OWNER) : NO_BYTES } = parts;
  return Buffer.concat([u16(1), u16(1), u8(role), u8(flags), nonce, text8(cluster), text8(name), peer]);
}

export interface PeerParts {
  readonly address: string;
  readonly members: readonly string[];
  readonly incarnation?: Uint8Array;
  readonly partitions?: number;
  readonly replicas?: number;
  /** How many members are announced, if not as many as there are. */
  readonly count?: number;
  readonly nodeId?: number;
  /** The cluster that it says it belongs to; '' none yet. */
  readonly clusterId?: string;
}

/** The part of HELO that only nodes send. */
export function peerHello(parts: PeerParts): Buffer {
  const { address, members, incarnation = Buffer.alloc(8, 9), partitions = 256, replicas = 3 } = parts;
  const head = [incarnation, text8(address), u16(partitions), u8(replicas), u16(parts.count ?? members.length)];
  const { nodeId = 0x0909_0909_0909, clusterId = '' } = parts;
  return Buffer.concat([...head, ...members.map(text8), u48(nodeId), text8(clusterId)]);
}

export function get(key: string, timeLeftMs: number = PLENTY_MS): Buffer {
  return Buffer.concat([u32(timeLeftMs), u8(0), bytes16(Buffer.from(key))]);
}

export interface WriteParts {
  /** Revision of the attachment. */
  readonly attachment: bigint;
  readonly sequence: number;
  readonly key: string;
  readonly mark?: number;
  readonly flags?: number;
  readonly span?: number;
  /** Condition or token. */
  readonly revision?: bigint;
  readonly payload?: Uint8Array;
}

/** PUTK, CASK, DELK, INCR, LCKK, ULKK, CNCL. */
export function write(parts: WriteParts): Buffer {
  const { attachment, sequence, key, mark = sequence, flags = 0, span = 0, revision = 0n } = parts;
  const numbers = [u32(PLENTY_MS), u64(attachment), u32(sequence), u32(mark), u8(flags), u48(span), u64(revision)];
  return Buffer.concat([...numbers, bytes16(Buffer.from(key)), parts.payload ?? NO_BYTES]);
}

export function attach(partition: number, session: Uint8Array, leaseMs = 10_000): Buffer {
  return Buffer.concat([u32(PLENTY_MS), u16(partition), session, u32(leaseMs), text8('hostile')]);
}

/** KEEP, CLOS. */
export function keep(session: Uint8Array, partitions: readonly number[]): Buffer {
  return Buffer.concat([session, u16(partitions.length), ...partitions.map(u16)]);
}

export function scan(partition: number, values = true): Buffer {
  return Buffer.concat([u32(PLENTY_MS), u8(values ? 1 : 0), u16(partition), u32(0), u32(0), u16(0)]);
}

export function stage(number: number, total: number, offset: number, bytes: Uint8Array): Buffer {
  return Buffer.concat([u32(number), u32(total), u32(offset), bytes]);
}

/** How a staged PUTK names its value. */
export function stageReference(number: number, total: number): Buffer {
  return Buffer.concat([u32(number), u32(total)]);
}
