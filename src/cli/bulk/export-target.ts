/**
 * Where an export goes: standard output, or a file with a note beside it (`FILE.progress`) that says how many partitions
 * the file holds and how long it was then. The note is replaced as a whole after each partition; whatever stands behind
 * that length is a torn tail, which `--resume` cuts off.
 */
import { fileFacts, GrowingFile, readNote, removeNote, writeNote } from '../../io/long-files.ts';
import { print } from '../shared/streams.ts';
import { usage } from '../shared/values.ts';

/** What an interrupted export has done. */
export interface ExportNote {
  /** Partitions that are complete: 0 to this, without it. */
  readonly partitions: number;
  /** Of the cluster. */
  readonly partitionsTotal: number;
  readonly prefix: string;
  readonly rows: number;
  /** Bytes of the file then. */
  readonly bytes: number;
}

export interface ExportTarget {
  /** What it holds from before. */
  readonly before: ExportNote;
  append(text: Uint8Array): Promise<void>;
  /** Forgets what was written of the present partition; false: it cannot be taken back. */
  takeBack(): Promise<boolean>;
  /** The present partition is complete. */
  partitionDone(rows: number): Promise<void>;
  /** All are: `whole`; otherwise what there is stays, to be gone on with. */
  close(whole: boolean): Promise<void>;
}

export const noteOf = (path: string): string => `${path}.progress`;

export class OutputTarget implements ExportTarget {
  readonly before: ExportNote;
  #torn = false;

  constructor(partitionsTotal: number, prefix: string) {
    this.before = { partitions: 0, partitionsTotal, prefix, rows: 0, bytes: 0 };
  }

  async append(text: Uint8Array): Promise<void> {
    if (text.length === 0) return;
    this.#torn = true;
    await print(text);
  }

  takeBack(): Promise<boolean> {
    return Promise.resolve(!this.#torn);
  }

  partitionDone(): Promise<void> {
    this.#torn = false;
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

export class FileTarget implements ExportTarget {
  readonly before: ExportNote;
  readonly #path: string;
  readonly #file: GrowingFile;
  #note: ExportNote;

  private constructor(path: string, file: GrowingFile, note: ExportNote) {
    this.#path = path;
    this.#file = file;
    this.before = note;
    this.#note = note;
  }

  /** @throws KeyvalError KV_USAGE when the file is there and nobody said what to do with it, or cannot be gone on with */
  static async open(
    path: string,
    fresh: ExportNote,
    { resume, force }: { resume: boolean; force: boolean },
  ): Promise<FileTarget> {
    const facts = await fileFacts(path);
    if (facts?.regular === false)
      throw usage(`${path} is no ordinary file; leave FILE out to write to standard output`);
    const text = await readNote(noteOf(path));
    if (facts !== null && resume) return FileTarget.#goOn(path, fresh, facts.size, text);
    if (facts !== null && !force) {
      const how = text === null ? '' : '--resume goes on with what it holds, ';
      throw usage(`${path} is there already; ${how}--force writes over it`);
    }
    const target = new FileTarget(path, await GrowingFile.open(path, 0), fresh);
    await target.#write();
    return target;
  }

  static async #goOn(path: string, fresh: ExportNote, size: number, text: string | null): Promise<FileTarget> {
    if (text === null) {
      throw usage(`${noteOf(path)} is not there: the export is complete, or ${path} is none; --force writes over it`);
    }
    const note = parseNote(text, noteOf(path));
    if (note.partitionsTotal !== fresh.partitionsTotal || note.prefix !== fresh.prefix) {
      throw usage(
        `${path} was begun with --prefix '${note.prefix}' and ${note.partitionsTotal} partitions, not '${fresh.prefix}' and ${fresh.partitionsTotal}; --force writes over it`,
      );
    }
    if (size < note.bytes) {
      throw usage(`${path} has ${size} bytes, fewer than the ${note.bytes} that were written; --force begins anew`);
    }
    return new FileTarget(path, await GrowingFile.open(path, note.bytes), note);
  }

  append(text: Uint8Array): Promise<void> {
    return this.#file.append(text);
  }

  async takeBack(): Promise<boolean> {
    if (this.#file.length !== this.#note.bytes) await this.#file.cutBack(this.#note.bytes);
    return true;
  }

  async partitionDone(rows: number): Promise<void> {
    const { partitions, ...rest } = this.#note;
    this.#note = { ...rest, partitions: partitions + 1, rows: rest.rows + rows, bytes: this.#file.length };
    await this.#write();
  }

  #write(): Promise<void> {
    return writeNote(noteOf(this.#path), `${JSON.stringify(this.#note)}\n`);
  }

  async close(whole: boolean): Promise<void> {
    if (!whole) await this.takeBack();
    await this.#file.sync();
    await this.#file.close();
    if (whole) await removeNote(noteOf(this.#path));
  }
}

function parseNote(text: string, path: string): ExportNote {
  try {
    const note = JSON.parse(text) as ExportNote;
    const numbers = [note.partitions, note.partitionsTotal, note.rows, note.bytes];
    if (numbers.every((number) => Number.isSafeInteger(number) && number >= 0) && typeof note.prefix === 'string') {
      return note;
    }
  } catch {
    // told below
  }
  throw usage(`${path} is no note of an export; --force writes over it`);
}
