/**
 * Values: each is written once in a run, so that a reader can tell whose write it sees; filled up to the size asked for.
 *
 *     1a.3f~~~~~~~~~~~      writer in base 36 . count in base 36, filled with ~
 */
import { createHash } from 'node:crypto';

const BASE = 36;
const FILL = '~';
/** A writer, a dot and a count all fit in this, whatever the run. */
export const UNIQUE_VALUE_BYTES = 16;

const IDENTITY = /^[0-9a-z]+\.[0-9a-z]+$/;
const INTEGER = /^-?[0-9]{1,20}$/;

export class Values {
  readonly #prefix: string;
  readonly #bytes: number;
  readonly #filling: string;
  #count = 0;

  /**
   * @param writer no other has this number
   * @param bytes of each value; below `UNIQUE_VALUE_BYTES` values are cut and may repeat
   */
  constructor(writer: number, bytes: number) {
    this.#prefix = `${writer.toString(BASE)}.`;
    this.#bytes = bytes;
    this.#filling = FILL.repeat(bytes);
  }

  next(): string {
    this.#count += 1;
    const identity = this.#prefix + this.#count.toString(BASE);
    if (identity.length >= this.#bytes) return identity.slice(0, this.#bytes);
    return identity + this.#filling.slice(identity.length);
  }
}

/**
 * A value as a history shows it, short and without anything that JSON escapes: the part that makes it unique when all of
 * it is there, a whole number as it is, of anything else a hash.
 */
export function inHistory(value: string, bytes: number): string {
  if (value.length === bytes) {
    const end = value.indexOf(FILL);
    const identity = end < 0 ? value : value.slice(0, end);
    if (IDENTITY.test(identity) && value.endsWith(FILL.repeat(bytes - identity.length))) return identity;
  }
  if (INTEGER.test(value)) return value;
  return `sha256:${createHash('sha256').update(value).digest('hex')}`;
}
