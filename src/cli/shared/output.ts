/**
 * `--output`: `table` is for people and shell scripts, `json` one document, `ndjson` one document a line. In documents a
 * 64-bit number is text, and bytes that are no UTF-8 are base64 under a name that says so.
 */
import { isUtf8 } from 'node:buffer';
import { print } from './streams.ts';
import type { Values } from './values.ts';

export const formats = ['table', 'json', 'ndjson'] as const;
export type Format = (typeof formats)[number];

export function formatOf(values: Values): Format {
  return values.oneOf('output', formats) ?? 'table';
}

/** Anything that JSON can hold. */
export type Document = Readonly<Record<string, unknown>>;

/** Prints one result: `text` and a line end, or `document`. */
export function printResult(format: Format, document: Document, text: string): Promise<void> {
  return print(format === 'table' ? `${text}\n` : `${documentText(format, document)}\n`);
}

/** Prints several: `text`, or all in `document`, or one a line. */
export function printResults(
  format: Format,
  { document, lines, text }: { document: Document; lines: readonly Document[]; text: string },
): Promise<void> {
  if (format !== 'ndjson') return printResult(format, document, text);
  return print(lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
}

export function documentText(format: Format, document: Document): string {
  return format === 'ndjson' ? JSON.stringify(document) : JSON.stringify(document, null, 2);
}

/** `{name: text}`, or `{nameBase64: …}` when the bytes are no UTF-8. */
export function bytesField(name: string, bytes: Uint8Array): Document {
  if (isUtf8(bytes)) return { [name]: viewOf(bytes).toString('utf8') };
  return { [`${name}Base64`]: viewOf(bytes).toString('base64') };
}

const named: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** Bytes as text on one line: control characters, and bytes that are no UTF-8, are written as `\n`, `\x1b`. */
export function oneLine(bytes: Uint8Array): string {
  const text = viewOf(bytes).toString(isUtf8(bytes) ? 'utf8' : 'latin1');
  const special = isUtf8(bytes) ? /[\\\p{Cc}]/gu : /[^\x20-\x5b\x5d-\x7e]/g;
  return text.replace(special, (found) => named[found] ?? `\\x${found.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

function viewOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}
