/**
 * Values on their way in pieces (STGE). A value is put together here before a small entry of the log names it, so that
 * a large write commits like a small one and the pieces of one never hold up the writes of others.
 */
import { readU32 } from '../base/bytes.ts';
import { KeyvalError } from '../errors.ts';
import { STAGE_BYTES, STAGE_NUMBER, STAGE_OFFSET, STAGE_TOTAL } from '../protocol/client-codec.ts';
import { VALUE_BYTES_MAX } from '../protocol/limits.ts';

interface Stage {
  readonly value: Uint8Array;
  received: number;
  /** `received` when idle ones were last looked for, and since when it is that. */
  receivedBefore: number;
  idleSinceMs: number;
}

export class Stages {
  readonly #stages: Map<number, Stage> = new Map();
  readonly #limit: number;
  readonly #reserve: (bytes: number) => boolean;
  #bytes = 0;

  /** `reserve` says whether so many bytes more may be kept. */
  constructor(limit: number, reserve: (bytes: number) => boolean) {
    this.#limit = limit;
    this.#reserve = reserve;
  }

  /** Memory held by whole and partial values: announced size, for it will be needed. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Takes the piece in `bytes[start, end)`, a STGE body. True when the value is whole.
   * @throws KeyvalError KV_TOO_LARGE, KV_OUT_OF_MEMORY, KV_OVERLOADED, KV_BAD_REQUEST (pieces out of order)
   */
  receive(bytes: Uint8Array, start: number, end: number): boolean {
    if (end - start < STAGE_BYTES) throw new KeyvalError('KV_BAD_REQUEST', 'STGE: the body is cut short');
    const number = readU32(bytes, start + STAGE_NUMBER);
    const total = readU32(bytes, start + STAGE_TOTAL);
    const offset = readU32(bytes, start + STAGE_OFFSET);
    const stage = offset === 0 ? this.#begin(number, total) : this.#stages.get(number);
    const length = end - start - STAGE_BYTES;
    if (stage === undefined || stage.value.length !== total || stage.received !== offset || offset + length > total) {
      throw new KeyvalError(
        'KV_BAD_REQUEST',
        `STGE: piece at ${offset} of stage ${number} does not follow the one before`,
      );
    }
    stage.value.set(bytes.subarray(start + STAGE_BYTES, end), offset);
    stage.received += length;
    return stage.received === total;
  }

  #begin(number: number, total: number): Stage {
    this.drop(number);
    if (total > VALUE_BYTES_MAX) {
      throw new KeyvalError('KV_TOO_LARGE', `a value of ${total} bytes; the largest is ${VALUE_BYTES_MAX}`);
    }
    if (this.#stages.size >= this.#limit) {
      throw new KeyvalError('KV_OVERLOADED', `${this.#limit} large values of this connection are under way already`);
    }
    if (!this.#reserve(total)) throw new KeyvalError('KV_OUT_OF_MEMORY', `no room for a value of ${total} bytes`);
    const stage = { value: new Uint8Array(total), received: 0, receivedBefore: -1, idleSinceMs: 0 };
    this.#stages.set(number, stage);
    this.#bytes += total;
    return stage;
  }

  /** Hands a whole value over; null when it is not there or not whole. */
  take(number: number): Uint8Array | null {
    const stage = this.#stages.get(number);
    if (stage === undefined || stage.received !== stage.value.length) return null;
    this.drop(number);
    return stage.value;
  }

  drop(number: number): void {
    const stage = this.#stages.get(number);
    if (stage === undefined) return;
    this.#bytes -= stage.value.length;
    this.#stages.delete(number);
  }

  /** Drops those that have not grown for `idleMs`. To be called now and then. */
  dropIdle(nowMs: number, idleMs: number): void {
    for (const [number, stage] of this.#stages) {
      if (stage.received !== stage.receivedBefore) {
        stage.receivedBefore = stage.received;
        stage.idleSinceMs = nowMs;
      } else if (nowMs - stage.idleSinceMs > idleMs) this.drop(number);
    }
  }

  clear(): void {
    this.#stages.clear();
    this.#bytes = 0;
  }
}
