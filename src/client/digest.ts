/** Digests that nodes compute: of one value, or of a replica of a partition (HASH, HSHD). */
import { hexOf, readBigU64, readU32, readU48, writeU16, writeU32 } from '../base/bytes.ts';
import * as codec from '../protocol/export-codec.ts';
import { HASH } from '../protocol/opcode.ts';
import { type Bounds, requestBody } from './body-request.ts';
import type { Dispatcher } from './dispatcher.ts';
import { type Key, KeyBuffer } from './key-buffer.ts';
import type { NodeLink } from './node-link.ts';

export interface ValueDigest {
  /** SHA-256 of the value, hexadecimal. */
  readonly sha256: string;
  /** Bytes of the value. */
  readonly length: number;
  readonly revision: bigint;
}

export interface ReplicaDigest {
  /** `passed`, `notReached`: the replica is not at the revision that was asked for. */
  readonly state: 'digest' | 'passed' | 'notReached';
  /** Where the replica is. */
  readonly revision: bigint;
  readonly keys: number;
  /** Hexadecimal; empty unless `state` is `digest`. */
  readonly digest: string;
}

const NO_LIMIT_MS = 0xffff_ffff;

/** Null when the key is not there. */
export async function digestOfValue(dispatcher: Dispatcher, key: Key, bounds: Bounds): Promise<ValueDigest | null> {
  const buffer = new KeyBuffer();
  buffer.set(key);
  const body = new Uint8Array(codec.HASH_KEY + buffer.length);
  writeU32(body, 0, NO_LIMIT_MS);
  body[codec.HASH_KIND] = codec.HashKind.value;
  writeU16(body, codec.HASH_KEY_LENGTH, buffer.length);
  body.set(buffer.bytes.subarray(0, buffer.length), codec.HASH_KEY);
  const partition = dispatcher.router.partitionOf(buffer);
  const answer = await requestBody(dispatcher, { opcode: HASH, body, partition, ...bounds });
  if (answer[codec.HASHED_STATE] === codec.HashedState.absent) return null;
  return {
    sha256: hexOf(answer, codec.HASHED_DIGEST),
    length: readU48(answer, codec.HASHED_COUNT),
    revision: readBigU64(answer, codec.HASHED_EPOCH),
  };
}

/**
 * Of the replica that `link` keeps, at `revision`, which it may have to come to within `waitMs`; 0n: as it is now.
 * @throws KeyvalError KV_MOVED when it keeps none; KV_RESTARTED, KV_NO_QUORUM, without another attempt, when it has nothing
 * that could be compared
 */
export async function digestOfReplica(
  dispatcher: Dispatcher,
  link: NodeLink,
  partition: number,
  revision: bigint,
  waitMs: number,
  bounds: Bounds,
): Promise<ReplicaDigest> {
  const body = new Uint8Array(codec.HASH_KEY);
  writeU32(body, 0, Math.max(1, Math.ceil(waitMs)));
  body[codec.HASH_KIND] = codec.HashKind.partition;
  writeU16(body, codec.HASH_PARTITION, partition);
  writeU32(body, codec.HASH_EPOCH, Number(revision >> 32n));
  writeU32(body, codec.HASH_OPERATION, Number(revision & 0xffff_ffffn));
  const answer = await requestBody(dispatcher, { opcode: HASH, body, partition, link, ...bounds, once: true });
  const state = answer[codec.HASHED_STATE];
  const { passed, notReached } = codec.HashedState;
  return {
    state: state === passed ? 'passed' : state === notReached ? 'notReached' : 'digest',
    revision: readBigU64(answer, codec.HASHED_EPOCH),
    keys: readU32(answer, codec.HASHED_COUNT + 2),
    digest: hexOf(answer, codec.HASHED_DIGEST),
  };
}
