/** An import from its first line to its last: several chunks under way, and what is stored told in order. */
import { parseRows } from '../../bulk/ndjson-rows.ts';
import type { Code } from '../../errors.ts';
import { KeyvalError } from '../../errors.ts';
import type { ChunkOutcome } from './chunk-loader.ts';
import type { ImportNotes } from './import-note.ts';
import type { Interruption } from './interruption.ts';
import type { LineChunk } from './line-chunks.ts';
import type { Pace } from './pace.ts';
import type { Figures } from './progress.ts';

export interface ImportJob {
  readonly chunks: AsyncIterable<LineChunk>;
  readonly load: (chunk: LineChunk) => Promise<ChunkOutcome>;
  /** Null for what cannot be gone on with. */
  readonly notes: ImportNotes | null;
  readonly pace: Pace;
  readonly concurrency: number;
  readonly figures: Figures;
  readonly interruption: Interruption;
}

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
        while (this.#loads.size >= concurrency && !signal.aborted) await Promise.race(this.#loads);
        if (signal.aborted) break;
        this.#begin(chunk);
      }
    } catch (error) {
      if (!signal.aborted) this.#failure ??= error; // otherwise it was closed because of the signal
    }
    await Promise.all(this.#loads);
    if (notes !== null && (signal.aborted || this.#failure !== null)) await notes.write();
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
    const { notes } = this.#job;
    for (let first = this.#underWay[0]; first !== undefined; first = this.#underWay[0]) {
      const { chunk, outcome } = first;
      if (outcome === null) return;
      this.#underWay.shift();
      await notes?.advance(chunk.end, chunk.lines, outcome.rows, outcome.failed);
    }
  }
}

/** Reads the lines and stores nothing. */
export function checkChunk(
  { text, firstLine }: LineChunk,
  failed: (line: number, code: Code, message: string) => void,
): ChunkOutcome {
  const parsed = parseRows(text, firstLine, Number.POSITIVE_INFINITY);
  for (const { line, code, message } of parsed.errors) failed(line, code, message);
  return { rows: parsed.count, failed: parsed.failed };
}
