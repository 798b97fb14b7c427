/** One LOAD under way: what is left of its rows, how many are being written, and what has failed. */
import { type LineError, type ParsedRows, parseRows } from '../bulk/ndjson-rows.ts';
import { RowReader } from '../bulk/rows.ts';
import type { Code } from '../errors.ts';
import { LOAD_FAILURES_MAX } from '../protocol/limits.ts';
import type { LoadResult } from '../protocol/load-codec.ts';
import type { Connection } from './connection.ts';

/** Text parsed at once on this thread: about half a millisecond. */
const PIECE_BYTES: number = 32 * 1024;
const NEWLINE = 0x0a;
const NOTHING = new Uint8Array(0);

export class Load {
  readonly to: Connection;
  readonly messageId: number;
  /** Monotonic milliseconds after which no further row is begun. */
  readonly untilMs: number;
  /** Memory it holds. */
  readonly bytes: number;
  /** Rows being written. */
  underWay = 0;
  /** It is in line for its rows to be begun. */
  waiting = false;
  #text: Uint8Array;
  #textAt = 0;
  #nextLine = 1;
  #rows: RowReader = new RowReader(NOTHING);
  #written = 0;
  #failed = 0;
  #abandoned = false;
  readonly #failures: LineError[] = [];

  /** `text` is what is parsed here, piece by piece; empty when a worker thread does it. */
  constructor(to: Connection, messageId: number, untilMs: number, bytes: number, text: Uint8Array) {
    this.to = to;
    this.messageId = messageId;
    this.untilMs = untilMs;
    this.bytes = bytes;
    this.#text = text;
  }

  /** Rows that have been parsed; a worker thread may come with them when nobody wants them any more. */
  take({ rows, errors, failed }: ParsedRows): void {
    if (this.#abandoned) return;
    this.#rows = new RowReader(rows);
    this.#failed += failed;
    for (const error of errors) this.#note(error);
  }

  /** The next row, in the fields of the reader; null when there is none. At most one piece of text is parsed for it. */
  next(): RowReader | null {
    if (this.#rows.next()) return this.#rows;
    if (!this.hasText) return null;
    this.#parsePiece();
    return this.#rows.next() ? this.#rows : null;
  }

  get hasText(): boolean {
    return this.#textAt < this.#text.length;
  }

  #parsePiece(): void {
    const text = this.#text;
    const start = this.#textAt;
    const newline = text.lastIndexOf(NEWLINE, start + PIECE_BYTES);
    const found = newline >= start ? newline : text.indexOf(NEWLINE, start);
    const end = found < 0 || start + PIECE_BYTES >= text.length ? text.length : found + 1;
    const parsed = parseRows(text.subarray(start, end), this.#nextLine, LOAD_FAILURES_MAX - this.#failures.length);
    this.#textAt = end;
    this.#nextLine += parsed.lines;
    this.take(parsed);
  }

  /** A row that was begun is stored. */
  written(): void {
    this.underWay -= 1;
    this.#written += 1;
  }

  /** A row that was begun is not, or perhaps. */
  failed(line: number, code: Code, message: string): void {
    this.underWay -= 1;
    this.#fail(line, code, message);
  }

  /** The rows that have been parsed, or those of the next piece of text, will not be begun. */
  failRows(code: Code, message: string): void {
    for (let row = this.next(); row !== null; row = this.#rows.next() ? this.#rows : null) {
      this.#fail(row.line, code, message);
    }
  }

  /** Nobody waits for the answer: what has not been begun is forgotten. */
  abandon(): void {
    this.#abandoned = true;
    this.#text = NOTHING;
    this.#rows = new RowReader(NOTHING);
  }

  #fail(line: number, code: Code, message: string): void {
    this.#failed += 1;
    this.#note({ line, code, message });
  }

  #note(error: LineError): void {
    if (this.#failures.length < LOAD_FAILURES_MAX) this.#failures.push(error);
  }

  get result(): LoadResult {
    const failures = this.#failures.sort((a, b) => a.line - b.line);
    return { rows: this.#written, failed: this.#failed, failures };
  }
}
