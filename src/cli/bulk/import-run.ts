/** An import from its first line to its last: several chunks under way, and what is stored told in order. */
import { parseRows } from '../../bulk/ndjson-rows.ts';
import { KeyvalError } from '../../errors.ts';
import type { LoadFailure } from '../../protocol/load-codec.ts';
import type { ChunkOutcome } from './chunk-loader.ts';
import type { ImportNotes } from './import-note.ts';
import type { Interruption } from './interruption.ts';
import type { LineChunk } from './line-chunks.ts';
import type { Pace } from './pace.ts';
import type { Figures } from './progress.ts';

export interface ImportJob {
  readonly chunks: AsyncIterable<LineChunk>;
  readonly load: (chunk: LineChunk) => Promise<ChunkOutcome>;
  /** Tells of a line that cannot be stored, in the order of the file; false: they are too many, and the import ends. */
  readonly tell: (failure: LoadFailure) => boolean;
  /** Null for what cannot be gone on with. */
  readonly notes: ImportNotes | null;
  readonly pace: Pace;
  readonly concurrency: number;
  readonly figures: Figures;
  readonly interruption: Interruption;
}

/** Chunks that are loaded while an earlier one is not: about 64 MiB. */
const UNSETTLED_MAX = 256;
const NEWLINE = 0x0a;
const SPACE = 0x20;

interface UnderWay {
  readonly chunk: LineChunk;
  outcome: ChunkOutcome | null;
}

export class ImportRun {
  readonly #job: ImportJob;
  /** In the order of the file. */
  readonly #underWay: UnderWay[] = [];
  readonly #loads: Set<Promise<void>> = new Set();
  #failure: unknown = null;
  #givenUp = false;

  constructor(job: ImportJob) {
    this.#job = job;
  }

  /** True when every line was stored or told to be wrong; false when it was interrupted. @throws KeyvalError */
  async run(): Promise<boolean> {
    const { chunks, pace, concurrency, interruption, notes } = this.#job;
    const { signal } = interruption;
    try {
      for await (const chunk of chunks) {
        await pace.take(chunk.lines, signal);
        const isFull = (): boolean => this.#loads.size >= concurrency || this.#underWay.length >= UNSETTLED_MAX;
        while (isFull() && !signal.aborted) await Promise.race(this.#loads);
        if (signal.aborted) break;
        this.#begin(chunk);
      }
    } catch (error) {
      if (!signal.aborted) this.#failure ??= error; // otherwise it was closed because of the signal
    }
    await Promise.all(this.#loads);
    if (signal.aborted || this.#failure !== null) await notes?.write();
    if (this.#failure !== null) throw this.#failure;
    return !signal.aborted;
  }

  #begin(chunk: LineChunk): void {
    const entry: UnderWay = { chunk, outcome: null };
    this.#underWay.push(entry);
    const load = this.#load(entry).finally(() => this.#loads.delete(load));
    this.#loads.add(load);
  }

  async #load(entry: UnderWay): Promise<void> {
    const { load, figures, interruption } = this.#job;
    try {
      const outcome = await load(entry.chunk);
      entry.outcome = outcome;
      figures.rows += outcome.rows;
      figures.done += entry.chunk.text.length;
      await this.#advance();
    } catch (error) {
      if (interruption.signal.aborted && error instanceof KeyvalError) return;
      this.#failure ??= error;
      interruption.stop();
    }
  }

  /** Everything up to the first chunk that is still under way is settled. */
  async #advance(): Promise<void> {
    const { notes, interruption } = this.#job;
    for (let first = this.#underWay[0]; first !== undefined; first = this.#underWay[0]) {
      const { chunk, outcome } = first;
      if (outcome === null || this.#givenUp) return;
      this.#underWay.shift();
      const last = this.#tell(outcome.failures);
      if (last === null) await notes?.advance(chunk.end, chunk.lines, outcome.rows, outcome.failures.length);
      else {
        interruption.stop();
        await notes?.advance(...upTo(chunk, outcome.failures, last));
      }
    }
  }

  /** Null when all were told; otherwise after which it was to end. */
  #tell(failures: readonly LoadFailure[]): LoadFailure | null {
    for (const failure of failures) {
      if (this.#job.tell(failure)) continue;
      this.#givenUp = true;
      return failure;
    }
    return null;
  }
}

/** Of a chunk that is told of up to and with the line of `last`: offset behind it, lines, rows, failures. */
function upTo(
  { text, firstLine, end }: LineChunk,
  failures: readonly LoadFailure[],
  last: LoadFailure,
): [offset: number, lines: number, rows: number, failed: number] {
  const lines = last.line - firstLine + 1;
  const failed = failures.indexOf(last) + 1;
  let bytes = 0;
  let filled = 0;
  for (let left = lines; left > 0; left -= 1) {
    const newline = text.indexOf(NEWLINE, bytes);
    const lineEnd = newline < 0 ? text.length : newline + 1;
    if (text.subarray(bytes, lineEnd).some((byte) => byte > SPACE)) filled += 1;
    bytes = lineEnd;
  }
  return [end - text.length + bytes, lines, filled - failed, failed];
}

/** Reads the lines and stores nothing. */
export function checkChunk({ text, firstLine }: LineChunk): ChunkOutcome {
  const { count, errors } = parseRows(text, firstLine, Number.POSITIVE_INFINITY);
  return { rows: count, failures: errors };
}
