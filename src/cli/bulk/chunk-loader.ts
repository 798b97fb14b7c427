/**
 * Brings a chunk of lines into the cluster: what fails for a reason that may pass is loaded again, what is wrong with a
 * line is told under its number in the file. Storing a row twice does no harm.
 */
import { parseRows } from '../../bulk/ndjson-rows.ts';
import { RowReader } from '../../bulk/rows.ts';
import { type Code, KeyvalError } from '../../errors.ts';
import { systemClock } from '../../io/clock.ts';
import { LOAD_FAILURES_MAX } from '../../protocol/limits.ts';
import type { LoadFailure, LoadResult } from '../../protocol/load-codec.ts';
import type { BytesClient } from '../shared/connection.ts';
import type { LineChunk } from './line-chunks.ts';
import { pause } from './pace.ts';
import { mayPass, Patience } from './passing.ts';

/** Lines of a chunk that were stored, and those that cannot be, by line; `line` counts from 1 in the file. */
export interface ChunkOutcome {
  readonly rows: number;
  readonly failures: readonly LoadFailure[];
}

export interface LoaderOptions {
  readonly timeoutMs: number;
  readonly retryForMs: number;
  readonly signal: AbortSignal;
}

/** A line still to be loaded. */
interface Line {
  /** In the file. */
  readonly number: number;
  readonly text: Uint8Array;
}

const NEWLINE = 0x0a;

export class ChunkLoader {
  readonly #client: Pick<BytesClient, 'load' | 'put'>;
  readonly #options: LoaderOptions;

  constructor(client: Pick<BytesClient, 'load' | 'put'>, options: LoaderOptions) {
    this.#client = client;
    this.#options = options;
  }

  /** @throws KeyvalError when what may pass does not pass, or the signal fires */
  load(chunk: LineChunk): Promise<ChunkOutcome> {
    return chunk.long ? this.#loadLong(chunk) : this.#loadLines(chunk);
  }

  async #loadLines(chunk: LineChunk): Promise<ChunkOutcome> {
    const patience = this.#patience();
    const first = await this.#loadText(patience, chunk.text);
    if (first.failed === 0) return { rows: first.rows, failures: [] };
    const known = allFailures(chunk, first);
    const wrong = known.filter(({ code }) => !mayPass(code));
    if (wrong.length < first.failed) {
      const why = first.failures.find(({ code }) => mayPass(code));
      wrong.push(...(await this.#again(patience, linesAgain(chunk, first, known), why)));
    }
    wrong.sort((a, b) => a.line - b.line);
    return { rows: first.rows + first.failed - wrong.length, failures: wrong };
  }

  /**
   * Loads lines until each is stored or known to be wrong; gives those. In portions so small that all their failures are
   * told: from the second round on only lines are sent that have failed, and any that is stored is progress.
   */
  async #again(patience: Patience, lines: readonly Line[], why: LoadFailure | undefined): Promise<LoadFailure[]> {
    const wrong: LoadFailure[] = [];
    let left = lines;
    for (let failure = why; left.length > 0; ) {
      if (failure !== undefined) await this.#wait(patience, failure);
      const failed: Line[] = [];
      for (let at = 0; at < left.length; at += LOAD_FAILURES_MAX) {
        const portion = left.slice(at, at + LOAD_FAILURES_MAX);
        for (const found of await this.#loadPortion(patience, portion)) {
          const line = portion[found.line - 1] as Line;
          if (mayPass(found.code)) {
            failed.push(line);
            failure = found;
          } else wrong.push({ ...found, line: line.number });
        }
      }
      left = failed;
    }
    return wrong;
  }

  async #loadPortion(patience: Patience, portion: readonly Line[]): Promise<readonly LoadFailure[]> {
    const { rows, failed, failures } = await this.#loadText(patience, Buffer.concat(portion.map(({ text }) => text)));
    if (failures.length < failed)
      throw new KeyvalError('KV_INTERNAL', `a node told ${failures.length} of ${failed} failures`);
    if (rows > 0) patience.renew();
    return failures;
  }

  #loadText(patience: Patience, text: Uint8Array): Promise<LoadResult> {
    const { timeoutMs, signal } = this.#options;
    return this.#patiently(patience, () => this.#client.load(text, { timeoutMs, signal }));
  }

  /** One line that no LOAD can carry: it is read here and put like any value. */
  async #loadLong({ text, firstLine }: LineChunk): Promise<ChunkOutcome> {
    const { timeoutMs, signal } = this.#options;
    const parsed = parseRows(text, firstLine);
    const row = new RowReader(parsed.rows);
    if (!row.next()) return { rows: 0, failures: parsed.errors };
    const key = row.bytes.slice(row.keyStart, row.keyEnd);
    const value = row.bytes.subarray(row.valueStart, row.valueEnd);
    const ttl = row.ttlMs === 0 ? {} : { ttlMs: row.ttlMs };
    await this.#patiently(this.#patience(), () => this.#client.put(key, value, { ...ttl, timeoutMs, signal }));
    return { rows: 1, failures: [] };
  }

  #patience(): Patience {
    return new Patience(this.#options.retryForMs, () => systemClock.monotonicMs());
  }

  async #patiently<T>(patience: Patience, attempt: () => Promise<T>): Promise<T> {
    for (;;) {
      this.#checkSignal();
      try {
        return await attempt();
      } catch (error) {
        this.#checkSignal();
        if (!(error instanceof KeyvalError) || !mayPass(error.code)) throw error;
        await this.#wait(patience, error);
      }
    }
  }

  async #wait(patience: Patience, why: { readonly code: Code; readonly message: string }): Promise<void> {
    if (patience.over) throw new KeyvalError(why.code, `${why.message}; tried for --retry-for, then given up`);
    await pause(patience.nextDelayMs(), this.#options.signal);
    this.#checkSignal();
  }

  #checkSignal(): void {
    if (this.#options.signal.aborted) throw new KeyvalError('KV_ABORTED', 'the import was interrupted');
  }
}

/** The failures that are known, by their line in the file. When a node had too many to tell, what is wrong is found here. */
function allFailures({ text, firstLine }: LineChunk, { failed, failures }: LoadResult): LoadFailure[] {
  if (failed > failures.length) return [...parseRows(text, firstLine, Number.POSITIVE_INFINITY).errors];
  return failures.map((failure) => ({ ...failure, line: firstLine + failure.line - 1 }));
}

/** Lines to load once more: those that failed and may pass or, when these are not all known, all that are not wrong. */
function linesAgain(chunk: LineChunk, { failed, failures }: LoadResult, known: readonly LoadFailure[]): Line[] {
  const named = new Set(known.map(({ line }) => line));
  const lasting = new Set(known.filter(({ code }) => !mayPass(code)).map(({ line }) => line));
  const allKnown = failed === failures.length;
  return linesOf(chunk).filter(({ number }) => (!allKnown || named.has(number)) && !lasting.has(number));
}

function linesOf({ text, firstLine, lines }: LineChunk): Line[] {
  let start = 0;
  return Array.from({ length: lines }, (_, at) => {
    const newline = text.indexOf(NEWLINE, start);
    const end = newline < 0 ? text.length : newline + 1;
    const line = { number: firstLine + at, text: text.subarray(start, end) };
    start = end;
    return line;
  });
}
