/**
 * Packed rows: many keys with their values in one array of bytes, so that a worker thread takes or gives all of them by
 * handing over one buffer. Nothing is built per row.
 *
 *     keyLength u16 | valueLength u32 | ttlMs u48 (0 none) | slot u16 | line u32 | key | value        … and the next row
 *
 * `slot` is the key's hash slot; `line` is where the row stood in its chunk of text, from 1, and 0 where it came from
 * no text. Numbers are big-endian, as on the wire.
 */
import { assert } from '../base/assert.ts';
import { copyBytes, readU16, readU32, readU48, writeU16, writeU32, writeU48 } from '../base/bytes.ts';
import { hashSlot } from '../base/hash-slot.ts';

export const ROW_VALUE_LENGTH = 2;
export const ROW_TTL = 6;
export const ROW_SLOT = 12;
export const ROW_LINE = 14;
/** Bytes of a row before its key. */
export const ROW_HEAD_BYTES = 18;

/** Times to live are below this: the wire has 48 bits, and a deadline must stay exact in a double. */
export const TTL_MS_LIMIT: number = 2 ** 47;

const FIRST_CAPACITY_BYTES = 4096;

/** Walks packed rows: `next()` moves to a row, whose parts then stand in the fields as offsets into `bytes`. */
export class RowReader {
  readonly bytes: Uint8Array;
  keyStart = 0;
  keyEnd = 0;
  valueStart = 0;
  valueEnd = 0;
  /** 0: it does not expire. */
  ttlMs = 0;
  slot = 0;
  line = 0;
  #at = 0;

  constructor(rows: Uint8Array) {
    this.bytes = rows;
  }

  /** False when there is no further row. */
  next(): boolean {
    const { bytes } = this;
    const at = this.#at;
    if (at === bytes.length) return false;
    assert(at + ROW_HEAD_BYTES <= bytes.length, 'packed rows end behind a whole row');
    this.keyStart = at + ROW_HEAD_BYTES;
    this.keyEnd = this.keyStart + readU16(bytes, at);
    this.valueStart = this.keyEnd;
    this.valueEnd = this.keyEnd + readU32(bytes, at + ROW_VALUE_LENGTH);
    assert(this.valueEnd <= bytes.length, 'packed rows end behind a whole row');
    this.ttlMs = readU48(bytes, at + ROW_TTL);
    this.slot = readU16(bytes, at + ROW_SLOT);
    this.line = readU32(bytes, at + ROW_LINE);
    this.#at = this.valueEnd;
    return true;
  }
}

/** Packs rows one after the other into a buffer that grows. */
export class RowWriter {
  #bytes: Uint8Array<ArrayBuffer>;
  #length = 0;
  #rows = 0;

  /** `capacityBytes`: what is expected; more is made room for. */
  constructor(capacityBytes: number = FIRST_CAPACITY_BYTES) {
    this.#bytes = new Uint8Array(capacityBytes);
  }

  /** Rows written so far, and their bytes. */
  get rows(): number {
    return this.#rows;
  }

  get length(): number {
    return this.#length;
  }

  /** Appends a row whose key is `key[keyStart, keyEnd)` and whose value is `value[valueStart, valueEnd)`. */
  append(
    key: Uint8Array,
    keyStart: number,
    keyEnd: number,
    value: Uint8Array,
    valueStart: number,
    valueEnd: number,
    ttlMs: number,
    line: number,
  ): void {
    const at = this.begin(keyEnd - keyStart, valueEnd - valueStart, ttlMs, line);
    copyBytes(key, keyStart, keyEnd, this.#bytes, at);
    copyBytes(value, valueStart, valueEnd, this.#bytes, at + keyEnd - keyStart);
    this.end();
  }

  /**
   * Makes room for a row of these lengths. Gives where in `bytes` its key goes, with the value right behind it. The row
   * counts once `end` is called; without that, the next `begin` writes over it.
   */
  begin(keyLength: number, valueLength: number, ttlMs: number, line: number): number {
    const at = this.#length;
    const end = at + ROW_HEAD_BYTES + keyLength + valueLength;
    if (end > this.#bytes.length) this.#grow(end);
    const bytes = this.#bytes;
    writeU16(bytes, at, keyLength);
    writeU32(bytes, at + ROW_VALUE_LENGTH, valueLength);
    writeU48(bytes, at + ROW_TTL, ttlMs);
    writeU32(bytes, at + ROW_LINE, line);
    return at + ROW_HEAD_BYTES;
  }

  /** The array that is written to; it may be another one after each `begin`. */
  get bytes(): Uint8Array {
    return this.#bytes;
  }

  /** Key and value of the row that was begun are there: notes its slot. */
  end(): void {
    const at = this.#length;
    const bytes = this.#bytes;
    const keyAt = at + ROW_HEAD_BYTES;
    const keyEnd = keyAt + readU16(bytes, at);
    writeU16(bytes, at + ROW_SLOT, hashSlot(bytes, keyAt, keyEnd));
    this.#length = keyEnd + readU32(bytes, at + ROW_VALUE_LENGTH);
    this.#rows += 1;
  }

  #grow(least: number): void {
    const grown = new Uint8Array(Math.max(least, this.#bytes.length * 2));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }

  /** The rows; the writer begins anew. Nothing else uses their buffer, which may be longer than they are. */
  take(): Uint8Array<ArrayBuffer> {
    const rows = this.#bytes.subarray(0, this.#length);
    this.#bytes = new Uint8Array(0);
    this.#length = 0;
    this.#rows = 0;
    return rows;
  }
}
