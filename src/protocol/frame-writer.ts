/**
 * Frames in, bytes out: encodes the frames of one turn one after another into one buffer, which then leaves in one
 * write. `begin`, the fields, `end`; the length is patched in by `end`. No object per frame.
 *
 * The buffer is borrowed while there is something in it; while the kernel still has one, the next frames go into
 * another.
 */
import { copyBytes, writeU16, writeU32, writeU48 } from '../base/bytes.ts';
import type { Channel } from '../base/ports.ts';
import type { Flushable, Turn } from '../base/turn.ts';
import { giveBuffer, takeBuffer } from './buffer-pool.ts';

const NONE: Uint8Array = new Uint8Array(0);
/** What is written at once, at most; the next follows when it has been taken. */
const SLICE_BYTES: number = 256 * 1024;
/** No buffer larger than this is borrowed before it is needed. */
const BYTES_EXPECTED_MAX: number = 256 * 1024;

export class FrameWriter {
  /** Encoded and not yet handed to the channel: `buffer[0, length)`. */
  buffer: Uint8Array = NONE;
  length = 0;
  #frameAt = 0;
  /** What the last turn needed: the next is likely to need as much. */
  #bytesExpected = 0;
  #sending: Uint8Array | null = null;
  #sendingBytes = 0;
  #sentBefore = 0; // bytes of #sending that it has taken
  #handedOver = 0; // bytes of #sending that the channel has been given
  #marked = false;
  readonly #turn: Turn;
  readonly #owner: Flushable;

  /** `owner.flush()` is called at the end of each turn in which a frame was begun. */
  constructor(turn: Turn, owner: Flushable) {
    this.#turn = turn;
    this.#owner = owner;
  }

  /** Memory it holds, used or not. */
  get memoryBytes(): number {
    return this.buffer.length + (this.#sending === null ? 0 : this.#sending.length);
  }

  /** Bytes encoded or on their way, not yet taken by the kernel. */
  get queuedBytes(): number {
    return this.length + this.#sendingBytes - this.#sentBefore;
  }

  begin(opcode: number, messageId: number): void {
    this.#turn.work += 1;
    if (!this.#marked) {
      this.#marked = true;
      this.#turn.mark(this.#owner);
    }
    this.reserve(64);
    this.#frameAt = this.length;
    writeU32(this.buffer, this.length + 4, opcode);
    writeU32(this.buffer, this.length + 8, messageId);
    this.length += 12;
  }

  end(): void {
    writeU32(this.buffer, this.#frameAt, this.length - this.#frameAt - 4);
  }

  /** Takes back the frame begun last. */
  abandon(): void {
    this.length = this.#frameAt;
  }

  /** Bytes of the frame begun last, so far, header included. */
  get frameBytes(): number {
    return this.length - this.#frameAt;
  }

  /** Makes room for `bytes` more. The fixed-size fields below do so themselves. */
  reserve(bytes: number): void {
    if (this.length + bytes > this.buffer.length) this.#grow(bytes);
  }

  #grow(bytes: number): void {
    const smaller = this.buffer;
    this.buffer = takeBuffer(Math.max(this.length + bytes, smaller.length * 2, this.#bytesExpected));
    if (smaller.length === 0) return;
    this.buffer.set(smaller.subarray(0, this.length));
    giveBuffer(smaller);
  }

  u8(value: number): void {
    this.reserve(1);
    this.buffer[this.length] = value;
    this.length += 1;
  }

  u16(value: number): void {
    this.reserve(2);
    writeU16(this.buffer, this.length, value);
    this.length += 2;
  }

  u32(value: number): void {
    this.reserve(4);
    writeU32(this.buffer, this.length, value);
    this.length += 4;
  }

  u48(value: number): void {
    this.reserve(6);
    writeU48(this.buffer, this.length, value);
    this.length += 6;
  }

  bytes(source: Uint8Array, start: number, end: number): void {
    this.reserve(end - start);
    copyBytes(source, start, end, this.buffer, this.length);
    this.length += end - start;
  }

  /** Hands everything encoded to the channel, unless the channel still holds the other buffer. */
  flush(channel: Channel): void {
    this.#marked = false;
    if (this.length === 0 || this.#sending !== null) return;
    const full = this.buffer;
    const bytes = this.length;
    this.length = 0;
    this.buffer = NONE;
    this.#bytesExpected = Math.min(bytes, BYTES_EXPECTED_MAX);
    if (bytes <= SLICE_BYTES && channel.write(full.subarray(0, bytes))) return giveBuffer(full);
    this.#sending = full;
    this.#sendingBytes = bytes;
    if (bytes > SLICE_BYTES) this.#sendSlices(channel);
    else this.#handedOver = bytes;
    // A channel in memory may have brought more meanwhile.
    if (this.#sending === null && this.length > 0) this.flush(channel);
  }

  /** Slice by slice, so that whoever takes them slowly is seen to take them. */
  #sendSlices(channel: Channel): void {
    const full = this.#sending as Uint8Array;
    while (this.#handedOver < this.#sendingBytes) {
      const at = this.#handedOver;
      this.#handedOver = Math.min(at + SLICE_BYTES, this.#sendingBytes);
      this.#sentBefore = at;
      if (!channel.write(full.subarray(at, this.#handedOver))) return;
    }
    this.#sentAll();
  }

  #sentAll(): void {
    giveBuffer(this.#sending as Uint8Array);
    this.#sending = null;
    this.#sendingBytes = 0;
    this.#handedOver = 0;
    this.#sentBefore = 0;
  }

  /** True while the channel holds a buffer. */
  get sending(): boolean {
    return this.#sending !== null;
  }

  /** The channel has taken what it was given. */
  drained(channel: Channel): void {
    if (this.#sending !== null) this.#sendSlices(channel);
  }
}
