/**
 * `npm run bench`: how fast three nodes on this machine are, compared with a raw echo that runs in turn with them. Prints a
 * table and keeps the raw runs in `.bench/`. Exit codes: 0 done, whatever the ratios; 1 failed; 2 wrong options.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Case } from './cases.ts';
import { type BenchOptions, parseBenchOptions, UsageError, usage } from './options.ts';
import { type Round, summarize } from './ratio.ts';
import { toJson, toMarkdown } from './report.ts';
import { run } from './run.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = join(root, '.bench');
const options = readOptions();
if (options !== null) await main(options);

async function main(options: BenchOptions): Promise<void> {
  const report = await run({ checkout: root, folder, options, onRound: showProgress });
  const json = JSON.stringify(toJson(report), null, 2);
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${report.startedAt.replaceAll(':', '')}.json`);
  writeFileSync(file, json);
  process.stdout.write(options.output === 'json' ? `${json}\n` : toMarkdown(report));
  process.stderr.write(`Raw runs: ${file}\n`);
}

function showProgress(benchCase: Case, rounds: readonly Round[]): void {
  const last = summarize(benchCase, rounds.slice(-1)).ratio.median.toFixed(2);
  const all = summarize(benchCase, rounds).ratio.median.toFixed(2);
  process.stderr.write(`${benchCase.name} ${rounds.length}/${options?.pairs}: ${last}, median ${all}\n`);
}

/** Null when there is nothing to run, because help was asked for or an option is wrong. */
function readOptions(): BenchOptions | null {
  try {
    const options = parseBenchOptions(process.argv.slice(2));
    if (options.help) console.log(usage);
    return options.help ? null : options;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.error(`${error.message}\n\n${usage}`);
    process.exitCode = 2;
    return null;
  }
}
