/**
 * A state directory on a real disk: files are synced and so is the directory; a file that is created appears as a whole.
 * What the files mean is not known here.
 */
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { type FileHandle, open, rename, rm, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import type { Disk, DiskStep } from '../base/ports.ts';
import { type Code, KeyvalError } from '../errors.ts';
import { DirectoryLock } from './directory-lock.ts';

/** Of a disk that is full, read-only or broken: only an operator can help. */
const UNUSABLE: Code = 'KV_STATE';

const PRIVATE_DIRECTORY = 0o700;
const PRIVATE_FILE = 0o600;

export class StateDirectory implements Disk {
  readonly path: string;
  readonly #lock: DirectoryLock;
  /** The file appended to last. */
  #appending: { readonly name: string; readonly handle: FileHandle } | null = null;

  private constructor(path: string, lock: DirectoryLock) {
    this.path = path;
    this.#lock = lock;
  }

  /**
   * Makes the directory if need be, and holds it for this process.
   * @throws KeyvalError KV_USAGE when another process holds it, KV_STATE when it cannot be written
   */
  static open(path: string): StateDirectory {
    try {
      mkdirSync(path, { recursive: true, mode: PRIVATE_DIRECTORY });
      const lock = DirectoryLock.take(path);
      try {
        probe(path);
      } catch (cause) {
        lock.release();
        throw cause;
      }
      return new StateDirectory(path, lock);
    } catch (cause) {
      throw unusable(path, cause);
    }
  }

  list(): string[] {
    try {
      return readdirSync(this.path);
    } catch (cause) {
      throw unusable(this.path, cause);
    }
  }

  read(name: string): Uint8Array | null {
    try {
      return new Uint8Array(readFileSync(join(this.path, name)));
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw unusable(join(this.path, name), cause);
    }
  }

  write(steps: readonly DiskStep[], done: (error: Error | null) => void): void {
    this.#writeAll(steps).then(
      () => done(null),
      (cause) => done(unusable(this.path, cause)),
    );
  }

  async #writeAll(steps: readonly DiskStep[]): Promise<void> {
    for (const step of steps) {
      if (step.kind === 'append') await this.#append(step.name, step.bytes);
      else await this.#change(step);
    }
  }

  async #append(name: string, bytes: Uint8Array): Promise<void> {
    if (this.#appending?.name !== name) {
      await this.#closeAppending();
      this.#appending = { name, handle: await open(join(this.path, name), 'a', PRIVATE_FILE) };
    }
    const { handle } = this.#appending as { handle: FileHandle };
    await writeWhole(handle, bytes);
    await handle.datasync();
  }

  async #change(step: Exclude<DiskStep, { kind: 'append' }>): Promise<void> {
    const path = join(this.path, step.name);
    if (this.#appending?.name === step.name) await this.#closeAppending();
    if (step.kind === 'cut') return cut(path, step.length);
    if (step.kind === 'create') await create(path, step.bytes);
    else await rm(path, { force: true });
    await syncDirectory(this.path);
  }

  async #closeAppending(): Promise<void> {
    const { handle } = this.#appending ?? {};
    this.#appending = null;
    await handle?.close();
  }

  /** Lets go of the directory. Nothing may be under way. */
  async close(): Promise<void> {
    await this.#closeAppending();
    this.#lock.release();
  }
}

async function create(path: string, bytes: Uint8Array): Promise<void> {
  const part = `${path}.part`;
  const handle = await open(part, 'w', PRIVATE_FILE);
  try {
    await writeWhole(handle, bytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(part, path);
}

async function cut(path: string, length: number): Promise<void> {
  await truncate(path, length);
  const handle = await open(path, 'r+');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function writeWhole(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length; ) at += (await handle.write(bytes, at, bytes.length - at)).bytesWritten;
}

async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Tries what will be needed: better a clear error at the start than a node that falls silent at its first vote. */
function probe(path: string): void {
  const file = join(path, 'lock-probe');
  const descriptor = openSync(`${file}.part`, 'w', PRIVATE_FILE);
  try {
    writeFileSync(descriptor, 'probe');
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  renameSync(`${file}.part`, file);
  rmSync(file);
}

const advice: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full; free some space and start the node again',
  EDQUOT: 'the disk quota is used up; free some space and start the node again',
  EROFS: 'the file system is read-only; mount it for writing, or name another directory with --data',
  EACCES: 'this user may not write there; change its owner, or name another directory with --data',
  EPERM: 'this user may not write there; change its owner, or name another directory with --data',
  ENOTDIR: 'there is a file of that name; name a directory with --data',
  EEXIST: 'there is a file of that name; name a directory with --data',
  EIO: 'the disk reports errors; look at the log of the system, and replace the disk before starting the node again',
  EMFILE: 'too many files are open; raise the limit (ulimit -n) and start the node again',
};

function unusable(path: string, cause: unknown): KeyvalError {
  if (cause instanceof KeyvalError) return cause;
  const { code, message } = cause as NodeJS.ErrnoException;
  const why = advice[code ?? ''] ?? message;
  return new KeyvalError(UNUSABLE, `the state directory ${path} cannot be used: ${why}`, { cause });
}
