/** `keyval export`: everything in the cluster as NDJSON. */
import { ExitCode, KeyvalError } from '../../errors.ts';
import { ClusterLife } from '../bulk/cluster-life.ts';
import { ExportRun } from '../bulk/export-run.ts';
import { type ExportTarget, FileTarget, noteOf, OutputTarget, partialOf } from '../bulk/export-target.ts';
import { Interruption } from '../bulk/interruption.ts';
import { Pace } from '../bulk/pace.ts';
import { DEFAULT_RETRY_FOR_MS } from '../bulk/passing.ts';
import { type Figures, Progress, summaryText } from '../bulk/progress.ts';
import type { Command } from '../shared/command.ts';
import { flag, valued } from '../shared/command-line.ts';
import { type BytesClient, withClient } from '../shared/connection.ts';
import { type Format, formatOf, printResult } from '../shared/output.ts';
import { ReaderGone, unlessReaderGone } from '../shared/streams.ts';
import { usage, type Values } from '../shared/values.ts';

/** A page may hold a value of 64 MiB. */
const PAGE_TIMEOUT_MS = 30_000;

const CONSEQUENCE =
  'while keys were being exported: what is written would mix two lives of the cluster; begin anew, to a file with --force';

export const exportCommand: Command = {
  name: 'export',
  operands: ['FILE'],
  optionalOperands: 1,
  summary: 'write all keys and values to a file or standard output, as NDJSON',
  details: `A line a key: {"key":"seat-1","value":"ada","ttlMs":60000}; bytes that are no text stand in base64 as key64, value64. Each
partition is exported as one committed state while writes go on. What goes to a FILE stands in FILE.partial until it is whole
and can be interrupted: FILE.progress tells how far it came, and --resume goes on there. When nodes are restarted meanwhile,
which empties them, it ends with KV_RESTARTED. Exit code 0 only when everything was written, whoever reads it.`,
  options: {
    prefix: valued('only keys that begin with this'),
    rate: valued('at most so many rows a second'),
    resume: flag('go on with an export that was interrupted'),
    force: flag('replace FILE, once the new one is whole'),
    'retry-for': valued('how long to try again when a node does not answer', '1m'),
  },
  examples: [
    ['keyval export backup.ndjson', 'everything, to a file'],
    ['keyval export --resume backup.ndjson', 'go on with what was interrupted'],
    ['keyval export --prefix user: | gzip > users.ndjson.gz', 'some keys, compressed'],
  ],
  async run({ operands: [path], values }) {
    const file = path === undefined || path === '-' ? null : path;
    if (file === null && (values.flag('resume') || values.flag('force'))) {
      throw usage('--resume and --force need a FILE; standard output cannot be gone on with');
    }
    return withClient(values, (client) => run(client, file, values));
  },
};

async function run(client: BytesClient, file: string | null, values: Values): Promise<number> {
  const prefix = values.text('prefix') ?? '';
  const pace = new Pace(values.whole('rate', 1));
  const format = formatOf(values);
  const timeoutMs = values.durationMs('timeout') ?? PAGE_TIMEOUT_MS;
  const retryForMs = values.durationMs('retry-for', 0) ?? DEFAULT_RETRY_FOR_MS;
  const cluster = await ClusterLife.of(client, timeoutMs);
  const { life } = cluster;
  const force = values.flag('force');
  const fresh = { partitions: 0, partitionsTotal: client.partitions, prefix, rows: 0, bytes: 0, life, force };
  const target: ExportTarget =
    file === null ? new OutputTarget(fresh) : await FileTarget.open(file, fresh, { resume: values.flag('resume') });
  cluster.adopt(target.before.life);
  const figures: Figures = { rows: 0, failed: 0, done: 0, total: 0, unit: 'partitions' };
  const interruption = new Interruption();
  const progress = new Progress('export', figures);
  const note = (line: string): void => progress.note(`keyval: ${line}`);
  const job = { client, target, prefix, pace, timeoutMs, retryForMs, figures, interruption, note };
  let whole = false;
  let lost = false;
  try {
    whole = await cluster.during(() => new ExportRun(job).run(), interruption, CONSEQUENCE, null);
  } catch (error) {
    lost = error instanceof KeyvalError && error.code === 'KV_RESTARTED';
    if (!(error instanceof ReaderGone)) throw error;
    note(`whoever read standard output has gone: ${figures.done} of ${figures.total} partitions were written`);
  } finally {
    progress[Symbol.dispose]();
    await target.close(whole);
    if (!whole && !lost && file !== null) note(goOnText(file, figures));
  }
  if (!whole) return interruption.exitCode ?? ExitCode.error;
  await unlessReaderGone(tell(format, file, figures, target.before.rows, progress));
  return ExitCode.ok;
}

function goOnText(file: string, { done, total }: Figures): string {
  return `${done} of ${total} partitions are in ${partialOf(file)}, ${noteOf(file)} tells; go on with: keyval export --resume ${file}`;
}

async function tell(
  format: Format,
  file: string | null,
  { rows, total }: Figures,
  rowsBefore: number,
  progress: Progress,
): Promise<void> {
  const { elapsedMs } = progress;
  const text = `exported ${summaryText(rows - rowsBefore, elapsedMs)} of ${total} partitions`;
  if (file === null) return progress.note(text);
  const document = { file, rows, partitions: total, seconds: elapsedMs / 1000 };
  await printResult(format, document, rowsBefore === 0 ? text : `${text}, ${rows} in ${file}`);
}
