/**
 * The log of one partition at one replica: entries in order, without gaps (R6), kept until nobody needs them any more.
 *
 *      positions   first ............ next            a position counts entries over all epochs and names a ring place
 *      ring        [ offset | length | epoch | operation | owner, tag ]
 *      bytes       ┌──────┬───────────┬───────┐
 *                  │ free │ entries … │ free  │        an entry never wraps: one that does not fit at the end starts at 0
 *                  └──────┴───────────┴───────┘
 *
 * The bytes of an entry are those of its record on the wire from the kind on: kind u8 | timeMs u48 | body. `owner` and
 * `tag` are the primary's: who waits for this entry's reply.
 */
import { assert } from '../base/assert.ts';
import { copyBytes, readU48, writeU48 } from '../base/bytes.ts';

const ENTRIES_MIN = 16;
const BYTES_MIN = 2048;
/** A larger buffer is given back when it is empty. */
const BYTES_KEPT_MAX: number = 16 * 1024;
/** kind u8 | timeMs u48 */
export const ENTRY_HEAD_BYTES = 7;

export class ReplicationLog {
  /** Oldest entry kept. */
  first = 0;
  /** Position of the next entry; `first` ≤ `next`. */
  next = 0;
  /** The bytes of all entries; replaced when it grows. */
  data: Uint8Array = new Uint8Array(BYTES_MIN);
  #offsets: Int32Array = new Int32Array(ENTRIES_MIN);
  #lengths: Int32Array = new Int32Array(ENTRIES_MIN);
  #epochs: Uint32Array = new Uint32Array(ENTRIES_MIN);
  #operations: Int32Array = new Int32Array(ENTRIES_MIN);
  #owners: (object | null)[] = new Array(ENTRIES_MIN).fill(null);
  #tags: Int32Array = new Int32Array(ENTRIES_MIN);
  #mask: number = ENTRIES_MIN - 1;
  #used = 0;
  #tail = 0; // where the next entry's bytes would start, unless they do not fit

  /** Memory held. */
  get bytes(): number {
    return this.data.length + (this.#mask + 1) * 32;
  }

  /** Bytes of the entries kept. */
  get usedBytes(): number {
    return this.#used;
  }

  /** Bytes from the entry at `position` to the end of the last, about. */
  bytesFrom(position: number): number {
    if (position >= this.next) return 0;
    const offset = this.offset(position);
    return this.#tail > offset ? this.#tail - offset : this.data.length - offset + this.#tail;
  }

  /** Appends an entry whose body is `source[start, end)`, copied. Gives its position. */
  append(
    epoch: number,
    operation: number,
    kind: number,
    timeMs: number,
    source: Uint8Array,
    start: number,
    end: number,
  ): number {
    const offset = this.#place(ENTRY_HEAD_BYTES + end - start);
    this.data[offset] = kind;
    writeU48(this.data, offset + 1, timeMs);
    copyBytes(source, start, end, this.data, offset + ENTRY_HEAD_BYTES);
    return this.#register(epoch, operation, offset, ENTRY_HEAD_BYTES + end - start);
  }

  /** Appends an entry as it came from the wire: `source[start, end)` begins with the kind. */
  appendRaw(epoch: number, operation: number, source: Uint8Array, start: number, end: number): number {
    const offset = this.#place(end - start);
    copyBytes(source, start, end, this.data, offset);
    return this.#register(epoch, operation, offset, end - start);
  }

  #register(epoch: number, operation: number, offset: number, length: number): number {
    const position = this.next;
    const at = position & this.#mask;
    this.#offsets[at] = offset;
    this.#lengths[at] = length;
    this.#epochs[at] = epoch;
    this.#operations[at] = operation;
    this.#tail = offset + length;
    this.#used += length;
    this.next = position + 1;
    return position;
  }

  /** Makes room for one more entry of `length` bytes; gives where it starts. */
  #place(length: number): number {
    if (this.next - this.first > this.#mask) this.#growRing();
    if (this.first === this.next) this.#tail = 0;
    const head = this.first === this.next ? 0 : (this.#offsets[this.first & this.#mask] as number);
    const wrapped = this.first !== this.next && this.#tail <= head;
    if (wrapped) {
      if (this.#tail + length < head) return this.#tail;
    } else {
      if (this.#tail + length <= this.data.length) return this.#tail;
      if (length < head) return 0;
    }
    this.#growBytes(length);
    return this.#tail;
  }

  /** Lays all entries out from 0 in a buffer with room for `length` more. */
  #growBytes(length: number): void {
    let used = 0;
    for (let position = this.first; position < this.next; position += 1) used += this.length(position);
    let size = this.data.length;
    while (size < used + length) size *= 2;
    const larger = new Uint8Array(size === this.data.length ? size * 2 : size);
    let at = 0;
    for (let position = this.first; position < this.next; position += 1) {
      const offset = this.offset(position);
      const bytes = this.length(position);
      larger.set(this.data.subarray(offset, offset + bytes), at);
      this.#offsets[position & this.#mask] = at;
      at += bytes;
    }
    this.data = larger;
    this.#tail = at;
  }

  #growRing(): void {
    const from = this.#mask;
    const size = (from + 1) * 2;
    const old = [this.#offsets, this.#lengths, this.#epochs, this.#operations, this.#tags] as const;
    const fresh = [
      new Int32Array(size),
      new Int32Array(size),
      new Uint32Array(size),
      new Int32Array(size),
      new Int32Array(size),
    ] as const;
    const owners: (object | null)[] = new Array(size).fill(null);
    for (let position = this.first; position < this.next; position += 1) {
      for (let column = 0; column < old.length; column += 1) {
        const column32 = fresh[column] as Int32Array | Uint32Array;
        column32[position & (size - 1)] = (old[column] as Int32Array | Uint32Array)[position & from] as number;
      }
      owners[position & (size - 1)] = this.#owners[position & from] as object | null;
    }
    [this.#offsets, this.#lengths, this.#epochs, this.#operations, this.#tags] = fresh;
    this.#owners = owners;
    this.#mask = size - 1;
  }

  /** Entry bytes are `data[offset, offset + length)`. */
  offset(position: number): number {
    return this.#offsets[position & this.#mask] as number;
  }

  length(position: number): number {
    return this.#lengths[position & this.#mask] as number;
  }

  epoch(position: number): number {
    return this.#epochs[position & this.#mask] as number;
  }

  operation(position: number): number {
    return this.#operations[position & this.#mask] as number;
  }

  kind(position: number): number {
    return this.data[this.offset(position)] as number;
  }

  timeMs(position: number): number {
    return readU48(this.data, this.offset(position) + 1);
  }

  owner(position: number): object | null {
    return this.#owners[position & this.#mask] as object | null;
  }

  tag(position: number): number {
    return this.#tags[position & this.#mask] as number;
  }

  /** Names who waits for this entry; null: nobody (any more). */
  own(position: number, owner: object | null, tag: number): void {
    this.#owners[position & this.#mask] = owner;
    this.#tags[position & this.#mask] = tag;
  }

  /** Forgets everything: the next entry will stand at `position`. */
  startAt(position: number): void {
    this.dropBefore(this.next);
    this.first = position;
    this.next = position;
  }

  /** Forgets the entries before `position`. */
  dropBefore(position: number): void {
    assert(position <= this.next, 'log: dropping beyond the end');
    for (; this.first < position; this.first += 1) {
      this.#owners[this.first & this.#mask] = null;
      this.#used -= this.length(this.first);
    }
    if (this.first === this.next && this.data.length > BYTES_KEPT_MAX) this.data = new Uint8Array(BYTES_MIN);
  }

  /** Forgets `position` and everything after it (R15). */
  truncate(position: number): void {
    assert(position >= this.first && position <= this.next, 'log: truncating outside');
    if (position === this.next) return;
    this.#tail = this.offset(position);
    for (let at = position; at < this.next; at += 1) {
      this.#owners[at & this.#mask] = null;
      this.#used -= this.length(at);
    }
    this.next = position;
  }
}
