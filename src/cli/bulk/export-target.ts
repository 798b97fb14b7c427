/**
 * Where an export goes: standard output, or a file. That is written beside its place (`FILE.partial`) and takes it at the
 * end, so that whatever stands there is whole. A note (`FILE.progress`) says how many partitions are written, how long the
 * file was then, and which life of the cluster it shows. The note is replaced as a whole after each partition; whatever
 * stands behind that length is a torn tail, which `--resume` cuts off.
 */
import { fileFacts, GrowingFile, readNote, removeNote, replaceFile, writeNote } from '../../io/long-files.ts';
import { print } from '../shared/streams.ts';
import { usage } from '../shared/values.ts';
import { checkSameLife, isLife, type Life } from './cluster-life.ts';

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
  readonly life: Life;
  /** It may take the place of a file that is there. */
  readonly force: boolean;
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

export const partialOf = (path: string): string => `${path}.partial`;
export const noteOf = (path: string): string => `${path}.progress`;

export class OutputTarget implements ExportTarget {
  readonly before: ExportNote;
  #torn = false;

  constructor(fresh: ExportNote) {
    this.before = fresh;
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

  /** @throws KeyvalError KV_USAGE when a file is there and nobody said what to do with it, or it cannot be gone on with */
  static async open(path: string, fresh: ExportNote, { resume }: { resume: boolean }): Promise<FileTarget> {
    const facts = await fileFacts(path);
    if (facts?.regular === false)
      throw usage(`${path} is no ordinary file; leave FILE out to write to standard output`);
    const text = await readNote(noteOf(path));
    if (resume) return FileTarget.#goOn(path, fresh, facts !== null, text);
    if (!fresh.force && text !== null) {
      throw usage(`an export to ${path} was interrupted; --resume goes on with what it has, --force begins anew`);
    }
    if (!fresh.force && facts !== null) throw usage(`${path} is there already; --force writes over it`);
    const target = new FileTarget(path, await GrowingFile.open(partialOf(path), 0), fresh);
    await target.#write();
    return target;
  }

  static async #goOn(path: string, fresh: ExportNote, isThere: boolean, text: string | null): Promise<FileTarget> {
    if (text === null) {
      throw usage(`${noteOf(path)} is not there: no export to ${path} was interrupted; leave out --resume`);
    }
    const note = parseNote(text, noteOf(path));
    const anew = 'leave out --resume and begin anew with --force';
    if (isThere && !note.force && !fresh.force)
      throw usage(`${path} is there already; --resume --force writes over it`);
    if (note.partitionsTotal !== fresh.partitionsTotal || note.prefix !== fresh.prefix) {
      throw usage(
        `${path} was begun with --prefix '${note.prefix}' and ${note.partitionsTotal} partitions, not '${fresh.prefix}' and ${fresh.partitionsTotal}; ${anew}`,
      );
    }
    checkSameLife(note.life, fresh.life, `${path} would mix what differs; ${anew}`);
    const size = (await fileFacts(partialOf(path)))?.size ?? 0;
    if (size < note.bytes) {
      throw usage(`${partialOf(path)} has ${size} bytes, fewer than the ${note.bytes} that were written; ${anew}`);
    }
    return new FileTarget(path, await GrowingFile.open(partialOf(path), note.bytes), note);
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
    if (!whole) return;
    await replaceFile(partialOf(this.#path), this.#path);
    await removeNote(noteOf(this.#path));
  }
}

function parseNote(text: string, path: string): ExportNote {
  try {
    const note = JSON.parse(text) as ExportNote;
    const numbers = [note.partitions, note.partitionsTotal, note.rows, note.bytes];
    const isNumbers = numbers.every((number) => Number.isSafeInteger(number) && number >= 0);
    if (isNumbers && typeof note.prefix === 'string' && typeof note.force === 'boolean' && isLife(note.life))
      return note;
  } catch {
    // told below
  }
  throw usage(`${path} is no note of an export; leave out --resume and begin anew with --force`);
}
