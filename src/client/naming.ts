/** Errors say of which key: whoever has a hundred requests under way cannot tell otherwise. */
import { KeyvalError } from '../errors.ts';
import type { Key } from './key-buffer.ts';

/** Of longer keys the first characters are told. */
const SHOWN_MAX = 64;
const utf8 = new TextDecoder('utf-8', { fatal: true });

/** The same error, with the key in its text, unless it is named there already. */
export function naming(error: KeyvalError, key: Key): KeyvalError {
  const name = nameOf(key);
  if (name === '' || error.message.includes(name)) return error;
  const { outcome, revision, cycle, cause } = error;
  const shared = { outcome, cycle, cause };
  return new KeyvalError(
    error.code,
    `${error.message} (key ${name})`,
    revision === undefined ? shared : { ...shared, revision },
  );
}

/** A key for people, on one line; empty for what is none. */
export function nameOf(key: Key): string {
  if (typeof key === 'string') return key === '' ? '' : quoted(key);
  if (!(key instanceof Uint8Array) || key.length === 0) return '';
  try {
    return quoted(utf8.decode(key));
  } catch {
    return `0x${Buffer.from(key.subarray(0, SHOWN_MAX / 2)).toString('hex')}${key.length > SHOWN_MAX / 2 ? '…' : ''}`;
  }
}

function quoted(text: string): string {
  const shown = text.length > SHOWN_MAX ? `${text.slice(0, SHOWN_MAX)}…` : text;
  return `'${shown.replaceAll(/\p{Cc}/gu, (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`)}'`;
}
