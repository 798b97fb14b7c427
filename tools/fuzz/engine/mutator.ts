/**
 * Makes inputs out of inputs: a few small changes each. Where inputs are frames, most changes of a body's length are
 * followed up in the frame's length field, so that what lies behind it stays readable; and whole frames come, go and
 * change places.
 */
import type { Prng } from '../../../src/base/prng.ts';
import { NUMBERS, OPCODES } from './words.ts';

const CHANGES_MAX = 5;
const PIECE_BYTES_MAX = 64;

export interface MutatorOptions {
  readonly prng: Prng;
  readonly inputBytesMax: number;
  /** Where the first frame begins; null: inputs are no frames. */
  readonly framesFrom: number | null;
  readonly words: readonly Uint8Array[];
}

export class Mutator {
  readonly #prng: Prng;
  readonly #framesFrom: number | null;
  readonly #words: readonly Uint8Array[];
  readonly #max: number;
  /** The input being made is `#work[0, #length)`. */
  readonly #work: Uint8Array;
  #length = 0;
  // Where frames begin, and their lengths with the length field.
  #frameStarts: number[] = [];
  #frameBytes: number[] = [];

  constructor({ prng, inputBytesMax, framesFrom, words }: MutatorOptions) {
    this.#prng = prng;
    this.#framesFrom = framesFrom;
    this.#words = words;
    this.#max = inputBytesMax;
    this.#work = new Uint8Array(inputBytesMax);
  }

  /** Writes a mutant of `parent` to `target` at `at`; gives its length. `other` lends pieces. */
  mutate(parent: Uint8Array, other: Uint8Array, target: Uint8Array, at: number): number {
    this.#length = Math.min(parent.length, this.#max);
    this.#work.set(parent.subarray(0, this.#length));
    const changes = 1 + (this.#below(4) === 0 ? this.#below(CHANGES_MAX) : 0);
    for (let change = 0; change < changes; change += 1) this.#change(other);
    target.set(this.#work.subarray(0, this.#length), at);
    return this.#length;
  }

  #below(n: number): number {
    return this.#prng.u32() % n;
  }

  #change(other: Uint8Array): void {
    if (this.#framesFrom !== null && this.#below(3) === 0) {
      this.#findFrames();
      if (this.#frameStarts.length > 0) return this.#changeFrames(other);
    }
    this.#changeBytes(other);
  }

  #changeBytes(other: Uint8Array): void {
    const at = this.#length === 0 ? 0 : this.#below(this.#length);
    switch (this.#below(11)) {
      case 0:
        this.#work[at] = (this.#work[at] as number) ^ (1 << this.#below(8));
        break;
      case 1:
        this.#work[at] = this.#below(256);
        break;
      case 2:
      case 3:
        return this.#putNumber(at);
      case 4:
        return this.#addToNumber(at);
      case 5:
        return this.#insertRandom(at);
      case 6:
        return this.#erase(at, 1 + this.#below(Math.min(PIECE_BYTES_MAX, this.#length - at || 1)));
      case 7:
        return this.#duplicate(at);
      case 8:
        return this.#insertPiece(other, at);
      case 9:
        return this.#word(at);
      default:
        return this.#overwrite(other, at);
    }
    if (this.#length === 0) this.#length = 1;
  }

  // ---- bytes

  #putNumber(at: number): void {
    const value = NUMBERS[this.#below(NUMBERS.length)] as number;
    this.#putWide(at, [1, 2, 2, 4, 4, 6][this.#below(6)] as number, value);
  }

  #addToNumber(at: number): void {
    const width = [1, 2, 4][this.#below(3)] as number;
    let value = 0;
    for (let index = 0; index < width; index += 1) value = (value << 8) | (this.#work[at + index] ?? 0);
    this.#putWide(at, width, value + this.#below(33) - 16);
  }

  #putWide(at: number, width: number, value: number): void {
    const end = Math.min(this.#length, at + width);
    for (let index = end - 1, rest = value >>> 0; index >= at; index -= 1, rest = Math.floor(rest / 256))
      this.#work[index] = rest;
  }

  #insertRandom(at: number): void {
    const count = this.#open(at, 1 + this.#below(this.#below(8) === 0 ? PIECE_BYTES_MAX : 4));
    for (let index = 0; index < count; index += 1) this.#work[at + index] = this.#below(256);
  }

  #duplicate(at: number): void {
    const wanted = 1 + this.#below(Math.min(PIECE_BYTES_MAX, this.#length - at || 1));
    const count = this.#open(at, wanted);
    this.#work.copyWithin(at, at + count, at + 2 * count);
  }

  #insertPiece(other: Uint8Array, at: number): void {
    if (other.length === 0) return;
    const from = this.#below(other.length);
    const count = this.#open(at, 1 + this.#below(Math.min(PIECE_BYTES_MAX * 4, other.length - from)));
    this.#work.set(other.subarray(from, from + count), at);
  }

  #overwrite(other: Uint8Array, at: number): void {
    if (other.length === 0 || this.#length === 0) return;
    const from = this.#below(other.length);
    const count = Math.min(1 + this.#below(PIECE_BYTES_MAX), other.length - from, this.#length - at);
    this.#work.set(other.subarray(from, from + count), at);
  }

  #word(at: number): void {
    const word = this.#words[this.#below(this.#words.length)] as Uint8Array;
    if (this.#below(2) === 0) {
      const count = this.#open(at, word.length);
      this.#work.set(word.subarray(0, count), at);
    } else this.#work.set(word.subarray(0, Math.max(0, this.#length - at)), at);
  }

  /** Makes room for `count` bytes at `at`, or for fewer when the input is full; gives for how many. */
  #open(at: number, count: number): number {
    const possible = Math.min(count, this.#max - this.#length);
    if (possible <= 0) return 0;
    this.#work.copyWithin(at + possible, at, this.#length);
    this.#length += possible;
    this.#follow(at, possible);
    return possible;
  }

  #erase(at: number, count: number): void {
    const possible = Math.min(count, this.#length - at);
    if (possible <= 0) return;
    this.#follow(at, -possible);
    this.#work.copyWithin(at, at + possible, this.#length);
    this.#length -= possible;
  }

  /** The frame around `at` has become longer: mostly its length field says so. */
  #follow(at: number, by: number): void {
    if (this.#framesFrom === null || this.#below(4) === 0) return;
    for (let start = this.#framesFrom; start + 12 <= at; ) {
      const length = this.#u32(start);
      if (length < 8) return;
      const end = start + 4 + length;
      if (at <= end) {
        if (by > 0 || at - by <= end) this.#putU32(start, Math.max(8, length + by));
        return;
      }
      start = end;
    }
  }

  // ---- frames

  #findFrames(): void {
    this.#frameStarts.length = 0;
    this.#frameBytes.length = 0;
    for (let start = this.#framesFrom as number; start + 12 <= this.#length; ) {
      const length = this.#u32(start);
      if (length < 8 || start + 4 + length > this.#length) return;
      this.#frameStarts.push(start);
      this.#frameBytes.push(4 + length);
      start += 4 + length;
    }
  }

  #changeFrames(other: Uint8Array): void {
    const index = this.#below(this.#frameStarts.length);
    const start = this.#frameStarts[index] as number;
    const size = this.#frameBytes[index] as number;
    switch (this.#below(8)) {
      case 0:
        return this.#putU32(start + 4, OPCODES[this.#below(OPCODES.length)] as number);
      case 1:
        return this.#putU32(start + 8, this.#below(16));
      case 2: // the length is right again
        return this.#putU32(start, Math.max(8, this.#length - start - 4));
      case 3:
        return this.#cutFrame(start, size);
      case 4:
        return this.#copyFrame(start, size);
      case 5:
        return this.#insertFrame(other, start);
      case 6:
        return this.#shorten(start, size);
      default:
        return this.#putNumberInBody(start, size);
    }
  }

  #cutFrame(start: number, size: number): void {
    this.#work.copyWithin(start, start + size, this.#length);
    this.#length -= size;
  }

  #copyFrame(start: number, size: number): void {
    if (this.#length + size > this.#max) return;
    this.#work.copyWithin(start + size, start, this.#length);
    this.#length += size;
  }

  /** A frame of another input comes before this one. */
  #insertFrame(other: Uint8Array, at: number): void {
    const from = this.#framesFrom as number;
    if (other.length < from + 12) return;
    const length = u32At(other, from);
    const size = length < 8 || from + 4 + length > other.length ? other.length - from : 4 + length;
    if (this.#length + size > this.#max) return;
    this.#work.copyWithin(at + size, at, this.#length);
    this.#work.set(other.subarray(from, from + size), at);
    this.#length += size;
  }

  /** Cuts the body, and says so in the length. */
  #shorten(start: number, size: number): void {
    if (size <= 12) return;
    const cut = 1 + this.#below(size - 12);
    this.#work.copyWithin(start + size - cut, start + size, this.#length);
    this.#length -= cut;
    this.#putU32(start, size - 4 - cut);
  }

  #putNumberInBody(start: number, size: number): void {
    if (size > 12) this.#putNumber(start + 12 + this.#below(size - 12));
  }

  #u32(at: number): number {
    return u32At(this.#work, at);
  }

  #putU32(at: number, value: number): void {
    if (at + 4 > this.#length) return;
    this.#work[at] = value >>> 24;
    this.#work[at + 1] = value >>> 16;
    this.#work[at + 2] = value >>> 8;
    this.#work[at + 3] = value;
  }
}

function u32At(bytes: Uint8Array, at: number): number {
  return (
    (((bytes[at] as number) << 24) |
      ((bytes[at + 1] as number) << 16) |
      ((bytes[at + 2] as number) << 8) |
      (bytes[at + 3] as number)) >>>
    0
  );
}
