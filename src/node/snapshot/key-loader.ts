/** Puts keys back from the parts of a snapshot (layout.ts): most come whole, a value that was cut piece by piece. */
import { readU16, readU32 } from '../../base/bytes.ts';
import { VALUE_BYTES_MAX } from '../../protocol/limits.ts';
import type { KeyTable } from '../../store/key-table.ts';
import { ENTRY_BYTES } from './layout.ts';
import { expect } from './malformed.ts';

const TWO_TO_32 = 0x1_0000_0000;

/** An entry whose value is not yet whole. */
interface Unfinished {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  received: number;
  readonly epoch: number;
  readonly operation: number;
  readonly deadlineMs: number;
}

export class KeyLoader {
  readonly #keys: KeyTable;
  #unfinished: Unfinished | null = null;

  constructor(keys: KeyTable) {
    this.#keys = keys;
  }

  /** Every value is whole. */
  get isWhole(): boolean {
    return this.#unfinished === null;
  }

  /** Memory of the value under way. */
  get bytes(): number {
    return this.#unfinished?.value.length ?? 0;
  }

  entry(bytes: Uint8Array, start: number, end: number): void {
    expect(this.isWhole, 'a key comes before the value of the one before is whole');
    expect(end - start >= ENTRY_BYTES, 'a key is cut short');
    const keyStart = start + ENTRY_BYTES;
    const keyEnd = keyStart + readU16(bytes, start);
    const valueLength = readU32(bytes, start + 2);
    const epoch = readU32(bytes, start + 6);
    const operation = readU32(bytes, start + 10);
    const deadlineMs = readU32(bytes, start + 14) * TWO_TO_32 + readU32(bytes, start + 18);
    expect(keyEnd > keyStart && keyEnd <= end && end - keyEnd <= valueLength, 'a key or its value is cut short');
    expect(
      valueLength <= VALUE_BYTES_MAX && Number.isSafeInteger(deadlineMs),
      'a value or a deadline is out of bounds',
    );
    expect(this.#keys.find(bytes, keyStart, keyEnd) < 0, 'a key comes twice');
    if (end - keyEnd === valueLength) {
      this.#keys.put(bytes, keyStart, keyEnd, bytes, keyEnd, end, epoch, operation, deadlineMs);
      return;
    }
    const value = new Uint8Array(valueLength);
    value.set(bytes.subarray(keyEnd, end));
    const key = bytes.slice(keyStart, keyEnd);
    this.#unfinished = { key, value, received: end - keyEnd, epoch, operation, deadlineMs };
  }

  more(bytes: Uint8Array, start: number, end: number): void {
    const one = this.#unfinished;
    expect(one !== null && one.received + end - start <= one.value.length, 'more of a value than there is');
    one.value.set(bytes.subarray(start, end), one.received);
    one.received += end - start;
    if (one.received < one.value.length) return;
    this.#unfinished = null;
    this.#keys.putLarge(one.key, 0, one.key.length, one.value, one.epoch, one.operation, one.deadlineMs);
  }

  abandon(): void {
    this.#unfinished = null;
  }
}
