/** Requests as frames: the key, the time left, and the fixed part of writes. Nothing is made per request. */
import { writeU32 } from '../base/bytes.ts';
import type { Clock } from '../base/ports.ts';
import * as codec from '../protocol/client-codec.ts';
import { fenceTail } from '../protocol/fence.ts';
import type { FrameWriter } from '../protocol/frame-writer.ts';
import { LOAD } from '../protocol/opcode.ts';
import type { Fence } from './fence.ts';
import { type Key, KeyBuffer } from './key-buffer.ts';
import type { Operation } from './operation.ts';

/** How a deadline looks that is none. */
const NO_LIMIT_MS = 0xffff_ffff;

export class RequestEncoder {
  /** The key of the request being sent; set before `get` and `write`. */
  readonly key: KeyBuffer = new KeyBuffer();
  /** The key of the lock that guards it. */
  readonly lockKey: KeyBuffer = new KeyBuffer();
  readonly #clock: Clock;
  readonly #head: codec.WriteHead = {
    timeLeftMs: 0,
    attachEpoch: 0,
    attachOperation: 0,
    sequence: 0,
    mark: 0,
    flags: 0,
    span: 0,
    epoch: 0,
    operation: 0,
  };

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** At least 1: what is late already is for the deadline sweep to end. */
  #timeLeft(operation: Operation): number {
    if (operation.deadlineMs === Number.POSITIVE_INFINITY) return NO_LIMIT_MS;
    const left = Math.ceil(operation.deadlineMs - this.#clock.monotonicMs());
    return Math.max(1, Math.min(NO_LIMIT_MS - 1, left));
  }

  get(frames: FrameWriter, operation: Operation): void {
    const { bytes, length } = this.key;
    const { opcode, messageId, flags } = operation;
    codec.writeGet(frames, opcode, messageId, this.#timeLeft(operation), flags, bytes, length);
  }

  write(frames: FrameWriter, operation: Operation, mark: number, payload: Uint8Array | null): void {
    const head = this.#head;
    head.timeLeftMs = this.#timeLeft(operation);
    head.attachEpoch = operation.attachEpoch;
    head.attachOperation = operation.attachOperation;
    head.sequence = operation.sequence;
    head.mark = mark;
    head.flags = operation.flags;
    head.span = operation.span;
    head.epoch = operation.epoch;
    head.operation = operation.operation;
    codec.beginWrite(frames, operation.opcode, operation.messageId, head, this.key.bytes, this.key.length);
    if (payload !== null) frames.bytes(payload, 0, payload.length);
    if (operation.fence !== null) this.#fence(frames, operation.key, operation.fence);
    if ((operation.flags & codec.WriteFlag.namesGrant) !== 0) frames.u32(operation.grantSequence >>> 0);
    frames.end();
  }

  /** The lock of the key that is written needs no name. */
  #fence(frames: FrameWriter, key: Key, { key: lock, token }: Fence): void {
    this.lockKey.set(lock);
    const lockLength = lock === key ? 0 : this.lockKey.length;
    frames.bytes(this.lockKey.bytes, 0, lockLength);
    const tail = fenceTail(token, lockLength);
    frames.bytes(tail, 0, tail.length);
  }

  /** A request without a key: its body stands ready. */
  body(frames: FrameWriter, operation: Operation): void {
    const body = operation.body as Uint8Array;
    if (operation.opcode === LOAD) writeU32(body, 0, this.#timeLeft(operation));
    frames.begin(operation.opcode, operation.messageId);
    frames.bytes(body, 0, body.length);
    frames.end();
  }
}
