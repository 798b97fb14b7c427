/** `keyval import`: rows of NDJSON into the cluster. */
import { ExitCode, KeyvalError } from '../../errors.ts';
import { fileFacts, readPieces } from '../../io/long-files.ts';
import type { LoadFailure } from '../../protocol/load-codec.ts';
import { ChunkLoader, type ChunkOutcome } from '../bulk/chunk-loader.ts';
import { ClusterLife } from '../bulk/cluster-life.ts';
import { ImportNotes, importNoteOf } from '../bulk/import-note.ts';
import { checkChunk, ImportRun } from '../bulk/import-run.ts';
import { Interruption } from '../bulk/interruption.ts';
import { type LineChunk, lineChunks } from '../bulk/line-chunks.ts';
import { OrderedLoader } from '../bulk/ordered-loader.ts';
import { Pace } from '../bulk/pace.ts';
import { DEFAULT_RETRY_FOR_MS } from '../bulk/passing.ts';
import { countText, type Figures, Progress, summaryText } from '../bulk/progress.ts';
import type { Command } from '../shared/command.ts';
import { flag, valued } from '../shared/command-line.ts';
import { withClient } from '../shared/connection.ts';
import { formatOf, printResult } from '../shared/output.ts';
import { unlessReaderGone } from '../shared/streams.ts';
import { usage, type Values } from '../shared/values.ts';

/** A chunk of thousands of rows takes longer than one request. */
const CHUNK_TIMEOUT_MS = 30_000;
const DEFAULT_CONCURRENCY = 6;
const CONCURRENCY_MAX = 32;
const DEFAULT_ERRORS_MAX = 100;

const CONSEQUENCE =
  'while rows were being stored: what was stored before may be gone; import the file again from the start';

export const importCommand: Command = {
  name: 'import',
  operands: ['FILE'],
  summary: 'store the rows of an NDJSON file, or with - of standard input',
  details: `A line a key: {"key":"seat-1","value":"ada","ttlMs":60000}; key64, value64 hold base64 where there is no text. Keys that are there
are overwritten. Where a key stands in several lines any of them may win; with --concurrency 1 the last one does. A line that is wrong is told
on standard error by its number, and the others go on. FILE.import-progress tells how far an interrupted import came, and
--resume goes on there; where that cannot be written the import says so and goes on without. When nodes are restarted
meanwhile, which empties them, it ends with KV_RESTARTED. Exit code 0 only when every line is stored.`,
  options: {
    rate: valued('at most so many rows a second'),
    concurrency: valued('chunks under way at a time; 1 keeps the order of lines', `${DEFAULT_CONCURRENCY}`),
    'max-errors': valued('wrong lines before it gives up', `${DEFAULT_ERRORS_MAX}`),
    'retry-for': valued('how long to try again what a node cannot take', '1m'),
    resume: flag('go on with an import that was interrupted'),
    'dry-run': flag('only check the lines'),
  },
  examples: [
    ['keyval import backup.ndjson', 'everything in the file'],
    ['keyval import --resume backup.ndjson', 'go on with what was interrupted'],
    ['gunzip -c users.ndjson.gz | keyval import --rate 20000 -', 'from a pipe, gently'],
    ['keyval import --dry-run backup.ndjson', 'what is wrong with it'],
  ],
  run: ({ operands: [path = ''], values }) => run(path, values),
};

async function run(path: string, values: Values): Promise<number> {
  const stream = path === '-';
  const facts = stream ? null : await fileFacts(path);
  if (!stream && facts === null) throw usage(`${path} is not there`);
  const file = facts?.regular === true ? facts : null;
  if (values.flag('resume') && file === null) throw usage(`--resume needs a file; ${path} cannot be gone on with`);
  const dryRun = values.flag('dry-run');
  const figures: Figures = { rows: 0, failed: 0, done: 0, total: file?.size ?? 0, unit: 'bytes' };
  const trouble = (message: string): void =>
    progress.note(`keyval: ${message}; the import goes on, but --resume will not know how far it came`);
  const notes = file === null || dryRun ? null : await ImportNotes.open(path, file, values.flag('resume'), trouble);
  const before = notes?.note ?? { offset: 0, lines: 0, rows: 0, failed: 0 };
  Object.assign(figures, { rows: before.rows, failed: before.failed, done: before.offset });
  const interruption = new Interruption();
  if (stream) interruption.signal.addEventListener('abort', () => process.stdin.destroy());
  const pace = new Pace(values.whole('rate', 1));
  const pieces = stream ? (process.stdin as AsyncIterable<Uint8Array>) : readPieces(path, before.offset);
  const chunks = lineChunks(pieces, { linesMax: pace.portion, offset: before.offset, firstLine: before.lines + 1 });
  const concurrency = values.whole('concurrency', 1, CONCURRENCY_MAX) ?? DEFAULT_CONCURRENCY;
  const progress = new Progress(dryRun ? 'check' : 'import', figures);
  const { tell } = new LineErrors(values.whole('max-errors') ?? DEFAULT_ERRORS_MAX, figures, progress);
  const begin = (load: (chunk: LineChunk) => Promise<ChunkOutcome>): Promise<boolean> =>
    new ImportRun({ chunks, load, tell, notes, pace, concurrency, figures, interruption }).run();
  let whole = false;
  let lost = false;
  try {
    whole = await (dryRun
      ? begin(async (chunk) => checkChunk(chunk))
      : withClient(values, async (client) => {
          const timeoutMs = values.durationMs('timeout') ?? CHUNK_TIMEOUT_MS;
          const retryForMs = values.durationMs('retry-for', 0) ?? DEFAULT_RETRY_FOR_MS;
          const cluster = await ClusterLife.of(client, timeoutMs);
          notes?.begin(cluster);
          if (cluster.obstacle !== null) throw new KeyvalError('KV_RESTARTED', cluster.obstacle);
          await notes?.write();
          const options = { timeoutMs, retryForMs, signal: interruption.signal };
          const loader = concurrency === 1 ? new OrderedLoader(client, options) : new ChunkLoader(client, options);
          const work = (): Promise<boolean> => begin((chunk) => loader.load(chunk));
          return cluster.during(work, interruption, CONSEQUENCE, retryForMs);
        }));
  } catch (error) {
    lost = error instanceof KeyvalError && (error.code === 'KV_RESTARTED' || error.code === 'KV_USAGE');
    throw error;
  } finally {
    progress[Symbol.dispose]();
    if (whole) await notes?.remove();
    else if (notes?.isThere === true && !lost) progress.note(goOnText(path, notes));
  }
  if (stream) process.stdin.destroy();
  await unlessReaderGone(printSummary(values, dryRun, whole, figures, before, progress));
  if (!whole && interruption.exitCode !== null) return interruption.exitCode;
  return whole && figures.failed === 0 ? ExitCode.ok : ExitCode.error;
}

/** Tells wrong lines, and ends the import when they are too many. */
class LineErrors {
  readonly #max: number;
  readonly #figures: Figures;
  readonly #progress: Progress;
  #told = 0;

  constructor(max: number, figures: Figures, progress: Progress) {
    this.#max = max;
    this.#figures = figures;
    this.#progress = progress;
  }

  readonly tell = ({ line, code, message }: LoadFailure): boolean => {
    this.#told += 1;
    this.#figures.failed += 1;
    this.#progress.note(`line ${line}: ${code}: ${message}`);
    if (this.#told <= this.#max) return true;
    this.#progress.note(`keyval: more than ${this.#max} wrong lines: given up; --max-errors allows more`);
    return false;
  };
}

function goOnText(path: string, { note }: ImportNotes): string {
  return `keyval: ${countText(note.lines)} lines of ${path} are done, ${importNoteOf(path)} tells; go on with: keyval import --resume ${path}`;
}

async function printSummary(
  values: Values,
  dryRun: boolean,
  whole: boolean,
  { rows, failed }: Figures,
  before: { readonly rows: number; readonly failed: number },
  { elapsedMs }: Progress,
): Promise<void> {
  const verb = dryRun ? 'checked' : 'imported';
  const earlier = before.failed === 0 ? '' : ` (${countText(before.failed)} before)`;
  const failedText = `${countText(failed - before.failed)} failed${earlier}`;
  const text = `${verb} ${summaryText(rows - before.rows, elapsedMs)}, ${failedText}${whole ? '' : ', not complete'}`;
  const seconds = elapsedMs / 1000;
  const rowsPerSecond = Math.round((rows - before.rows) / seconds);
  await printResult(formatOf(values), { rows, failed, seconds, rowsPerSecond, complete: whole }, text);
}
