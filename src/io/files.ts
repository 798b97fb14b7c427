/** Files that people name on the command line. */
import { createReadStream } from 'node:fs';
import { KeyvalError } from '../errors.ts';
import { fileTrouble } from './file-trouble.ts';

/** A secret is a line, not a disk: more is a mistyped path. */
const SECRET_BYTES_MAX = 4096;

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;

/** A configuration is a page or two. */
const CONFIG_BYTES_MAX = 65_536;

/**
 * The secret in a file (`--secret-file`): its bytes without the end of the last line, which editors add. The file may be
 * a pipe. `what` names the option in the error.
 * @throws KeyvalError KV_USAGE when it cannot be read, is empty or longer than 4096 bytes
 */
export async function readSecretFile(path: string, what = '--secret-file'): Promise<Uint8Array> {
  const bytes = await smallFile(path, SECRET_BYTES_MAX, what);
  const secret = withoutLineEnd(bytes);
  if (secret.length === 0) throw unusable(what, `${path} is empty`);
  return secret;
}

/**
 * The text of a configuration file (`--config`), which may be a pipe; without the mark that some editors put at its start.
 * `what` names in the error how the file was given.
 * @throws KeyvalError KV_USAGE when it cannot be read, is longer than 64 KiB or is not UTF-8
 */
export async function readConfigText(path: string, what: string): Promise<string> {
  const bytes = await smallFile(path, CONFIG_BYTES_MAX, what);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw unusable(what, `${path} is not UTF-8`, cause);
  }
}

/** All of a file that has at most `bytesMax`. */
async function smallFile(path: string, bytesMax: number, what: string): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of createReadStream(path, { end: bytesMax })) chunks.push(chunk as Buffer);
  } catch (cause) {
    throw unusable(what, fileTrouble(path, cause), cause);
  }
  const bytes = new Uint8Array(Buffer.concat(chunks));
  if (bytes.length > bytesMax) throw unusable(what, `${path} has more than ${bytesMax} bytes`);
  return bytes;
}

function withoutLineEnd(bytes: Uint8Array): Uint8Array {
  if (bytes.at(-1) !== LINE_FEED) return bytes;
  return bytes.slice(0, bytes.at(-2) === CARRIAGE_RETURN ? -2 : -1);
}

function unusable(what: string, why: string, cause?: unknown): KeyvalError {
  return new KeyvalError('KV_USAGE', `${what}: ${why}`, { cause });
}
