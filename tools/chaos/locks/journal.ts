/**
 * The history that one life of a program leaves behind (kvh/1). Each line is handed to the operating system before what
 * it tells of goes on, so that nothing but a line torn in the middle is lost with the process.
 */
import { closeSync, openSync, writeSync } from 'node:fs';
import { KeyvalError } from '../../../src/index.ts';
import { NEVER_ANSWERED } from '../../../src/testing/never-answered.ts';

/** Ids of a life begin at its number times this. */
const IDS_PER_LIFE = 1e9;

/** Codes that are a bug here. */
const NEVER: ReadonlySet<string> = new Set([...NEVER_ANSWERED, 'KV_FENCE_PARTITION']);

type Fields = Readonly<Record<string, unknown>>;

/**
 * What the judge passes over. `code`: of `lost` the cause; of `early`, a wait that ended before its time, and of `error`
 * the code; `bug`: an error that there must not be; of `harm`, which is told from outside, the kind.
 */
export interface JournalNote {
  readonly t: 'note';
  readonly what: 'lost' | 'early' | 'error' | 'bug' | 'harm';
  readonly p: string;
  readonly ts: number;
  readonly code: string;
  readonly message: string;
}

export interface JournalOptions {
  readonly path: string;
  /** Of all lives of all programs. */
  readonly life: number;
  readonly nowNs: () => number;
}

export class Journal {
  readonly nowNs: () => number;
  readonly #file: number;
  #nextId: number;

  constructor({ path, life, nowNs }: JournalOptions) {
    this.#file = openSync(path, 'a');
    this.#nextId = life * IDS_PER_LIFE;
    this.nowNs = nowNs;
  }

  /** Right before sending; gives the id. */
  call(p: string, f: string, k: string, a: Fields, ts: number = this.nowNs()): number {
    const id = this.#nextId;
    this.#nextId += 1;
    this.#line({ t: 'call', id, p, ts, f, k, a });
    return id;
  }

  answered(id: number, o: Fields, ts: number = this.nowNs()): void {
    this.#line({ t: 'ret', id, ts, r: 'ok', o });
  }

  /** Certainly without effect, or nobody knows. @throws what is no KeyvalError */
  failed(id: number, p: string, error: unknown): void {
    const { outcome } = this.noted(p, error);
    this.#line({ t: 'ret', id, ts: this.nowNs(), r: outcome === 'not-done' ? 'fail' : 'unknown' });
  }

  /** Nobody knows, whatever the error says: other requests hang on it. @throws what is no KeyvalError */
  doubtful(id: number, p: string, error: unknown): void {
    this.noted(p, error);
    this.#line({ t: 'ret', id, ts: this.nowNs(), r: 'unknown' });
  }

  /** @throws what is no KeyvalError */
  noted(p: string, error: unknown): KeyvalError {
    if (!(error instanceof KeyvalError)) throw error;
    this.#note(NEVER.has(error.code) ? 'bug' : 'error', p, error.code, error.message);
    return error;
  }

  lost(p: string, cause: string, reason: string): void {
    this.#note('lost', p, cause, reason);
  }

  early(p: string, code: string, message: string): void {
    this.#note('early', p, code, message);
  }

  #note(what: JournalNote['what'], p: string, code: string, message: string): void {
    const note: JournalNote = { t: 'note', what, p, ts: this.nowNs(), code, message };
    this.#line(note);
  }

  #line(line: object): void {
    const bytes = Buffer.from(`${JSON.stringify(line)}\n`);
    let written = 0;
    while (written < bytes.length) written += writeSync(this.#file, bytes, written);
  }

  close(): void {
    closeSync(this.#file);
  }
}
