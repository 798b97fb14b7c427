/**
 * Brings a chunk of lines into the cluster: what fails for a reason that may pass is loaded again, what is wrong with a
 * line is told under its number in the file. Storing a row twice does no harm.
 */
import { parseRows } from '../../bulk/ndjson-rows.ts';
import { RowReader } from '../../bulk/rows.ts';
import { KeyvalError } from '../../errors.ts';
import { LOAD_FAILURES_MAX } from '../../protocol/limits.ts';
import type { LoadFailure, LoadResult } from '../../protocol/load-codec.ts';
import type { BytesClient } from '../shared/connection.ts';
import { Attempts, type LoaderOptions, linesText } from './attempts.ts';
import type { LineChunk } from './line-chunks.ts';
import { mayPass, tellsOfRestart } from './passing.ts';

/** Lines of a chunk that were stored, and those that cannot be, by line; `line` counts from 1 in the file. */
export interface ChunkOutcome {
  readonly rows: number;
  readonly failures: readonly LoadFailure[];
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
    const attempts = new Attempts(this.#options);
    const first = await this.#loadText(attempts, textOf(chunk), chunk.text);
    if (first.failed === 0) return { rows: first.rows, failures: [] };
    const restarted = first.failures.find(tellsOfRestart);
    if (restarted !== undefined) await attempts.wait(textOf(chunk), restarted);
    const known = allFailures(chunk, first);
    const wrong = known.filter(({ code }) => !mayPass(code));
    if (wrong.length < first.failed) {
      const why = reasonOf(first.failures);
      wrong.push(...(await this.#again(attempts, linesAgain(chunk, first, known), why)));
    }
    wrong.sort((a, b) => a.line - b.line);
    return { rows: first.rows + first.failed - wrong.length, failures: wrong };
  }

  /**
   * Loads lines until each is stored or known to be wrong; gives those. In portions so small that all their failures are
   * told: from the second round on only lines are sent that have failed, and any that is stored is progress.
   */
  async #again(attempts: Attempts, lines: readonly Line[], why: LoadFailure | undefined): Promise<LoadFailure[]> {
    const wrong: LoadFailure[] = [];
    let left = lines;
    for (let failure = why; left.length > 0; ) {
      if (failure !== undefined) await attempts.wait(numbersOf(left), failure);
      const failed: Line[] = [];
      for (let at = 0; at < left.length; at += LOAD_FAILURES_MAX) {
        const portion = left.slice(at, at + LOAD_FAILURES_MAX);
        const failures = await this.#loadPortion(attempts, portion);
        for (const found of failures) {
          const line = portion[found.line - 1] as Line;
          if (mayPass(found.code)) failed.push(line);
          else wrong.push({ ...found, line: line.number });
        }
        failure = reasonOf(failures) ?? failure;
        if (failed.length > 0 && failure !== undefined && attempts.over) await attempts.wait(numbersOf(left), failure);
      }
      left = failed;
    }
    return wrong;
  }

  async #loadPortion(attempts: Attempts, portion: readonly Line[]): Promise<readonly LoadFailure[]> {
    const text = Buffer.concat(portion.map((line) => line.text));
    const { rows, failed, failures } = await this.#loadText(attempts, numbersOf(portion), text);
    if (failures.length < failed)
      throw new KeyvalError('KV_INTERNAL', `a node told ${failures.length} of ${failed} failures`);
    if (rows > 0) attempts.renew();
    return failures;
  }

  #loadText(attempts: Attempts, lines: string, text: Uint8Array): Promise<LoadResult> {
    return attempts.run(lines, (options) => this.#client.load(text, options));
  }

  /** One line that no LOAD can carry: it is read here and put like any value. */
  async #loadLong({ text, firstLine }: LineChunk): Promise<ChunkOutcome> {
    const parsed = parseRows(text, firstLine);
    const row = new RowReader(parsed.rows);
    if (!row.next()) return { rows: 0, failures: parsed.errors };
    const key = row.bytes.slice(row.keyStart, row.keyEnd);
    const value = row.bytes.subarray(row.valueStart, row.valueEnd);
    const ttl = row.ttlMs === 0 ? {} : { ttlMs: row.ttlMs };
    const attempts = new Attempts(this.#options);
    await attempts.run(`line ${firstLine}`, (options) => this.#client.put(key, value, { ...ttl, ...options }));
    return { rows: 1, failures: [] };
  }
}

function textOf({ firstLine, lines }: LineChunk): string {
  return linesText(firstLine, firstLine + lines - 1);
}

function numbersOf(lines: readonly Line[]): string {
  return linesText((lines[0] as Line).number, (lines.at(-1) as Line).number);
}

/** Why lines are loaded again; a deadline says little where another reason is known, too. */
function reasonOf(failures: readonly LoadFailure[]): LoadFailure | undefined {
  const passing = failures.filter(({ code }) => mayPass(code));
  return passing.find(({ code }) => code !== 'KV_DEADLINE') ?? passing[0];
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
