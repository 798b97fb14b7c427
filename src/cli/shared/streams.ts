/**
 * Standard output and errors. Whoever reads may stop reading (`keyval scan | head`): that ends the command, quietly and
 * with exit code 0, and is no error; unless the exit code has something else to say (`unlessReaderGone`).
 */
import { KeyvalError } from '../../errors.ts';

/** Keeps a closed pipe from ending the process with a stack. Call once, before anything is written. */
export function surviveClosedPipes(): void {
  const ignore = (): void => undefined;
  process.stdout.on('error', ignore);
  process.stderr.on('error', ignore);
}

/** Resolves when what was written to standard error is gone, or nobody reads it. */
export function errorsWritten(): Promise<void> {
  return new Promise((resolve) => {
    process.stderr.write('', () => resolve());
  });
}

/** Something to know that is no result and no failure: a line on standard error. */
export function note(text: string): void {
  process.stderr.write(`keyval: ${text.replace(/\s*\n\s*/g, ' ')}\n`);
}

/** Thrown by `print` when nobody reads any more. */
export class ReaderGone extends Error {}

/**
 * Writes to standard output; resolves when it is gone, so that a slow reader slows the writer.
 * @throws ReaderGone; KeyvalError KV_CLOSED when it cannot be written, for example to a full disk
 */
export function print(data: string | Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(data, (error) => {
      if (error === null || error === undefined) resolve();
      else reject(unwritable(error));
    });
  });
}

function unwritable(error: NodeJS.ErrnoException): Error {
  if (error.code === 'EPIPE' || error.code === 'ERR_STREAM_DESTROYED') return new ReaderGone();
  return new KeyvalError('KV_CLOSED', `standard output cannot be written: ${error.message}`, { cause: error });
}

/** For commands whose exit code tells what became of their work: it does whether or not somebody reads the result. */
export async function unlessReaderGone(printed: Promise<void>): Promise<void> {
  try {
    await printed;
  } catch (error) {
    if (!(error instanceof ReaderGone)) throw error;
  }
}

/** Everything on standard input, at most `bytesMax`. @throws KeyvalError KV_TOO_LARGE */
export async function readInput(bytesMax: number): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of process.stdin) {
    chunks.push(chunk as Buffer);
    length += (chunk as Buffer).length;
    if (length > bytesMax) throw new KeyvalError('KV_TOO_LARGE', `standard input has more than ${bytesMax} bytes`);
  }
  return Buffer.concat(chunks);
}
