/** The key of the request being sent, as bytes. One buffer serves all requests: a key is used up before the next comes. */
import { shown } from '../base/option-table.ts';
import { KeyvalError } from '../errors.ts';
import { KEY_BYTES_MAX } from '../protocol/limits.ts';

/** A string is UTF-8 on the wire. 1 to 65,535 bytes. */
export type Key = string | Uint8Array;

const encoder = new TextEncoder();

export class KeyBuffer {
  readonly bytes: Uint8Array = new Uint8Array(KEY_BYTES_MAX + 1);
  length = 0;

  /** @throws KeyvalError KV_BAD_KEY, KV_USAGE */
  set(key: Key): void {
    if (typeof key === 'string') this.length = this.#setText(key);
    else if (key instanceof Uint8Array) this.length = this.#setBytes(key);
    else throw noKey(key);
    if (this.length === 0) throw emptyKey();
  }

  #setText(key: string): number {
    const { length } = key;
    if (length > KEY_BYTES_MAX) throw tooLong();
    const { bytes } = this;
    for (let at = 0; at < length; at += 1) {
      const code = key.charCodeAt(at);
      if (code > 127) return this.#setUnicode(key);
      bytes[at] = code;
    }
    return length;
  }

  #setUnicode(key: string): number {
    if (!key.isWellFormed())
      throw new KeyvalError('KV_BAD_KEY', 'the key has half a surrogate pair, which UTF-8 cannot write');
    const { read, written } = encoder.encodeInto(key, this.bytes);
    if (read < key.length || written > KEY_BYTES_MAX) throw tooLong();
    return written;
  }

  #setBytes(key: Uint8Array): number {
    if (key.length > KEY_BYTES_MAX) throw tooLong();
    this.bytes.set(key);
    return key.length;
  }
}

export function emptyKey(): KeyvalError {
  return new KeyvalError('KV_BAD_KEY', 'the key is empty; a key has 1 to 65,535 bytes');
}

function tooLong(): KeyvalError {
  return new KeyvalError('KV_BAD_KEY', 'the key is too long; a key has 1 to 65,535 bytes');
}

/** What was given for a key is none. */
export function noKey(given: unknown): KeyvalError {
  return new KeyvalError('KV_USAGE', `a key is a string or a Uint8Array, not ${shown(given)}`);
}

/** The bytes of a key as a text of their own, for maps: each character stands for one byte. @throws KeyvalError KV_USAGE */
export function keyText(key: Key): string {
  if (typeof key !== 'string' && !(key instanceof Uint8Array)) throw noKey(key);
  const bytes = typeof key === 'string' ? Buffer.from(key) : Buffer.from(key.buffer, key.byteOffset, key.byteLength);
  return bytes.toString('latin1');
}
