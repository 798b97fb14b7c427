/**
 * `npm run bulk-bench`: does a large import disturb small requests, with worker threads and without? Three nodes, an
 * importer and a process with small requests, all on this machine.
 */
import { parseBulkBenchOptions, UsageError, usage } from './options.ts';
import { reportOf } from './report.ts';
import { run } from './run.ts';

const EXIT_USAGE = 2;

async function main(): Promise<number> {
  const options = parseBulkBenchOptions(process.argv.slice(2));
  if (options.help) {
    process.stdout.write(`${usage}\n`);
    return 0;
  }
  const measurements = await run(options, (what) => process.stderr.write(`${what}\n`));
  process.stdout.write(`${options.json ? JSON.stringify(measurements) : reportOf(measurements)}\n`);
  return 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  process.stderr.write(`${error.message}\n\n${usage}\n`);
  process.exitCode = EXIT_USAGE;
}
