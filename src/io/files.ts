/** Files that people name on the command line. */
import { createReadStream } from 'node:fs';
import { KeyvalError } from '../errors.ts';

/** A secret is a line, not a disk: more is a mistyped path. */
const SECRET_BYTES_MAX = 4096;

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;

/**
 * The secret in a file (`--secret-file`): its bytes without the end of the last line, which editors add. The file may be
 * a pipe.
 * @throws KeyvalError KV_USAGE when it cannot be read, is empty or longer than 4096 bytes
 */
export async function readSecretFile(path: string): Promise<Uint8Array> {
  const bytes = await firstBytes(path);
  if (bytes.length > SECRET_BYTES_MAX) throw unusable(`${path} has more than ${SECRET_BYTES_MAX} bytes`);
  const secret = withoutLineEnd(bytes);
  if (secret.length === 0) throw unusable(`${path} is empty`);
  return secret;
}

/** At most one byte more than a secret may have. */
async function firstBytes(path: string): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of createReadStream(path, { end: SECRET_BYTES_MAX })) chunks.push(chunk as Buffer);
  } catch (cause) {
    throw unusable(cause instanceof Error ? cause.message : String(cause), cause);
  }
  return new Uint8Array(Buffer.concat(chunks));
}

function withoutLineEnd(bytes: Uint8Array): Uint8Array {
  if (bytes.at(-1) !== LINE_FEED) return bytes;
  return bytes.slice(0, bytes.at(-2) === CARRIAGE_RETURN ? -2 : -1);
}

function unusable(why: string, cause?: unknown): KeyvalError {
  return new KeyvalError('KV_USAGE', `--secret-file: ${why}`, { cause });
}
