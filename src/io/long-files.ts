/** Files of import and export: written and read from any place on, and small notes beside them that are whole or absent. */
import { createReadStream } from 'node:fs';
import { type FileHandle, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { KeyvalError } from '../errors.ts';
import { fileTrouble } from './file-trouble.ts';

const READ_BYTES: number = 1024 * 1024;

export interface FileFacts {
  readonly size: number;
  readonly mtimeMs: number;
  /** A file that has a length and a place to read from; not a pipe or a device. */
  readonly regular: boolean;
}

/** Null: it is not there. */
export async function fileFacts(path: string): Promise<FileFacts | null> {
  try {
    const found = await stat(path);
    return { size: found.size, mtimeMs: found.mtimeMs, regular: found.isFile() };
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw failed('read', path, cause);
  }
}

/** The bytes of a file from `start` on, in pieces. */
export async function* readPieces(path: string, start: number): AsyncGenerator<Uint8Array> {
  try {
    const options = { highWaterMark: READ_BYTES, ...(start === 0 ? {} : { start }) };
    for await (const piece of createReadStream(path, options)) yield piece as Buffer;
  } catch (cause) {
    throw failed('read', path, cause);
  }
}

/** A file that grows at its end. */
export class GrowingFile {
  readonly #path: string;
  readonly #handle: FileHandle;
  length: number;

  private constructor(path: string, handle: FileHandle, length: number) {
    this.#path = path;
    this.#handle = handle;
    this.length = length;
  }

  /** Keeps the first `length` bytes of what is there; 0: creates it. */
  static async open(path: string, length: number): Promise<GrowingFile> {
    try {
      const handle = await open(path, length === 0 ? 'w' : 'r+');
      await handle.truncate(length);
      return new GrowingFile(path, handle, length);
    } catch (cause) {
      throw failed('write', path, cause);
    }
  }

  async append(bytes: Uint8Array): Promise<void> {
    try {
      for (let at = 0; at < bytes.length; ) {
        const { bytesWritten } = await this.#handle.write(bytes, at, bytes.length - at, this.length);
        at += bytesWritten;
        this.length += bytesWritten;
      }
    } catch (cause) {
      throw failed('write', this.#path, cause);
    }
  }

  /** Forgets what is behind `length`. */
  async cutBack(length: number): Promise<void> {
    try {
      await this.#handle.truncate(length);
      this.length = length;
    } catch (cause) {
      throw failed('write', this.#path, cause);
    }
  }

  /** Resolves when everything is on the disk. */
  async sync(): Promise<void> {
    try {
      await this.#handle.sync();
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'EINVAL') throw failed('write', this.#path, cause);
    }
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}

/** The text of a small file; null: it is not there. */
export async function readNote(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw failed('read', path, cause);
  }
}

/** Replaces a small file as a whole: whoever reads it finds the old text or the new one. */
export async function writeNote(path: string, text: string): Promise<void> {
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    await writeFile(temporary, text);
    await rename(temporary, path);
  } catch (cause) {
    throw failed('write', path, cause);
  }
}

/** `from` takes the place of `to`, whatever was there. */
export async function replaceFile(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (cause) {
    throw failed('write', to, cause);
  }
}

export async function removeNote(path: string): Promise<void> {
  await rm(path, { force: true });
}

function failed(what: string, path: string, cause: unknown): KeyvalError {
  return new KeyvalError('KV_USAGE', `cannot ${what}: ${fileTrouble(path, cause)}`, { cause });
}
