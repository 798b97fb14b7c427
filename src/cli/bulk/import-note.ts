/**
 * The note beside a file that is being imported (`FILE.import-progress`): up to where everything is stored, what the file
 * was then, and in which life of which cluster it is stored. It is replaced as a whole, a few times a second, and removed at the end.
 */
import { systemClock } from '../../io/clock.ts';
import { type FileFacts, readNote, removeNote, writeNote } from '../../io/long-files.ts';
import { usage } from '../shared/values.ts';
import { type ClusterLife, checkSameLife, isLife, type Life } from './cluster-life.ts';

export interface ImportNote {
  /** Of the file; the import goes on only where it is still the same. */
  readonly size: number;
  readonly mtimeMs: number;
  /** Every line before this is stored, or was told to be wrong. */
  readonly offset: number;
  readonly lines: number;
  readonly rows: number;
  readonly failed: number;
  /** Null until the cluster is known. */
  readonly life: Life | null;
}

const PERIOD_MS = 200;

export const importNoteOf = (path: string): string => `${path}.import-progress`;

export class ImportNotes {
  readonly #path: string;
  #note: ImportNote;
  #writtenAtMs = Number.NEGATIVE_INFINITY;
  #last: Promise<void> = Promise.resolve();
  #isThere: boolean;
  #trouble: ((message: string) => void) | null;

  private constructor(path: string, note: ImportNote, resume: boolean, trouble: (message: string) => void) {
    this.#path = path;
    this.#note = note;
    this.#isThere = resume;
    this.#trouble = trouble;
  }

  /**
   * `trouble` is told, once, that the note cannot be written; the import goes on without.
   * @throws KeyvalError KV_USAGE when there is nothing to go on with, or the file has changed
   */
  static async open(
    path: string,
    { size, mtimeMs }: FileFacts,
    resume: boolean,
    trouble: (message: string) => void,
  ): Promise<ImportNotes> {
    const fresh: ImportNote = { size, mtimeMs, offset: 0, lines: 0, rows: 0, failed: 0, life: null };
    if (!resume) return new ImportNotes(path, fresh, false, trouble);
    const text = await readNote(importNoteOf(path));
    if (text === null) throw usage(`${importNoteOf(path)} is not there: nothing was interrupted; leave out --resume`);
    const note = parseNote(text, importNoteOf(path));
    if (note.size !== size || note.mtimeMs !== mtimeMs) {
      throw usage(`${path} has changed since it was interrupted; import it from the start, without --resume`);
    }
    return new ImportNotes(path, note, true, trouble);
  }

  /** What is to be stored from now on lives in this life of the cluster. @throws KeyvalError KV_USAGE when the rest does not */
  begin(cluster: ClusterLife): void {
    const { life } = this.#note;
    if (life === null) this.#note = { ...this.#note, life: cluster.life };
    else {
      checkSameLife(
        life,
        cluster.life,
        'the rows done before are gone; import the file from the start, without --resume',
      );
      cluster.adopt(life);
    }
  }

  get note(): ImportNote {
    return this.#note;
  }

  /** There is a note that an import can go on with. */
  get isThere(): boolean {
    return this.#isThere;
  }

  /** More is stored. Resolves at once most of the time: the note is written now and then. */
  async advance(offset: number, lines: number, rows: number, failed: number): Promise<void> {
    const before = this.#note;
    this.#note = {
      ...before,
      offset,
      lines: before.lines + lines,
      rows: before.rows + rows,
      failed: before.failed + failed,
    };
    if (systemClock.monotonicMs() - this.#writtenAtMs >= PERIOD_MS) await this.write();
  }

  /** One after the other: each replaces the file. */
  write(): Promise<void> {
    this.#writtenAtMs = systemClock.monotonicMs();
    this.#last = this.#last.then(() => this.#write());
    return this.#last;
  }

  async #write(): Promise<void> {
    try {
      await writeNote(importNoteOf(this.#path), `${JSON.stringify(this.#note)}\n`);
      this.#isThere = true;
    } catch (error) {
      this.#trouble?.(error instanceof Error ? error.message : String(error));
      this.#trouble = null;
    }
  }

  async remove(): Promise<void> {
    await this.#last;
    if (this.#isThere) await removeNote(importNoteOf(this.#path));
  }
}

function parseNote(text: string, path: string): ImportNote {
  try {
    const note = JSON.parse(text) as ImportNote;
    const numbers = [note.size, note.mtimeMs, note.offset, note.lines, note.rows, note.failed];
    const isNumbers = numbers.every((number) => typeof number === 'number' && number >= 0);
    if (isNumbers && note.offset <= note.size && isLife(note.life)) return note;
  } catch {
    // told below
  }
  throw usage(`${path} is no note of an import; import the file from the start, without --resume`);
}
