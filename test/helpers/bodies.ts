/**
 * Frames and bodies of requests, written down from PROTOCOL.md and from nothing else: tests that speak to a node with
 * these would notice if the code and its description drifted apart.
 */

export const u8 = (value: number): Buffer => Buffer.from([value]);
export const u16 = (value: number): Buffer => filled(2, (buffer) => buffer.writeUInt16BE(value));
export const u32 = (value: number): Buffer => filled(4, (buffer) => buffer.writeUInt32BE(value));
export const u48 = (value: number): Buffer => filled(6, (buffer) => buffer.writeUIntBE(value, 0, 6));
export const u64 = (value: bigint): Buffer => filled(8, (buffer) => buffer.writeBigUInt64BE(value));
export const i64 = (value: bigint): Buffer => filled(8, (buffer) => buffer.writeBigInt64BE(value));
/** text8: length u8, UTF-8 bytes. */
export const text8 = (text: string): Buffer => Buffer.concat([u8(Buffer.byteLength(text)), Buffer.from(text)]);
/** length u16, bytes. */
export const bytes16 = (bytes: Uint8Array): Buffer => Buffer.concat([u16(bytes.length), bytes]);

function filled(bytes: number, fill: (buffer: Buffer) => void): Buffer {
  const buffer = Buffer.alloc(bytes);
  fill(buffer);
  return buffer;
}

/** With it begin the ids of all raw sessions. */
export const OWNER: Buffer = Buffer.from('raw-test');
/** Longest time left that a request can name. */
export const PLENTY_MS = 0xffff_ffff;
/** Flags of writes. */
export const IF_REVISION = 1;
export const STAGED = 2;
export const FENCED = 4;
export const FETCH = 8;
export const STORE = 16;
export const NAMES_GRANT = 32;
export const GIVEN_BACK = 64;

/** A whole frame. `length` other than the true one makes it a broken one. */
export function frame(
  opcode: string,
  messageId: number,
  body: Uint8Array = u16(0).subarray(0, 0),
  length?: number,
): Buffer {
  return Buffer.concat([u32(length ?? body.length + 8), Buffer.from(opcode, 'latin1'), u32(messageId), body]);
}

export interface HelloParts {
  readonly versionOldest?: number;
  readonly version?: number;
  readonly role?: number;
  readonly flags?: number;
  readonly nonce?: Uint8Array;
  readonly cluster?: string;
  readonly name?: string;
  /** With which the ids of the client's sessions begin; null: it does not say. */
  readonly owner?: Uint8Array | null;
  /** What only nodes append. */
  readonly peer?: Uint8Array;
}

export function hello(parts: HelloParts = {}): Buffer {
  const { versionOldest = 1, version = 1, role = 0, flags = 0, nonce = Buffer.alloc(16, 7) } = parts;
  const { cluster = 'keyval', name = 'raw', owner = null, peer = Buffer.alloc(0) } = parts;
  return Buffer.concat([
    u16(versionOldest),
    u16(version),
    u8(role),
    u8(flags),
    nonce,
    text8(cluster),
    text8(name),
    owner ?? Buffer.alloc(0),
    peer,
  ]);
}

export interface PeerParts {
  readonly address: string;
  readonly members: readonly string[];
  readonly partitions?: number;
  readonly replicas?: number;
  readonly nodeId?: number;
  /** Sixteen hexadecimal digits; '': it belongs to none. */
  readonly clusterId?: string;
}

/** The part of HELO that only nodes send. */
export function peerHello(parts: PeerParts): Buffer {
  const { address, members, partitions = 256, replicas = 3, nodeId = 0x0909_0909_0909, clusterId = '' } = parts;
  const texts = members.map(text8);
  return Buffer.concat([
    Buffer.alloc(8, 9),
    text8(address),
    u16(partitions),
    u8(replicas),
    u16(members.length),
    ...texts,
    u48(nodeId),
    text8(clusterId),
  ]);
}

export function getk(key: string | Uint8Array, timeLeftMs: number = PLENTY_MS): Buffer {
  return Buffer.concat([u32(timeLeftMs), u8(0), bytes16(Buffer.from(key))]);
}

export interface WriteParts {
  /** Revision of the attachment. */
  readonly attachment: bigint;
  readonly sequence: number;
  readonly key: string | Uint8Array;
  readonly mark?: number;
  readonly timeLeftMs?: number;
  readonly flags?: number;
  readonly span?: number;
  /** Condition or token. */
  readonly revision?: bigint;
  readonly payload?: string | Uint8Array;
}

/** PUTK, CASK, DELK, INCR, LCKK, ULKK, CNCL. */
export function write(parts: WriteParts): Buffer {
  const { attachment, sequence, key, mark = sequence, timeLeftMs = PLENTY_MS, flags = 0, span = 0 } = parts;
  const { revision = 0n, payload = '' } = parts;
  const numbers = [u32(timeLeftMs), u64(attachment), u32(sequence), u32(mark), u8(flags), u48(span), u64(revision)];
  return Buffer.concat([...numbers, bytes16(Buffer.from(key)), Buffer.from(payload)]);
}

/** Behind the payload of a write with FENCED; without a lock key the lock of the key itself. */
export function fence(token: bigint, lockKey: string | Uint8Array = ''): Buffer {
  const key = Buffer.from(lockKey);
  return Buffer.concat([key, u64(token), u16(key.length)]);
}

export interface LockParts {
  readonly flow?: number;
  readonly delayMs?: number;
  readonly label?: string | Uint8Array;
}

/** What LCKK asks for behind its key, when it is not simply exclusive. */
export function lockOf(mode: number, { flow = 0, delayMs = 0, label = '' }: LockParts = {}): Buffer {
  return Buffer.concat([u8(mode), u32(flow), u32(delayMs), Buffer.from(label)]);
}

/** LCKK with a token: the mode, and the sequence of the grant that is converted; 0: the exclusive one. */
export function conversionOf(mode: number, sequence: number): Buffer {
  return Buffer.concat([u8(mode), u32(sequence >>> 0)]);
}

export interface AttachParts {
  readonly partition: number;
  readonly session: Uint8Array;
  readonly leaseMs?: number;
  readonly timeLeftMs?: number;
  readonly name?: string;
}

export function attach({
  partition,
  session,
  leaseMs = 10_000,
  timeLeftMs = PLENTY_MS,
  name = 'raw',
}: AttachParts): Buffer {
  return Buffer.concat([u32(timeLeftMs), u16(partition), session, u32(leaseMs), text8(name)]);
}

/** KEEP, CLOS. */
export function keep(session: Uint8Array, partitions: readonly number[]): Buffer {
  return Buffer.concat([session, u16(partitions.length), ...partitions.map(u16)]);
}

export interface ScanParts {
  readonly partition: number;
  readonly values?: boolean;
  readonly cursor?: number;
  readonly entriesMax?: number;
  readonly prefix?: string;
  readonly timeLeftMs?: number;
}

export function scan(parts: ScanParts): Buffer {
  const { partition, values = true, cursor = 0, entriesMax = 0, prefix = '', timeLeftMs = PLENTY_MS } = parts;
  const numbers = [u32(timeLeftMs), u8(values ? 1 : 0), u16(partition), u32(cursor), u32(entriesMax)];
  return Buffer.concat([...numbers, bytes16(Buffer.from(prefix))]);
}

export function stage(number: number, total: number, offset: number, bytes: Uint8Array): Buffer {
  return Buffer.concat([u32(number), u32(total), u32(offset), bytes]);
}

/** How a staged PUTK names its value. */
export function stageReference(number: number, total: number): Buffer {
  return Buffer.concat([u32(number), u32(total)]);
}
