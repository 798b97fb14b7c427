/**
 * Bytes in, frames out; no socket, no object per frame.
 *
 *     ┌────────────┬─────────────────┬────────────────┬──────────┐
 *     │ length u32 │ opcode 4 letters│ message id u32 │ body …   │   big-endian; length counts all that follows it
 *     └────────────┴─────────────────┴────────────────┴──────────┘
 *
 * A frame that lies whole in a chunk is read where it lies. One that is cut is gathered in `#carry`, which grows with
 * the bytes that really arrive: announcing a large frame costs the receiver nothing. The length is checked as soon as
 * its four bytes are there.
 */
import { FRAME_HEADER_BYTES, FRAME_LENGTH_MAX, FRAME_LENGTH_MIN } from './limits.ts';

export const DecodeStatus = { needMore: 0, frame: 1, badLength: 2 } as const;

const CARRY_BYTES_MIN = 1024;
/** A larger carry buffer is given back after its frame. */
const CARRY_KEPT_BYTES_MAX = 256 * 1024;
const LENGTH_BYTES = 4;
const NOTHING: Uint8Array = new Uint8Array(0);

export class FrameDecoder {
  /** Largest length field accepted now; the login raises it. */
  lengthMax: number;

  // The present frame, valid until the next call of `next` or `push`.
  opcode = 0;
  messageId = 0;
  /** The body is `buffer[bodyStart, bodyEnd)`. */
  buffer: Uint8Array = NOTHING;
  bodyStart = 0;
  bodyEnd = 0;
  /** The length field that was refused, with `badLength`. */
  badLength = 0;

  #chunk: Uint8Array = NOTHING;
  #at = 0;
  #carry: Uint8Array = NOTHING;
  #carried = 0; // bytes of one cut frame at the start of #carry
  #ownsChunk = false; // #chunk is a copy of its own

  constructor(lengthMax: number = FRAME_LENGTH_MAX) {
    this.lengthMax = lengthMax;
  }

  /** Bytes of a cut frame held back. */
  get heldBytes(): number {
    return this.#carried;
  }

  /** Bytes of the present chunk that `next` has not looked at. */
  get restBytes(): number {
    return this.#chunk.length - this.#at;
  }

  /** Memory it holds, used or not. */
  get memoryBytes(): number {
    return this.#carry.length + (this.#ownsChunk ? this.#chunk.length : 0);
  }

  /** Hands in the next bytes. All frames of the chunk before it must have been taken with `next`, or kept. */
  push(chunk: Uint8Array): void {
    if (this.#ownsChunk && this.#at < this.#chunk.length) return this.#append(chunk);
    this.#chunk = chunk;
    this.#at = 0;
    this.#ownsChunk = false;
  }

  #append(chunk: Uint8Array): void {
    const rest = this.#chunk.length - this.#at;
    const joined = new Uint8Array(rest + chunk.length);
    joined.set(this.#chunk.subarray(this.#at));
    joined.set(chunk, rest);
    this.#chunk = joined;
    this.#at = 0;
  }

  /** The chunk will not be there any longer when `next` goes on: copies what is left of it, once. */
  keepRest(): void {
    if (this.#ownsChunk) return;
    this.#chunk = this.#chunk.slice(this.#at);
    this.#at = 0;
    this.#ownsChunk = true;
  }

  /**
   * The present frame's body is a row of whole frames, as the caller has made sure: `next` goes on with them, and then
   * with what follows the frame.
   */
  enter(): void {
    if (this.buffer === this.#chunk) {
      this.#at = this.bodyStart;
      return;
    }
    const body = this.buffer.subarray(this.bodyStart, this.bodyEnd);
    const joined = new Uint8Array(body.length + this.restBytes);
    joined.set(body);
    joined.set(this.#chunk.subarray(this.#at), body.length);
    this.#chunk = joined;
    this.#at = 0;
    this.#ownsChunk = true;
  }

  /** Moves to the next whole frame. After `badLength` the stream cannot be followed any further. */
  next(): number {
    if (this.#carried > 0) return this.#nextCarried();
    const chunk = this.#chunk;
    const at = this.#at;
    const available = chunk.length - at;
    if (available < LENGTH_BYTES) return this.#keep(chunk, at, available);
    const length = lengthAt(chunk, at);
    if (length < FRAME_LENGTH_MIN || length > this.lengthMax) return this.#refuse(length);
    if (available < LENGTH_BYTES + length) return this.#keep(chunk, at, available);
    this.#at = at + LENGTH_BYTES + length;
    this.#present(chunk, at, length);
    return DecodeStatus.frame;
  }

  #present(buffer: Uint8Array, at: number, length: number): void {
    this.buffer = buffer;
    this.opcode = wordAt(buffer, at + 4);
    this.messageId = wordAt(buffer, at + 8) >>> 0;
    this.bodyStart = at + FRAME_HEADER_BYTES;
    this.bodyEnd = at + LENGTH_BYTES + length;
  }

  #refuse(length: number): number {
    this.badLength = length;
    return DecodeStatus.badLength;
  }

  /** Completes the cut frame from the present chunk. */
  #nextCarried(): number {
    if (!this.#fill(LENGTH_BYTES)) return this.#letGo();
    const length = lengthAt(this.#carry, 0);
    if (length < FRAME_LENGTH_MIN || length > this.lengthMax) return this.#refuse(length);
    if (!this.#fill(LENGTH_BYTES + length)) return this.#letGo();
    this.#present(this.#carry, 0, length);
    this.#carried = 0;
    return DecodeStatus.frame;
  }

  /** Takes bytes of the chunk until `wanted` are carried; false when the chunk ends before. */
  #fill(wanted: number): boolean {
    const missing = wanted - this.#carried;
    if (missing <= 0) return true;
    const taken = Math.min(missing, this.#chunk.length - this.#at);
    this.#carryMore(this.#chunk, this.#at, taken);
    this.#at += taken;
    return taken === missing;
  }

  #keep(chunk: Uint8Array, at: number, available: number): number {
    if (this.#carry.length > CARRY_KEPT_BYTES_MAX) this.#carry = NOTHING;
    if (available > 0) this.#carryMore(chunk, at, available);
    return this.#letGo();
  }

  /** An idle connection holds on to nothing that has been handled. */
  #letGo(): number {
    this.buffer = NOTHING;
    this.#chunk = NOTHING;
    this.#at = 0;
    this.#ownsChunk = false;
    return DecodeStatus.needMore;
  }

  #carryMore(chunk: Uint8Array, at: number, bytes: number): void {
    const wanted = this.#carried + bytes;
    if (wanted > this.#carry.length) {
      const larger = new Uint8Array(Math.max(CARRY_BYTES_MIN, 2 ** Math.ceil(Math.log2(wanted))));
      larger.set(this.#carry.subarray(0, this.#carried));
      this.#carry = larger;
    }
    this.#carry.set(chunk.subarray(at, at + bytes), this.#carried);
    this.#carried = wanted;
  }
}

function wordAt(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at] as number) << 24) |
    ((bytes[at + 1] as number) << 16) |
    ((bytes[at + 2] as number) << 8) |
    (bytes[at + 3] as number)
  );
}

function lengthAt(bytes: Uint8Array, at: number): number {
  return wordAt(bytes, at) >>> 0;
}
