/**
 * `npm run crossover`: from which size of its input on a task is better done by a worker thread; printed as a table with
 * the thresholds that follow. Those in src/bulk/tasks.ts come from it.
 */
import { Piscina } from 'piscina';
import { measure } from './measure.ts';
import { type CrossoverOptions, parseCrossoverOptions, UsageError, usage } from './options.ts';
import { reportOf, type SubjectReport } from './report.ts';
import type { Subject } from './subjects.ts';
import type { Row } from './verdict.ts';
import { passOf, type Way, ways } from './ways.ts';

const EXIT_USAGE = 2;

async function main(): Promise<number> {
  const options = parseCrossoverOptions(process.argv.slice(2));
  if (options.help) {
    process.stdout.write(`${usage}\n`);
    return 0;
  }
  const filename = new URL('./worker.ts', import.meta.url).href;
  const threads = new Piscina({ filename, minThreads: 1, maxThreads: 1, recordTiming: false });
  const reports: SubjectReport[] = [];
  for (const subject of options.subjects) {
    const report = { subject, rows: await rowsOf(subject, options, threads) };
    reports.push(report);
    if (!options.json) process.stdout.write(`${reportOf(report)}\n\n`);
  }
  if (options.json)
    process.stdout.write(`${JSON.stringify(reports.map(({ subject, rows }) => ({ name: subject.name, rows })))}\n`);
  await threads.destroy();
  return 0;
}

async function rowsOf(subject: Subject, options: CrossoverOptions, threads: Piscina): Promise<Row[]> {
  const rows: Row[] = [];
  for (const size of sizesOf(subject, options.sizes)) {
    const input = subject.input(size);
    const figures: Partial<Record<Way, Row['figures']['main']>> = {};
    for (const way of ways) figures[way] = await measure(passOf(way, subject, input, threads), options.milliseconds);
    rows.push({ bytes: input.length, figures: figures as Row['figures'] });
  }
  return rows;
}

/** Up to the limit of the subject, and that. */
function sizesOf({ limit }: Subject, sizes: readonly number[]): readonly number[] {
  if (limit === undefined || sizes.every((size) => size <= limit.bytes)) return sizes;
  return [...sizes.filter((size) => size < limit.bytes), limit.bytes];
}

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  process.stderr.write(`${error.message}\n\n${usage}\n`);
  process.exitCode = EXIT_USAGE;
}
