/**
 * Digests (HASH, HSHD). Of a value: at its primary. Of a partition: at any replica, at exactly the operation that the
 * caller names; a replica that has not come there yet waits for it, so that all replicas can be compared at one operation
 * while writes go on. The table is walked in slices over a snapshot.
 */

import { readU16, readU32 } from '../base/bytes.ts';
import type { TimerHandle, Timers } from '../base/ports.ts';
import { KeyvalError } from '../errors.ts';
import * as codec from '../protocol/export-codec.ts';
import { DIGESTS_MAX } from '../protocol/limits.ts';
import { HSHD } from '../protocol/opcode.ts';
import { SlicedDigest } from '../store/sliced-digest.ts';
import { SnapshotState, TableSnapshot } from '../store/table-snapshot.ts';
import type { BulkWork } from './bulk-work.ts';
import type { Connection } from './connection.ts';
import { unitsOfBulk } from './fair-share.ts';
import type { PartitionPrimary } from './partition-primary.ts';
import type { PartitionState } from './partition-state.ts';
import { replyFail } from './reply.ts';
import { reserveForSnapshot, type SnapshotMemory } from './snapshot-memory.ts';

export interface DigestHost extends SnapshotMemory {
  readonly ports: { readonly timers: Timers };
}

interface Waiting {
  readonly state: PartitionState;
  readonly to: Connection;
  readonly messageId: number;
  readonly epoch: number;
  readonly operation: number;
  timer: TimerHandle | null;
}

interface Running {
  readonly digest: SlicedDigest;
  readonly to: Connection;
  readonly messageId: number;
}

/** Longest wait for an operation, whatever the caller would wait. */
const WAIT_MS_MAX = 5000;
/** Bytes of values being hashed by threads, or in slices. */
const HASHING_BYTES_MAX: number = 128 * 1024 * 1024;
const NO_DIGEST = new Uint8Array(0);

export class Digests {
  readonly #host: DigestHost;
  readonly #work: BulkWork;
  readonly #waiting: Set<Waiting> = new Set();
  readonly #running: Running[] = [];
  readonly #turn = (): void => this.#slice();
  #hashingBytes = 0;

  constructor(host: DigestHost, work: BulkWork) {
    this.#host = host;
    this.#work = work;
  }

  /** SHA-256 of the value of a key, as committed. */
  value(partition: PartitionPrimary, to: Connection, messageId: number, bytes: Uint8Array, start: number): void {
    if (!partition.serving || !partition.lease.holds)
      return replyFail(to, messageId, 'KV_NO_QUORUM', partition.obstacle());
    const { keys } = partition.state;
    const keyStart = start + codec.HASH_KEY;
    const slot = keys.find(bytes, keyStart, keyStart + readU16(bytes, start + codec.HASH_KEY_LENGTH));
    const deadlineMs = slot < 0 ? 0 : keys.deadlineMs(slot);
    if (slot < 0 || (deadlineMs !== 0 && deadlineMs <= partition.logTimeMs())) {
      return writeDigest(to, messageId, codec.HashedState.absent, 0, 0, 0, NO_DIGEST);
    }
    const epoch = keys.epoch(slot);
    const operation = keys.operation(slot);
    const length = keys.valueLength(slot);
    to.units += unitsOfBulk(length);
    if (this.#hashingBytes > 0 && this.#hashingBytes + length > HASHING_BYTES_MAX) {
      return replyFail(to, messageId, 'KV_OVERLOADED', 'too many large values are being hashed');
    }
    const digest = this.#work.sha256(bytesOfValue(partition.state, slot));
    const reply = (sum: Uint8Array): void =>
      writeDigest(to, messageId, codec.HashedState.digest, epoch, operation, length, sum);
    if (digest instanceof Uint8Array) return reply(digest);
    this.#hashingBytes += length;
    const ended = digest.finally(() => {
      this.#hashingBytes -= length;
    });
    ended.then(reply, (error: unknown) => {
      const code = error instanceof KeyvalError ? error.code : 'KV_INTERNAL';
      replyFail(to, messageId, code, error instanceof Error ? error.message : String(error));
    });
  }

  /** Content digest of the partition whose replica `state` is, at the revision that the body names. */
  partition(state: PartitionState, to: Connection, messageId: number, bytes: Uint8Array, start: number): void {
    if (this.#running.length + this.#waiting.size >= DIGESTS_MAX) {
      return replyFail(to, messageId, 'KV_OVERLOADED', 'too many digests of partitions are under way');
    }
    const epoch = readU32(bytes, start + codec.HASH_EPOCH);
    const operation = readU32(bytes, start + codec.HASH_OPERATION);
    const distance = epoch === 0 && operation === 0 ? 0 : ahead(state, epoch, operation);
    if (distance === 0) return this.#begin(state, to, messageId);
    if (distance < 0) return writePosition(state, to, messageId, codec.HashedState.passed);
    const waitMs = Math.min(WAIT_MS_MAX, readU32(bytes, start));
    const one: Waiting = { state, to, messageId, epoch, operation, timer: null };
    one.timer = this.#host.ports.timers.after(waitMs, () => {
      this.#forget(one);
      writePosition(state, to, messageId, codec.HashedState.notReached);
    });
    this.#waiting.add(one);
    state.onApplied ??= (): void => this.#applied(state);
  }

  closed(connection: Connection): void {
    for (const one of [...this.#waiting]) if (one.to === connection) this.#forget(one);
  }

  /** An entry was applied for which somebody may wait. */
  #applied(state: PartitionState): void {
    for (const one of [...this.#waiting]) {
      if (one.state !== state) continue;
      const distance = ahead(state, one.epoch, one.operation);
      if (distance > 0) continue;
      this.#forget(one);
      if (distance === 0) this.#begin(state, one.to, one.messageId);
      else writePosition(state, one.to, one.messageId, codec.HashedState.passed);
    }
  }

  #forget(one: Waiting): void {
    one.timer?.cancel();
    this.#waiting.delete(one);
    for (const other of this.#waiting) if (other.state === one.state) return;
    one.state.onApplied = null;
  }

  #begin(state: PartitionState, to: Connection, messageId: number): void {
    const { appliedEpoch, appliedOperation } = state;
    const reserve = (bytes: number): boolean => reserveForSnapshot(this.#host, bytes);
    const snapshot = new TableSnapshot(state.keys, appliedEpoch, appliedOperation, reserve);
    this.#running.push({ digest: new SlicedDigest(snapshot), to, messageId });
    if (this.#running.length === 1) this.#slice();
  }

  /** One slice of one digest a turn, in rotation: however many are under way, others wait no longer for it. */
  #slice(): void {
    const one = this.#running.shift();
    if (one === undefined) return;
    if (one.to.closed) one.digest.snapshot.close();
    const state = one.digest.slice();
    if (state === SnapshotState.open) this.#running.push(one);
    else answer(one, state);
    if (this.#running.length > 0) this.#host.ports.timers.atTurnEnd(this.#turn);
  }
}

function answer({ digest, to, messageId }: Running, state: number): void {
  const { epoch, operation } = digest.snapshot;
  if (state === SnapshotState.done) {
    const sum = new Uint8Array(8);
    new DataView(sum.buffer).setBigUint64(0, digest.digest);
    writeDigest(to, messageId, codec.HashedState.digest, epoch, operation, digest.keys, sum);
  } else if (state === SnapshotState.noRoom) {
    replyFail(to, messageId, 'KV_OUT_OF_MEMORY', 'there is no memory to keep the state while writes go on');
  } else replyFail(to, messageId, 'KV_NOT_FOUND', 'the partition was emptied');
}

/** 1: the revision is still to come; 0: this is it; −1: it has passed. */
function ahead(state: PartitionState, epoch: number, operation: number): number {
  const difference = epoch - state.appliedEpoch || operation - state.appliedOperation;
  return Math.sign(difference);
}

/** A copy, unless it is an array that stays as it is. */
function bytesOfValue({ keys }: PartitionState, slot: number): Uint8Array {
  const large = keys.largeValue(slot);
  if (large !== null) return large;
  const copy = new Uint8Array(keys.valueLength(slot));
  keys.copyValue(slot, copy, 0);
  return copy;
}

function writePosition(state: PartitionState, to: Connection, messageId: number, what: number): void {
  writeDigest(to, messageId, what, state.appliedEpoch, state.appliedOperation, 0, NO_DIGEST);
}

function writeDigest(
  to: Connection,
  messageId: number,
  state: number,
  epoch: number,
  operation: number,
  count: number,
  digest: Uint8Array,
): void {
  if (to.closed) return;
  const { frames } = to;
  frames.begin(HSHD, messageId);
  frames.u8(state);
  frames.u32(epoch);
  frames.u32(operation);
  frames.u48(count);
  frames.bytes(digest, 0, digest.length);
  frames.end();
}
