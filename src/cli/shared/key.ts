/** KEY on the command line: text, or base64 for keys that are none. */
import { emptyKey, type Key } from '../../client/key-buffer.ts';
import { flag, type OptionTable } from './command-line.ts';
import { bytesField, type Document } from './output.ts';
import { usage, type Values } from './values.ts';

export const keyOptions: OptionTable = { 'base64-key': flag('KEY is base64, as scan prints keys that are no text') };

/** @throws KeyvalError KV_USAGE for bad base64, KV_BAD_KEY when it is empty */
export function keyOf(operand: string, values: Values): Key {
  if (operand === '') throw emptyKey();
  if (!values.flag('base64-key')) return operand;
  const bytes = Buffer.from(operand, 'base64');
  if (bytes.toString('base64').replace(/=+$/, '') === operand.replace(/=+$/, '')) return new Uint8Array(bytes);
  throw usage(`KEY is not base64: '${operand}'`);
}

/** The key in a document. */
export function keyField(key: Key): Document {
  return typeof key === 'string' ? { key } : bytesField('key', key);
}

const SHOWN_LENGTH_MAX = 100;

/** The key in a sentence, in quotes and not too long. */
export function quoted(operand: string): string {
  return `'${operand.length > SHOWN_LENGTH_MAX ? `${operand.slice(0, SHOWN_LENGTH_MAX)}…` : operand}'`;
}
