/**
 * Whose state directory it is: a small file, always replaced as a whole. The node id is drawn once; the cluster stays
 * empty until one was founded or joined; `promise` is what founding had to remember before that.
 *
 *     "KVIDEN" | format u16 | node u48 | cluster length u8, UTF-8 | promise length u32, bytes | checksum u32
 */

import { ByteReader } from '../base/byte-reader.ts';
import { ByteWriter } from '../base/byte-writer.ts';
import { crc32 } from '../base/crc32.ts';
import type { Disk, DiskStep } from '../base/ports.ts';
import type { NodeId } from './messages.ts';
import { DISK_FORMAT } from './segment.ts';
import { damaged, foreignFiles, missing, newerFormat } from './state-errors.ts';

export const IDENTITY_FILE = 'identity';

export interface Identity {
  readonly node: NodeId;
  /** Empty: it never named a cluster, and only then may it found one. */
  readonly cluster: string;
  readonly promise: Uint8Array;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const MARK: Uint8Array = encoder.encode('KVIDEN');
const FORMAT_AT = 6;

export function encodeIdentity({ node, cluster, promise }: Identity): Uint8Array {
  const name = encoder.encode(cluster);
  const writer = new ByteWriter();
  writer.bytes(MARK);
  writer.u16(DISK_FORMAT);
  writer.u48(node);
  writer.u8(name.length);
  writer.bytes(name);
  writer.u32(promise.length);
  writer.bytes(promise);
  writer.u32(crc32(writer.finish()));
  return writer.finish();
}

export function identityStep(identity: Identity): DiskStep {
  return { kind: 'create', name: IDENTITY_FILE, bytes: encodeIdentity(identity) };
}

/**
 * The identity in a state directory; null: nothing was ever kept there.
 * @throws KeyvalError KV_STATE when it is damaged or gone, KV_USAGE when the directory is used for something else
 */
export function readIdentity(disk: Disk): Identity | null {
  const names = disk.list();
  const foreign = names.filter((name) => !isOurs(name));
  const bytes = disk.read(IDENTITY_FILE);
  if (bytes !== null) return decodeIdentity(disk.path, bytes);
  if (foreign.length > 0) throw foreignFiles(disk.path, foreign);
  if (names.some((name) => /^(?:log|snapshot)-/.test(name))) {
    throw missing(disk.path, IDENTITY_FILE, 'there is a log, but nothing says whose it is');
  }
  return null;
}

function decodeIdentity(path: string, bytes: Uint8Array): Identity {
  const mark = bytes.subarray(0, MARK.length);
  if (bytes.length < FORMAT_AT + 2 || mark.some((byte, at) => byte !== MARK[at])) {
    throw damaged(path, IDENTITY_FILE, 0, 'it does not begin as this file does');
  }
  const reader = new ByteReader(bytes, FORMAT_AT, bytes.length - 4);
  const format = reader.u16();
  const isWhole = crc32(bytes, 0, bytes.length - 4) === new ByteReader(bytes, bytes.length - 4).u32();
  if (!isWhole) throw damaged(path, IDENTITY_FILE, 0, 'its checksum is wrong');
  if (format !== DISK_FORMAT) throw newerFormat(path, IDENTITY_FILE, format, DISK_FORMAT);
  const node = reader.u48();
  const cluster = decoder.decode(reader.bytes(reader.u8()));
  const promise = reader.bytes(reader.u32());
  if (!reader.isComplete) throw damaged(path, IDENTITY_FILE, 0, 'its fields do not fit its length');
  return { node, cluster, promise };
}

/** Files that keyval makes in a state directory; `.part`: one being written when the process ended. */
function isOurs(name: string): boolean {
  return /^(?:identity|lock.*|(?:log|snapshot)-\d{8})(?:\.part)?$/.test(name);
}
