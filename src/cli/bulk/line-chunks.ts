/** A stream of bytes in chunks of whole lines, small enough to be loaded at once; a line that is longer stands alone. */
import { KeyvalError } from '../../errors.ts';
import { EXPORT_TEXT_BYTES_MAX, LOAD_BYTES_MAX } from '../../protocol/limits.ts';

export interface LineChunk {
  readonly text: Uint8Array;
  /** Of the whole stream, from 1. */
  readonly firstLine: number;
  readonly lines: number;
  /** Offset in the stream behind it. */
  readonly end: number;
  /** One line, too long to be loaded with others. */
  readonly long: boolean;
}

export interface ChunkLimits {
  readonly linesMax: number;
  /** Where the stream begins. */
  readonly offset: number;
  readonly firstLine: number;
}

/** Of a chunk, about: enough to make a hand-over worth while, few enough that several nodes have something to do. */
const CHUNK_BYTES: number = 256 * 1024;
const NEWLINE = 0x0a;

/** @throws KeyvalError KV_TOO_LARGE when a line is longer than any row */
export async function* lineChunks(pieces: AsyncIterable<Uint8Array>, limits: ChunkLimits): AsyncGenerator<LineChunk> {
  const cutter = new Cutter(limits);
  for await (const piece of pieces) yield* cutter.take(piece);
  yield* cutter.rest();
}

class Cutter {
  readonly #linesMax: number;
  #end: number;
  #line: number;
  /** The beginning of a line whose end has not come. */
  #parts: Uint8Array[] = [];
  #partsBytes = 0;

  constructor({ linesMax, offset, firstLine }: ChunkLimits) {
    this.#linesMax = linesMax;
    this.#end = offset;
    this.#line = firstLine;
  }

  *take(piece: Uint8Array): Generator<LineChunk> {
    const lineEnd = piece.lastIndexOf(NEWLINE) + 1;
    if (lineEnd > 0) yield* this.#cutAll(this.#joined(piece.subarray(0, lineEnd)));
    if (lineEnd === piece.length) return;
    this.#parts.push(lineEnd === 0 ? piece : piece.subarray(lineEnd));
    this.#partsBytes += piece.length - lineEnd;
    if (this.#partsBytes <= EXPORT_TEXT_BYTES_MAX) return;
    throw new KeyvalError(
      'KV_TOO_LARGE',
      `line ${this.#line} has more than ${EXPORT_TEXT_BYTES_MAX} bytes: it is no row`,
    );
  }

  /** The last line, which need not end. */
  *rest(): Generator<LineChunk> {
    yield* this.#cutAll(this.#joined(new Uint8Array(0)));
  }

  #joined(text: Uint8Array): Uint8Array {
    if (this.#partsBytes === 0) return text;
    const joined = Buffer.concat([...this.#parts, text]);
    this.#parts = [];
    this.#partsBytes = 0;
    return joined;
  }

  *#cutAll(text: Uint8Array): Generator<LineChunk> {
    for (let start = 0; start < text.length; ) {
      const chunk = this.#cut(text, start);
      start += chunk.text.length;
      yield chunk;
    }
  }

  #cut(text: Uint8Array, start: number): LineChunk {
    const firstLine = this.#line;
    let end = start;
    for (let lines = 0; lines < this.#linesMax && end < text.length; lines += 1) {
      const newline = text.indexOf(NEWLINE, end);
      const next = newline < 0 ? text.length : newline + 1;
      if (lines > 0 && next - start > CHUNK_BYTES) break;
      end = next;
      this.#line += 1;
    }
    const chunk = text.subarray(start, end);
    this.#end += chunk.length;
    const lines = this.#line - firstLine;
    return { text: chunk, firstLine, lines, end: this.#end, long: chunk.length > LOAD_BYTES_MAX };
  }
}
