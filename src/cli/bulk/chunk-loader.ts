/**
 * Brings a chunk of lines into the cluster: what fails for a reason that may pass is loaded again, what is wrong with a
 * line is told under its number in the file. Storing a row twice does no harm.
 */
import { parseRows } from '../../bulk/ndjson-rows.ts';
import { RowReader } from '../../bulk/rows.ts';
import { type Code, KeyvalError } from '../../errors.ts';
import { systemClock } from '../../io/clock.ts';
import type { LoadFailure } from '../../protocol/load-codec.ts';
import type { BytesClient } from '../shared/connection.ts';
import type { LineChunk } from './line-chunks.ts';
import { pause } from './pace.ts';
import { mayPass, Patience } from './passing.ts';

/** Lines of a chunk that were stored, and those that cannot be. */
export interface ChunkOutcome {
  readonly rows: number;
  readonly failed: number;
}

export interface LoaderOptions {
  readonly timeoutMs: number;
  readonly retryForMs: number;
  readonly signal: AbortSignal;
  /** A line that cannot be stored; `line` counts from 1 in the file. */
  readonly failed: (line: number, code: Code, message: string) => void;
}

/** Lines still to be loaded, and the numbers they have in the file. */
interface Lines {
  readonly text: Uint8Array;
  /** By line of the text, from 0. */
  readonly numbers: readonly number[];
}

const NEWLINE = 0x0a;

export class ChunkLoader {
  readonly #client: BytesClient;
  readonly #options: LoaderOptions;

  constructor(client: BytesClient, options: LoaderOptions) {
    this.#client = client;
    this.#options = options;
  }

  /** @throws KeyvalError when what may pass does not pass, or the signal fires */
  load(chunk: LineChunk): Promise<ChunkOutcome> {
    return chunk.long ? this.#loadLong(chunk) : this.#loadLines(chunk);
  }

  async #loadLines(chunk: LineChunk): Promise<ChunkOutcome> {
    const { timeoutMs, signal, failed } = this.#options;
    const patience = this.#patience();
    const first = await this.#patiently(patience, () => this.#client.load(chunk.text, { timeoutMs, signal }));
    const total = first.rows + first.failed;
    let wrong = 0;
    let lines: Lines | null = null;
    for (let result = first; result.failed > 0; ) {
      lines ??= linesOf(chunk);
      const lasting = result.failures.filter(({ code }) => !mayPass(code));
      for (const { line, code, message } of lasting) failed(lines.numbers[line - 1] as number, code, message);
      wrong += lasting.length;
      if (lasting.length === result.failed) break;
      if (result.rows > 0 || lasting.length > 0) patience.renew();
      else await this.#wait(patience, result.failures[0]);
      lines = stillToLoad(lines, result.failures, result.failed);
      const { text } = lines;
      result = await this.#patiently(patience, () => this.#client.load(text, { timeoutMs, signal }));
    }
    return { rows: total - wrong, failed: wrong };
  }

  /** One line that no LOAD can carry: it is read here and put like any value. */
  async #loadLong({ text, firstLine }: LineChunk): Promise<ChunkOutcome> {
    const { timeoutMs, signal, failed } = this.#options;
    const parsed = parseRows(text, firstLine);
    for (const { line, code, message } of parsed.errors) failed(line, code, message);
    const row = new RowReader(parsed.rows);
    if (!row.next()) return { rows: 0, failed: parsed.failed };
    const key = row.bytes.slice(row.keyStart, row.keyEnd);
    const value = row.bytes.subarray(row.valueStart, row.valueEnd);
    const ttl = row.ttlMs === 0 ? {} : { ttlMs: row.ttlMs };
    await this.#patiently(this.#patience(), () => this.#client.put(key, value, { ...ttl, timeoutMs, signal }));
    return { rows: 1, failed: 0 };
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

  async #wait(patience: Patience, why: { code: Code; message: string } | undefined): Promise<void> {
    if (patience.over) throw new KeyvalError(why?.code ?? 'KV_UNREACHABLE', why?.message ?? 'no row could be stored');
    await pause(patience.nextDelayMs(), this.#options.signal);
    this.#checkSignal();
  }

  #checkSignal(): void {
    if (this.#options.signal.aborted) throw new KeyvalError('KV_ABORTED', 'the import was interrupted');
  }
}

function linesOf({ text, firstLine, lines }: LineChunk): Lines {
  return { text, numbers: Array.from({ length: lines }, (_, at) => firstLine + at) };
}

/** Those that failed for a reason that may pass; when not every failure is known, all but those that cannot be stored. */
function stillToLoad({ text, numbers }: Lines, failures: readonly LoadFailure[], failed: number): Lines {
  const allKnown = failed === failures.length;
  const passing = new Set(failures.filter(({ code }) => mayPass(code)).map(({ line }) => line));
  const lasting = new Set(failures.filter(({ code }) => !mayPass(code)).map(({ line }) => line));
  const parts: Uint8Array[] = [];
  const kept: number[] = [];
  let start = 0;
  numbers.forEach((number, at) => {
    const newline = text.indexOf(NEWLINE, start);
    const end = newline < 0 ? text.length : newline + 1;
    if (allKnown ? passing.has(at + 1) : !lasting.has(at + 1)) {
      parts.push(text.subarray(start, end));
      kept.push(number);
    }
    start = end;
  });
  return { text: Buffer.concat(parts), numbers: kept };
}
